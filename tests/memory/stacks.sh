#!/usr/bin/env bash
# More different stacks than a small session has room for: every event is there with its stack, since the collector
# makes room; where it does not come (unit/trace/stacks_test, kill/worker_killed_stacks.sh), stacks are counted.
. "${SOURCE:?}/tests/tools/test.sh"

"$trace" run --check normal --store stacks.db -- \
    bash -c 'ulimit -S -v 80000; exec "$1"' bash "$BUILD/tests/memory/stacks" >out 2>err
status=$?
[ $status -eq 0 ] && [ "$(cat out)" = 65536 ] && [ ! -s err ] || fail "status $status, $(head -n 3 out err)"
"$trace" check -s stacks.db >check.out 2>&1 || { head -n 3 check.out; exit 1; }
ask() { "$trace" sql -s stacks.db "select $1 as value" | tail -n 1 | tr -d ' '; }
calls=$(ask "(select count(*) from event where kind = 'MALLOC' and size = 24 and process =
    (select max(id) from process))")
[ "$calls" = 65536 ] || fail "$calls calls of malloc are stored; 65,536 were made"
without=$(ask "(select count(*) from event where stack = 0 and kind in ('MALLOC', 'FREE'))")
told=$(ask '(select sum(no_stack) from process)')
[ "$without" -eq 0 ] && [ "$told" -eq 0 ] || fail "$without events have no stack, and $told are told of"
