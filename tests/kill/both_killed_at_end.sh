#!/usr/bin/env bash
# kill -9 of keeper and worker in the moment in which the program ends: it notices by itself, and nothing is lost.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
# The worker of the new keeper may begin after the program's end.
complete() { python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 store.db >said 2>&1; }
settled() { no_holder "$PWD/store.db"; }
for round in 1 2 3; do
    rm -f words store.db*
    start_with_keeper 4000 1
    kill_at_once "$keeper" "$worker"
    until_true are_dead "$keeper" "$worker" || exit 1
    sleep 0.02 # the program goes on for some records that nobody takes any more
    stop_program words
    wait "$program" || fail "round $round: the program ended with $?; 0 was due" "$(cat program.err)"
    grep -q '^done ' program.out || fail "round $round: the program did not end well: $(cat program.out)"
    [ -s program.err ] && fail "round $round: something is on stderr:" "$(head -n 5 program.err)"
    until_true complete || fail "round $round: $(cat said)"
    until_true settled || exit 1
    "$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 || fail "round $round:" "$(head -n 20 check.out)"
done
