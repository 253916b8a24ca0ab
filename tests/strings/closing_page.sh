#!/usr/bin/env bash
# Tables, names, arguments and environments on a page that another thread closes and opens: the program gets EFAULT
# or its result, as without hakmem, in every level, and does not die.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
program=$BUILD/tests/strings/closing_page

# give NAME CALLS COMMAND...: each call of each kind gives what is due.
give() {
    local name=$1 calls=$2
    shift 2
    "$@" "$program" "$calls" >"$name.out" 2>"$name.said" ||
        complain "$name: status $? behind $(tail -n 1 "$name.out"); $(head -n 3 "$name.said")"
    [ "$(wc -l <"$name.out")" = "$(wc -l <due.out)" ] || complain "$name: not each kind of call was made"
}
"$program" 10 >due.out || fail "the program alone: status $?"
[ "$(wc -l <due.out)" -gt 20 ] || fail "the program called too little: $(wc -l <due.out) lines"

debug=LD_PRELOAD=$BUILD/hakmem-debug.so
for level in light normal; do
    give $level 3000 env "$debug" HAKMEM_TRACE=off HAKMEM_CHECK=$level
done
give strings 20000 env "$debug" HAKMEM_TRACE=off HAKMEM_CHECK_STRING=1
give recorded 3000 "$BUILD/hakmem-trace" run -s recorded.db --check trace --
give kept 3000 "$BUILD/hakmem-trace" run -s kept.db --allocator keep --
