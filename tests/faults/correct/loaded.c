/* Libraries are loaded and unloaded, with blocks that outlive them and that they free themselves.
 */
#include <dlfcn.h>
#include <unistd.h>
#include "../corpus/shapes.h"

static void *load(void) {
    char path[4096] = "";
    require(readlink("/proc/self/exe", path, sizeof path - 64) > 0, "the program's path");
    strcpy(strrchr(path, '/') + 1, "library_loaded.so");
    void *library = dlopen(path, RTLD_NOW);
    require(library != NULL, "the library is there");
    return library;
}

SHAPE(block_outlives_it) {
    void *library = load();
    char *text = ((char *(*)(size_t))dlsym(library, "library_make"))(100);
    dlclose(library);
    memset(text, 'l', 100);
    free(text);
}

SHAPE(it_frees) {
    void *library = load();
    ((void (*)(void *))dlsym(library, "library_release"))(opaque(malloc(30)));
    dlclose(library);
}

SHAPE(it_frees_when_it_goes) {
    for (int i = 0; i < 5; i++) {
        void *library = load();
        ((void (*)(void *))dlsym(library, "library_keep"))(opaque(malloc(40)));
        dlclose(library);
    }
}

SHAPE(it_holds_until_the_end) {
    void *library = load();
    ((void (*)(void *))dlsym(library, "library_keep"))(opaque(malloc(50)));
}

SHAPE(of_the_system) {
    void *library = dlopen("libm.so.6", RTLD_NOW);
    require(library != NULL && dlsym(library, "cos") != NULL, "libm");
    dlclose(library);
    require(dlopen("/nowhere/library.so", RTLD_NOW) == NULL && dlerror() != NULL, "nothing there");
}

RUN_ALL()
