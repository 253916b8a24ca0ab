#!/usr/bin/env bash
# Bad pointers, counts and tables give back the same with hakmem as without, in every level: what the kernel
# refuses is refused, and what dies dies by its own signal.
set -u
SOURCE=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=$(realpath -m "${BUILD:-$SOURCE/build}")
program=$BUILD/tests/strings/bad_pointers
status=0

# give NAME COMMAND...: the same as without.
give() {
    local name=$1
    shift
    "$@" "$program" file >"$name.out" 2>"$name.said" || { echo "$name: status $?, due 0"; status=1; }
    [ ! -s "$name.said" ] || { echo "$name: $(head -n 3 "$name.said")"; status=1; }
    cmp -s due.out "$name.out" && return
    status=1
    echo "$name: not what the program alone gives (>)"
    diff due.out "$name.out" | head -n 10
}
"$program" file >due.out || { echo "the program alone: status $?"; exit 1; }
[ "$(wc -l <due.out)" -gt 7000 ] || { echo "the program called too little: $(wc -l <due.out) lines"; exit 1; }

debug=LD_PRELOAD=$BUILD/hakmem-debug.so
give plain env LD_PRELOAD="$BUILD/libhakmem.so"
for level in light normal trace; do
    give $level env "$debug" HAKMEM_TRACE=off HAKMEM_CHECK=$level
done
give strings env "$debug" HAKMEM_TRACE=off HAKMEM_CHECK_STRING=1
give watched "$BUILD/hakmem-trace" run -s watched.db --check normal --
give kept "$BUILD/hakmem-trace" run -s kept.db --allocator keep --
exit $status
