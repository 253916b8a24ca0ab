/* Pools inside of programs, known by the modules that they come with: they take large blocks from
 * malloc and hand out small ones themselves, so hakmem does not see those. */
#ifndef HAK_VIEWER_POOLS_H
#define HAK_VIEWER_POOLS_H

#include "view.h"

struct inner_pool {
    const char *module;   /* how the file's name begins */
    const char *variable; /* environment variable that switches it off; NULL = nothing does */
    const char *off;      /* words of its value that do, with blanks between them */
    const char *words;    /* "CPython's own pool hides small blocks" */
};

/* The next known pool of which a module was loaded in this capture, and which the variables that
 * its first program was started with did not switch off; `at` counts from 0. NULL = no more. */
const struct inner_pool *pools_next(struct view *view, int *at);

#endif
