#!/usr/bin/env bash
# VALGRIND_CREATE_MEMPOOL_EXT has Valgrind's meaning: of a pool with METAPOOL | AUTO_FREE the free of a piece is that of the malloc-like blocks in it,
# of one with METAPOOL alone it is not; so says memcheck, too, where it is installed. The record says the same.
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-cc}" -g -O0 -Wall -I"$SOURCE/include/hakmem" -o metapool "$SOURCE/tests/pools/metapool.c" || exit 2
for does in correct kept; do
    HAKMEM_LEAKS=1 LD_PRELOAD=$BUILD/hakmem-debug.so ./metapool $does >page 2>&1 && [ ! -s page ] || complain "$does: status $?: $(cat page)"
done
LD_PRELOAD=$BUILD/hakmem-debug.so ./metapool twice >page 2>&1
status=$?
due='hakmem: HKM-501 pool-double-free: main() metapool.c:44 calls hak_pool_free on a 48-byte piece of pool 2 "malloc-like" freed by give_superblock() metapool.c:23'
[ $status -eq 134 ] && [ "$(head -1 page)" = "$due" ] || complain "twice: status $status: $(cat page)"
HAKMEM_LEAKS=1 LD_PRELOAD=$BUILD/hakmem-debug.so ./metapool lost >page 2>&1
grep -q 'HKM-401' page && grep -q 'in 82 blocks' page || complain "lost: $(cat page)"

# live STORE: pieces of all pools that are live at the end.
live() {
    "$trace" top --pools --at end -s "$1" --json |
        python3 -c 'import json, sys; print(sum(row["self"]["live_blocks"] for row in json.load(sys.stdin)["rows"]))'
}
"$trace" run -s correct.db -- ./metapool correct && "$trace" run -s lost.db -- ./metapool lost >/dev/null 2>&1
[ "$(live correct.db)" = 0 ] || complain "correct, top: $("$trace" top --pools --at end -s correct.db)"
[ "$(live lost.db)" = 83 ] || complain "lost, top: $("$trace" top --pools --at end -s lost.db)"

if command -v valgrind >/dev/null && [ -e /usr/include/valgrind/valgrind.h ]; then
    "${CC:-cc}" -g -O0 -o checked "$SOURCE/tests/pools/metapool.c" || exit 2
    for does in correct kept twice; do
        errors=$(valgrind --error-exitcode=0 ./checked $does 2>&1 | sed -nE 's/.*ERROR SUMMARY: ([0-9]+) errors.*/\1/p')
        [ "$errors" = "$([ $does = twice ] && echo 1 || echo 0)" ] || complain "memcheck, $does: $errors errors"
    done
fi
exit "$failed"
