#!/usr/bin/env bash
# kill -9 of keeper and worker at once: the program starts a new keeper, nothing is lost, and the program does not notice.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
start_with_keeper
kill_at_once "$keeper" "$worker"
until_true worker_of "$PWD/store.db" "$worker" || fail "no new worker has the store open"
sleep 1
stop_program words
wait "$program" || fail "the program ended with $?; 0 was due" "$(cat program.err)"
grep -q '^done ' program.out || fail "the program did not end well: $(cat program.out)"
[ -s program.err ] && fail "something is on stderr:" "$(head -n 5 program.err)"
settled() { no_holder "$PWD/store.db"; }
until_true settled || exit 1
python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 store.db || exit 1
"$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 || { head -n 20 check.out; exit 1; }
"$BUILD/hakmem-trace" layers -s store.db >layers.out 2>&1 || { tail -n 8 layers.out; exit 1; }
