#!/usr/bin/env bash
# SIGSTOP of the worker while the program goes on: it waits a bounded time, then counts; the events before and after
# are stored and the loss is reported.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
given() { od -A n -t u8 -j 8 -N 8 words | tr -d ' '; }
start_with_keeper 1000 0.5
kill -STOP "$worker"
before=$(given)
goes_on() { [ "$(given)" -gt $((before + 150000)) ]; } # far more than its ring holds
until_true goes_on || { echo "the program stands still while the worker is stopped"; kill -9 "$program"; exit 1; }
kill -CONT "$worker"
sleep 0.5
stop_program words
wait "$program" || fail "the program ended with $?; 0 was due" "$(cat program.err)"
grep -q '^done ' program.out || fail "the program did not end well: $(cat program.out)"
until_true no_holder "$PWD/store.db" || exit 1
python3 "$SOURCE/tests/tools/sequence_check.py" "$trace" words 2 store.db || exit 1
lost=$("$trace" sql -s store.db "select coalesce(sum(count), 0) from loss where reason = 'ring full'" | tail -n 1)
[ "$lost" -gt 0 ] || fail "nothing is counted as lost, though the worker was stopped"
"$trace" check -s store.db >check.out 2>&1
[ $? -eq 4 ] || fail "check ended otherwise than with 4, which says that events are missing" "$(head -n 5 check.out)"
"$trace" info -s store.db >info.out 2>&1
grep -q 'lost' info.out || fail "info does not tell the loss" "$(cat info.out)"
