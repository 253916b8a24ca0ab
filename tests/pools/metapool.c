/* A pool of two levels by Valgrind's macros: superblocks of a pool, cut into malloc-like blocks.
 * `metapool CASE`; "correct" and "kept" have no fault. */
#include <stdlib.h>
#include <string.h>
#include <valgrind/valgrind.h>

enum { SUPERBLOCK = 4096, BLOCK = 48, BLOCKS = SUPERBLOCK / BLOCK };

static char pool[16];
static char *superblock;

static char *block(int i) {
    return superblock + i * BLOCK;
}

static void take_all(int count) {
    VALGRIND_MEMPOOL_ALLOC(pool, superblock, SUPERBLOCK);
    for (int i = 0; i < count; i++)
        VALGRIND_MALLOCLIKE_BLOCK(block(i), BLOCK, 0, 0);
}

static void give_superblock(void) {
    VALGRIND_MEMPOOL_FREE(pool, superblock);
}

int main(int argc, char **argv) {
    const char *does = argc > 1 ? argv[1] : "correct";
    int kept = strcmp(does, "kept") == 0 || strcmp(does, "lost") == 0;
    superblock = malloc(2 * SUPERBLOCK);
    VALGRIND_CREATE_MEMPOOL_EXT(
        pool, 0, 0, VALGRIND_MEMPOOL_METAPOOL | (kept ? 0 : VALGRIND_MEMPOOL_AUTO_FREE));
    take_all(BLOCKS);
    VALGRIND_MALLOCLIKE_BLOCK(superblock + SUPERBLOCK, BLOCK, 0, 0); /* in none */
    VALGRIND_FREELIKE_BLOCK(block(3), 0);
    give_superblock();
    if (strcmp(does, "correct") == 0)
        for (int i = 0; i < 3; i++) {
            take_all(BLOCKS - i);
            give_superblock();
        }
    if (kept) /* the blocks outlive the superblock */
        VALGRIND_FREELIKE_BLOCK(block(5), 0);
    if (strcmp(does, "twice") == 0)
        VALGRIND_FREELIKE_BLOCK(block(5), 0);
    VALGRIND_FREELIKE_BLOCK(superblock + SUPERBLOCK, 0);
    if (strcmp(does, "kept") == 0)
        for (int i = 0; i < BLOCKS; i++)
            if (i != 3 && i != 5)
                VALGRIND_FREELIKE_BLOCK(block(i), 0);
    VALGRIND_DESTROY_MEMPOOL(pool);
    return 0;
}
