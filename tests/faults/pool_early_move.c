/* The program's own pool takes a piece into its cache that the program still has. */
#include "hakmem.h"

static char memory[1000];

static void to_cache(char *piece) {
    if (hak_pool_move)
        hak_pool_move(memory, piece, "cache");
}

int main(void) {
    if (hak_pool_create)
        hak_pool_create(memory, "rows");
    if (hak_pool_allow) {
        hak_pool_allow(memory, "free", "cache");
        hak_pool_allow(memory, "cache", "out");
    }
    if (hak_pool_alloc)
        hak_pool_alloc(memory, memory + 64, 40);
    to_cache(memory + 64);
    return 0;
}
