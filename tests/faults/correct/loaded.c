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

static void block_outlives_it(void) {
    void *library = load();
    char *text = ((char *(*)(size_t))dlsym(library, "library_make"))(100);
    dlclose(library);
    memset(text, 'l', 100);
    free(text);
}

static void it_frees(void) {
    void *library = load();
    ((void (*)(void *))dlsym(library, "library_release"))(opaque(malloc(30)));
    dlclose(library);
}

static void it_frees_when_it_goes(void) {
    for (int i = 0; i < 5; i++) {
        void *library = load();
        ((void (*)(void *))dlsym(library, "library_keep"))(opaque(malloc(40)));
        dlclose(library);
    }
}

static void it_holds_until_the_end(void) {
    void *library = load();
    ((void (*)(void *))dlsym(library, "library_keep"))(opaque(malloc(50)));
}

static void of_the_system(void) {
    void *library = dlopen("libm.so.6", RTLD_NOW);
    require(library != NULL && dlsym(library, "cos") != NULL, "libm");
    dlclose(library);
    require(dlopen("/nowhere/library.so", RTLD_NOW) == NULL && dlerror() != NULL, "nothing there");
}

static const struct shape shapes[] = {
    {"block_outlives_it", block_outlives_it},
    {"it_frees", it_frees},
    {"it_frees_when_it_goes", it_frees_when_it_goes},
    {"it_holds_until_the_end", it_holds_until_the_end},
    {"of_the_system", of_the_system},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_all(shapes, argc, argv);
}
