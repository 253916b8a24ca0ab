/* Helpers for the programs of the corpus: each commits one of several faults, its shapes, by name.
 *
 *     PROGRAM          prints the names of its shapes
 *     PROGRAM SHAPE    commits that one and ends with 0, if nothing stops it
 *
 * For C and C++. Programs of ../correct run all their shapes; some of ../../programs have them. */
#ifndef SHAPES_H
#define SHAPES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    const char *name;
    void (*run)(void);
};

/* The same pointer, of which the compiler no longer knows where it came from: so it keeps calls and
 * accesses that it could otherwise leave out, with -O2 too. */
static inline void *opaque(void *pointer) {
    __asm__ volatile("" : "+r"(pointer) : : "memory");
    return pointer;
}

/* SHAPE(name) { ... } is a shape of the program: nobody else lists it. */
#define SHAPE(function)                                                                            \
    static void function(void);                                                                    \
    static const struct shape function##_shape = {#function, function};                            \
    static const struct shape *const function##_listed __attribute__((used, section("shapes"))) =  \
        &function##_shape;                                                                         \
    static void function(void)
extern const struct shape *const __start_shapes[], *const __stop_shapes[];

/* For a program with a fault: runs the shape that the command line names. */
static inline int run_shape(int argc, char **argv) {
    for (const struct shape *const *each = __start_shapes; each < __stop_shapes; each++) {
        if (argc < 2) {
            puts((*each)->name);
        } else if (strcmp((*each)->name, argv[1]) == 0) {
            (*each)->run();
            return 0;
        }
    }
    return argc < 2 ? 0 : 2;
}

/* For a correct program: runs all shapes, or the one that the command line names. */
static inline int run_all(int argc, char **argv) {
    for (const struct shape *const *each = __start_shapes; each < __stop_shapes; each++) {
        if (argc < 2 || strcmp((*each)->name, argv[1]) == 0) {
            (*each)->run();
            puts((*each)->name);
        }
    }
    return 0;
}

/* The ends of such programs. */
#define RUN_ONE()                                                                                  \
    int main(int argc, char **argv) {                                                              \
        return run_shape(argc, argv);                                                              \
    }
#define RUN_ALL()                                                                                  \
    int main(int argc, char **argv) {                                                              \
        return run_all(argc, argv);                                                                \
    }

/* Ends a correct program that found something wrong itself. */
static inline void require(int condition, const char *what) {
    if (!condition) {
        printf("not so: %s\n", what);
        exit(3);
    }
}

#endif
