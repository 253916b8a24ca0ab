/* Loaded and unloaded by loads.c: allocates through frames whose size VARIANT chooses, so that
 * another variant at the same address needs other rules. */
#include <stdlib.h>

#ifndef VARIANT
#define VARIANT 1
#endif

static void *descend(int depth) {
    volatile char bytes[VARIANT * 40 + 8];
    bytes[0] = (char)depth;
    if (depth > 0)
        return descend(depth - 1);
    void *block = malloc(10 + VARIANT);
    free(block);
    return malloc((size_t)bytes[0] + 1);
}

void plugin_work(void);
void plugin_work(void) {
    for (int i = 0; i < 20; i++)
        free(descend(i % 7));
}
