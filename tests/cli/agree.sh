#!/usr/bin/env bash
# Answers of block, threads, info and p:N about a recorded tree agree with the tables, counted another way.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/cli
stress=$BUILD/tests/programs/stress
"$BUILD/hakmem-trace" run --store tree.db -- sh -c "'$stress' 2 20000; '$stress' 4 60000 7; exit 3" >out 2>err </dev/null
status=$?
[ "$status" -eq 3 ] && [ ! -s err ] || fail "the recorded run ended with $status: $(cat err)"
TRACE=$BUILD/hakmem-trace python3 "$here/agree.py" tree.db
