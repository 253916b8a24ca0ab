/* Gives a piece back to the program's own pool twice. */
#include "hakmem.h"
#include <stdlib.h>

static char memory[1000];

static void give(char *piece) {
    if (hak_pool_free)
        hak_pool_free(memory, piece);
}

int main(void) {
    if (hak_pool_create)
        hak_pool_create(memory, "sessions");
    if (hak_pool_alloc)
        hak_pool_alloc(memory, memory + 64, 40);
    give(memory + 64);
    give(memory + 64);
    return 0;
}
