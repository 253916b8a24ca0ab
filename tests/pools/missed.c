/* More pools and pieces than hakmem has room for: `missed pools` and `missed pieces`; `missed
 * twice` gives a piece back twice beside pools without room; `missed lost` loses a block
 * beside them, `missed left` beside none. Prints how many it made. */
#include <hakmem.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tables have places for 4,096 pools and 1,048,576 pieces (src/guard/pools/pieces.h). */
enum { POOLS = 6000, PIECES = 1200000, SLOT = 64 };

static char pools[POOLS];
static void *volatile left;
static char rows[(POOLS + 3) * SLOT];

static void make_pools(void) {
    for (int i = 0; i < POOLS; i++) {
        hak_pool_create(&pools[i], "one of many");
        hak_pool_alloc(&pools[i], rows + (i + 3) * SLOT, 40);
    }
    printf("%d\n", POOLS);
}

/* Calls for pieces are notes: nothing need lie there. */
static void make_pieces(void) {
    uintptr_t from = (uintptr_t)1 << 40;
    for (uintptr_t i = 0; i < PIECES; i++)
        hak_pool_alloc(rows, (const void *)(from + i * SLOT), 40);
    printf("%d\n", PIECES);
}

int main(int argc, char **argv) {
    const char *does = argc > 1 ? argv[1] : "";
    if (!hak_pool_create)
        return 1;
    hak_pool_create(rows, "rows");
    left = malloc(100);
    if (strcmp(does, "pieces") == 0)
        make_pieces();
    else if (strcmp(does, "left") != 0)
        make_pools();
    fflush(stdout);
    if (strcmp(does, "lost") == 0 || strcmp(does, "left") == 0)
        left = NULL;
    if (strcmp(does, "twice") == 0) {
        hak_pool_alloc(rows, rows + 2 * SLOT, 40);
        hak_pool_free(rows, rows + 2 * SLOT);
        hak_pool_free(rows, rows + 2 * SLOT);
    }
    return 0;
}
