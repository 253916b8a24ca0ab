/* Moves a piece of the program's own pool to the pool's cache, by a pointer 16 bytes into it. */
#include "hakmem.h"

enum { HEADER = 16, SLOT = 64, PIECES = 10 };

static char memory[PIECES * SLOT];

static void to_cache(char *piece) {
    if (hak_pool_move)
        hak_pool_move(memory, piece, "cache");
}

static void make_pool(void) {
    if (!hak_pool_create || !hak_pool_allow || !hak_pool_move)
        return;
    hak_pool_create(memory, "rows");
#define MOVE(from, to) hak_pool_allow(memory, #from, #to);
#include "pool_moves.def"
    for (int i = 0; i < PIECES; i++)
        hak_pool_move(memory, memory + i * SLOT, "list");
}

int main(void) {
    make_pool();
    to_cache(memory + SLOT);
    if (hak_pool_alloc)
        hak_pool_alloc(memory, memory + SLOT, SLOT - HEADER);
    if (hak_pool_free)
        hak_pool_free(memory, memory + SLOT);
    to_cache(memory + SLOT + HEADER);
    return 0;
}
