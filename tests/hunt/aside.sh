#!/usr/bin/env bash
# `hunt` keeps the capture of the best run: where it cannot be put aside, no other run takes its place, and the hunt says so.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export LC_ALL=C HAKMEM_GUARD_ALIGN=16 HAKMEM_GUARD=off # the first run finds damage late
mkdir -p hunt.best/in_the_way
"$trace" hunt -f -o hunt.db --runs 6 -- "$BUILD/tests/hunt/slack" main >out 2>err
status=$?
[ "$status" -eq 4 ] || complain "status $status, due 4: $(cat err)"
grep -q 'hunt: .*hunt.db cannot be renamed to .*hunt.best: .*; the next run would take its place' err || complain "the reason is missing: $(cat err)"
[ "$("$trace" sql -s hunt.db 'select count(*) from fault' | tail -n 1 | tr -d ' ')" = 1 ] || complain "the best run's fault is not in hunt.db"
[ -d hunt.best/in_the_way ] || complain "what was in the way is gone"
exit "$failed"
