#!/usr/bin/env bash
# Each call for a destroyed pool is a fault that names the call, the pool and who destroyed it; hak_pool_exists only says that it is gone.
. "${SOURCE:?}/tests/tools/test.sh"
cat >gone.c <<'C'
#include <hakmem.h>
#include <string.h>
static char pool[256], other[16];
static void end(void) { hak_pool_destroy(pool); }
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
C
"${CC:-cc}" -g -O0 -I"$SOURCE/include" -o gone gone.c || exit 2
for call in redzone:14 allow:16 move:18 reset_outside:20 rebase:22; do
    LD_PRELOAD=$BUILD/hakmem-debug.so ./gone "${call%:*}" >page 2>&1
    status=$?
    due="hakmem: HKM-504 pool-use-after-reset: main() gone.c:${call#*:} calls hak_pool_${call%:*} on pool 1 \"rows\", destroyed by end() gone.c:4"
    [ $status -eq 134 ] && [ "$(head -1 page)" = "$due" ] || complain "${call%:*}: status $status: $(cat page)"
done
LD_PRELOAD=$BUILD/hakmem-debug.so ./gone exists >page 2>&1 && [ ! -s page ] || complain "exists: $(cat page)"
exit "$failed"
