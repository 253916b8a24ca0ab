/* A library that is loaded while the program runs writes past the end of a block. */
#include <dlfcn.h>
#include <unistd.h>
#include "shapes.h"

/* A function of the library that lies beside this program. */
static void *find(const char *name, void **library) {
    char path[4096] = "";
    if (readlink("/proc/self/exe", path, sizeof path - 64) < 0)
        exit(2);
    strcpy(strrchr(path, '/') + 1, "library_overflow.so");
    *library = dlopen(path, RTLD_NOW);
    if (*library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return dlsym(*library, name);
}

SHAPE(block_of_the_program) {
    char *buffer = opaque(malloc(61)); /* how many come before it depends on the library's path */
    void *library;
    void (*fill)(char *, size_t) = (void (*)(char *, size_t))find("library_fill", &library);
    fill(buffer, 62);
    free(buffer);
}

SHAPE(block_of_the_library) {
    void *library;
    char *(*make)(size_t) = (char *(*)(size_t))find("library_make", &library);
    char *buffer = make(66);
    buffer[66] = 'p';
    free(buffer);
}

SHAPE(all_in_the_library) {
    void *library;
    void (*spoil)(size_t) = (void (*)(size_t))find("library_spoil", &library);
    spoil(67);
}

SHAPE(found_when_it_is_gone) {
    void *library;
    char *(*make)(size_t) = (char *(*)(size_t))find("library_make", &library);
    void (*fill)(char *, size_t) = (void (*)(char *, size_t))dlsym(library, "library_fill");
    char *buffer = make(68);
    fill(buffer, 69);
    dlclose(library);
    free(buffer);
}

RUN_ONE()
