#!/usr/bin/env bash
# Forks from the midst of threads that allocate, and while they stand still, child after child: what the threads had that are not there in
# the child is used again there, and does not add up; in both libraries and both levels. FULL=1: more of them.
. "${SOURCE:?}/tests/tools/test.sh"
many=12 some=5
[ "${FULL:-0}" = 0 ] || many=60 some=12
forked=$BUILD/tests/memory/forked

for still in '' still; do
    # shellcheck disable=SC2086
    got=$(LD_PRELOAD=$BUILD/libhakmem.so "$forked" $many $still 2>&1)
    [ "$got" = flat ] || fail "libhakmem.so, $still: $got"
done
for check in trace normal; do
    got=$("$trace" run --check $check --store forked.db --force -- "$forked" $some 2>&1)
    [ "$got" = flat ] || fail "$check: $got"
    "$trace" check -s forked.db >check.out 2>&1 || fail "$check: $(head -n 3 check.out)"
    left=$("$trace" sql -s forked.db "select count(*) from event where kind = 'LEFT_SPILL'" | tail -n 1)
    [ "$left" -gt 0 ] || fail "$check: no block of a thread that was left behind came back"
    # Blocks in quarantine would keep their slabs, as many as chance has it.
    got=$("$trace" run --check $check --quarantine 0 --store still.db --force -- "$forked" $some still 2>&1)
    [ "$got" = flat ] || fail "$check, still: $got"
done
