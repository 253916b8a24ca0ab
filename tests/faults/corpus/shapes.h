/* Helpers for the programs of the corpus: each commits one of several faults, its shapes, by name.
 *
 *     PROGRAM          prints the names of its shapes
 *     PROGRAM SHAPE    commits that one and ends with 0, if nothing stops it
 *
 * For C and C++. The programs of ../correct run all their shapes, one after the other. */
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

/* For main of a program with a fault: runs the shape that the command line names. */
static inline int run_shape(const struct shape *shapes, int argc, char **argv) {
    for (; shapes->name != NULL; shapes++) {
        if (argc < 2) {
            puts(shapes->name);
        } else if (strcmp(shapes->name, argv[1]) == 0) {
            shapes->run();
            return 0;
        }
    }
    return argc < 2 ? 0 : 2;
}

/* For main of a correct program: runs all shapes, or the one that the command line names. */
static inline int run_all(const struct shape *shapes, int argc, char **argv) {
    for (; shapes->name != NULL; shapes++) {
        if (argc < 2 || strcmp(shapes->name, argv[1]) == 0) {
            shapes->run();
            puts(shapes->name);
        }
    }
    return 0;
}

/* Ends a correct program that found something wrong itself. */
static inline void require(int condition, const char *what) {
    if (!condition) {
        printf("not so: %s\n", what);
        exit(3);
    }
}

#endif
