/* The library of lost_library and kept_library: a static variable that holds blocks. */
#include <stdlib.h>
#include <string.h>

void library_make(void);

static char **held;

void library_make(void) {
    held = malloc(333);
    if (!held)
        abort();
    memset(held, 0, 333);
    held[2] = malloc(20);
}
