#!/usr/bin/env bash
# A program allocates on small stacks, of a signal handler and of a coroutine: what hakmem takes of them is less than what ld.so takes to bind a call.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
${CC:-cc} -w -fno-builtin -O1 -g -o small_stacks "$SOURCE/tests/memory/small_stacks.c" || fail "the program does not compile"
MOST=3000 # bytes below the caller; 2,784 on x86-64 with gcc 12

# check WAY COMMAND...: the program goes on as it does alone, and no call takes more than $MOST bytes.
check() {
    local status deepest
    LD_BIND_NOW=1 "${@:2}" >said 2>err
    status=$?
    [ "$status" -eq 5 ] && [ "$(head -n 2 said)" = "$(printf 'hits 2000\ncame back')" ] && [ ! -s err ] ||
        { complain "$1: status $status, due 5: $(head -n 3 said) $(head -n 5 err)" && return; }
    deepest=$(sed 1,2d said | sort -k 2,2nr | head -n 1)
    [ "${deepest#* }" -le "$MOST" ] || complain "$1: $deepest bytes of the stack, at most $MOST are due"
}
check alone ./small_stacks
check libhakmem.so env LD_PRELOAD="$BUILD/libhakmem.so" ./small_stacks
for way in "--check light" "--check trace" "--check normal" "--check normal --guard all" "--allocator keep"; do
    # shellcheck disable=SC2086 # options
    check "run $way" "$BUILD/hakmem-trace" run --force -s small_stacks.db $way -- ./small_stacks
done
exit "$failed"
