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

static void block_of_the_program(void) {
    char *buffer = opaque(malloc(61)); /* how many come before it depends on the library's path */
    void *library;
    void (*fill)(char *, size_t) = (void (*)(char *, size_t))find("library_fill", &library);
    fill(buffer, 62);
    free(buffer);
}

static void block_of_the_library(void) {
    void *library;
    char *(*make)(size_t) = (char *(*)(size_t))find("library_make", &library);
    char *buffer = make(66);
    buffer[66] = 'p';
    free(buffer);
}

static void all_in_the_library(void) {
    void *library;
    void (*spoil)(size_t) = (void (*)(size_t))find("library_spoil", &library);
    spoil(67);
}

static void found_when_it_is_gone(void) {
    void *library;
    char *(*make)(size_t) = (char *(*)(size_t))find("library_make", &library);
    void (*fill)(char *, size_t) = (void (*)(char *, size_t))dlsym(library, "library_fill");
    char *buffer = make(68);
    fill(buffer, 69);
    dlclose(library);
    free(buffer);
}

static const struct shape shapes[] = {
    {"block_of_the_program", block_of_the_program},
    {"block_of_the_library", block_of_the_library},
    {"all_in_the_library", all_in_the_library},
    {"found_when_it_is_gone", found_when_it_is_gone},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
