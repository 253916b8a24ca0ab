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

static void lost_inside(void) {
    void *library;
    find("library_lose", &library)();
}

static void lost_with_the_library(void) {
    void *library;
    find("library_keep", &library)();
    dlclose(library);
}

static void lost_inside_and_unloaded(void) {
    void *library;
    find("library_lose", &library)();
    dlclose(library);
}

static const struct shape shapes[] = {
    {"lost_inside", lost_inside},
    {"lost_with_the_library", lost_with_the_library},
    {"lost_inside_and_unloaded", lost_inside_and_unloaded},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
