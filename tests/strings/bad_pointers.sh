#!/usr/bin/env bash
# Bad pointers, counts and tables give back the same with hakmem as without, in every level: what the kernel
# refuses is refused, and what dies dies by its own signal, in libc.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
program=$BUILD/tests/strings/bad_pointers

# give NAME COMMAND...: the same as without.
give() {
    local name=$1
    shift
    "$@" "$program" file >"$name.out" 2>"$name.said" || complain "$name: status $?, due 0"
    [ ! -s "$name.said" ] || { echo "$name: $(head -n 3 "$name.said")"; failed=1; }
    cmp -s due.out "$name.out" && return
    failed=1
    echo "$name: not what the program alone gives (>)"
    diff due.out "$name.out" | head -n 10
}
"$program" file >due.out || fail "the program alone: status $?"
[ "$(wc -l <due.out)" -gt 20000 ] || fail "the program called too little: $(wc -l <due.out) lines"

# Each function that hakmem puts in front of libc's is called here, or by one of these.
others=(trees/bad_exec.c trees/odd_calls.c family/calls.c family/statistics.c crash/signals_api.c memory/mapped.c
    unit/trace/threads/create_test.c unit/trace/signals/mask_test.c leaks/kept_signal_stack.c ../src/strings/calls.def)
# Not to be linked with since glibc 2.26, or nothing to give them.
unreachable=' __libc_mallinfo __libc_mallopt __libc_start_main bsd_signal cfree '
for name in $(nm -D --defined-only "$BUILD/hakmem-debug.so" | sed 's/.* //; s/@.*//' | sort -u); do
    case $name in hak_* | _Z*) continue ;; esac
    case $unreachable in *" $name "*) continue ;; esac
    (cd "$SOURCE/tests" && grep -qw "$name" strings/bad_pointers.c "${others[@]}") && continue
    echo "$name is called with bad arguments by no test"
    failed=1
done

debug=LD_PRELOAD=$BUILD/hakmem-debug.so
give plain env LD_PRELOAD="$BUILD/libhakmem.so"
for level in light normal; do
    give $level env "$debug" HAKMEM_TRACE=off HAKMEM_CHECK=$level
done
for level in normal trace; do
    give strings_$level env "$debug" HAKMEM_TRACE=off HAKMEM_CHECK=$level HAKMEM_CHECK_STRING=1
done
give all env "$debug" HAKMEM_TRACE=off HAKMEM_GUARD=all HAKMEM_CHECK_STRING=1
give watched "$BUILD/hakmem-trace" run -s watched.db --check normal --
give kept "$BUILD/hakmem-trace" run -s kept.db --allocator keep --
