#!/usr/bin/env bash
# The exec functions and posix_spawn give back for bad paths, arguments and environments what they do without hakmem,
# in every level, from the children of fork and of vfork.
. "${SOURCE:?}/tests/tools/tree_run.sh"
tree_name=bad_exec
program=$BUILD/tests/trees/bad_exec

# give NAME COMMAND...: the same as without.
give() {
    local name=$1
    shift
    "$@" "$program" >"$name.out" 2>"$name.said" || fail "$name: status $?, due 0; $(head -n 3 "$name.said")"
    sed -i "$only" "$name.out"
    cmp -s due.out "$name.out" || {
        diff due.out "$name.out" | head -n 10
        fail "$name: not what the program alone gives (>)"
    }
}
"$program" >due.out 2>due.said || fail "the program alone: status $?"
only=''
! left_out without_an_end || only='/^---- texts and lists without an end/,$d'
sed -i "$only" due.out
[ "$(wc -l <due.out)" -gt 300 ] || fail "the program called too little: $(wc -l <due.out) lines"

give plain env LD_PRELOAD="$BUILD/libhakmem.so"
for level in light normal; do
    give $level env LD_PRELOAD="$debug_library" HAKMEM_TRACE=off HAKMEM_CHECK=$level
done
give strings env LD_PRELOAD="$debug_library" HAKMEM_TRACE=off HAKMEM_CHECK_STRING=1
give all env LD_PRELOAD="$debug_library" HAKMEM_TRACE=off HAKMEM_CHECK_STRING=1 HAKMEM_GUARD=all
give recorded "$trace" run -s recorded.db --check trace --
give kept "$trace" run -s kept.db --allocator keep --
