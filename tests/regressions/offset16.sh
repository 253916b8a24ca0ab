#!/usr/bin/env bash
# The original's worst fault: a thread's list was given pointers 16 bytes past their blocks' bases. With layout
# header and the list in use nothing of the kind may be found; made on purpose it fails the job, at the push in
# level normal and at the pop in level trace.
. "${SOURCE:?}/tests/tools/regression.sh"
for check in normal trace; do
    HAKMEM_TINY_MAGAZINE_ENABLE=1 HAKMEM_TINY_MAG_CAP=8 clean $check.db --check $check --layout header -- "$BUILD/tests/regressions/bands" 600
    at_least 1000 "pushes in level $check" "$(ask $check.db "SELECT count(*) FROM event WHERE kind = 'SLL_PUSH'")"
    at_least 100 "pops in level $check" "$(ask $check.db "SELECT count(*) FROM event WHERE kind = 'SLL_POP'")"
    [ "$(ask $check.db "SELECT count(*) FROM event WHERE kind = 'SLL_PUSH' AND addr <> base")" = 0 ] ||
        fail "level $check: a pointer was pushed that is no base"
    "$BUILD/hakmem-trace" check -s $check.db >out || { cat out; fail "level $check: check finds something"; }
done
found 101 inject.db --inject offset16:20 -- "$BUILD/tests/regressions/bands" 200
found 104 late.db --check trace --layout header --inject offset16:20 -- "$BUILD/tests/regressions/bands" 200
