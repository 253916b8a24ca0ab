/* A library that is loaded while the program runs loses blocks, or takes their pointers with it. */
#include <dlfcn.h>
#include <unistd.h>
#include "shapes.h"

/* A function of the library that lies beside this program. */
static void (*find(const char *name, void **library))(void) {
    char path[4096] = "";
    if (readlink("/proc/self/exe", path, sizeof path - 64) < 0)
        exit(2);
    strcpy(strrchr(path, '/') + 1, "library_leak.so");
    *library = dlopen(path, RTLD_NOW);
    if (*library == NULL)
        exit(2);
    return (void (*)(void))dlsym(*library, name);
}

SHAPE(lost_inside) {
    void *library;
    find("library_lose", &library)();
}

SHAPE(lost_with_the_library) {
    void *library;
    find("library_keep", &library)();
    dlclose(library);
}

SHAPE(lost_inside_and_unloaded) {
    void *library;
    find("library_lose", &library)();
    dlclose(library);
}

RUN_ONE()
