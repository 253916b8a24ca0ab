/* Calls for a pool that is destroyed already, one for each name (tests/pools/rows.py). */
#include <hakmem.h>
#include <string.h>
static char pool[256], other[16];
static void end(void) {
    hak_pool_destroy(pool);
}
int main(int argc, char **argv) {
    if (!hak_pool_create || argc < 2)
        return 1;
    hak_pool_create(pool, "rows");
    hak_pool_alloc(pool, pool + 64, 40);
    end();
    if (strcmp(argv[1], "exists") == 0)
        return hak_pool_exists(pool);
    if (strcmp(argv[1], "redzone") == 0)
        hak_pool_redzone(pool, 8, 8);
    if (strcmp(argv[1], "allow") == 0)
        hak_pool_allow(pool, "free", "cache");
    if (strcmp(argv[1], "move") == 0)
        hak_pool_move(pool, pool + 64, "cache");
    if (strcmp(argv[1], "reset_outside") == 0)
        hak_pool_reset_outside(pool, pool, 1);
    if (strcmp(argv[1], "rebase") == 0)
        hak_pool_rebase(pool, other);
    return 0;
}
