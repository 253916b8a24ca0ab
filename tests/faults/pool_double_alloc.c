/* The program's own pool hands a piece out that is still out, since its free list has it twice. */
#include "hakmem.h"

static char memory[1000];

static char *take(int number) {
    char *piece = memory + number * 64;
    if (hak_pool_alloc)
        hak_pool_alloc(memory, piece, 40);
    return piece;
}

int main(void) {
    if (hak_pool_create)
        hak_pool_create(memory, "sessions");
    char *first = take(1);
    if (hak_pool_free)
        hak_pool_free(memory, first);
    take(1);
    take(1);
    return 0;
}
