/* Frees a piece of a pool of its own, which lies in one block. */
#include "hakmem.h"
#include <stdlib.h>

static char *pool;

static void *take_from_pool(size_t at) {
    return pool + at;
}

int main(void) {
    pool = malloc(1000);
    if (hak_pool_name)
        hak_pool_name(pool, "sessions");
    free(take_from_pool(64));
    return 0;
}
