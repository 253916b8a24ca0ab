#!/usr/bin/env bash
# kill -9 of keeper and worker, and the program ends while the kernel still takes connections for them: nothing is lost.
. "${SOURCE:?}/tests/tools/test.sh"
export HAKMEM_TRACE_RING=4M # never half full: only the end looks for the keeper
. "$SOURCE/tests/tools/processes.sh"
complete() { python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 store.db >said 2>&1; }
settled() { no_holder "$PWD/store.db"; }
start_with_keeper 20000 1
name=$(python3 "$SOURCE/tests/tools/dying_keeper.py" name "$keeper") || fail "$name"
kill -STOP "$program"
kill_at_once "$keeper" "$worker"
python3 "$SOURCE/tests/tools/dying_keeper.py" listen "$name" ready &
dying=$!
until_true test -e ready || exit 1
stop_program words
kill -CONT "$program"
wait "$program" || fail "the program ended with $?; 0 was due" "$(cat program.err)"
wait "$dying" || fail "nobody asked whether the keeper lives"
[ -s program.err ] && fail "something is on stderr:" "$(head -n 5 program.err)"
until_true complete || { cat said program.err; exit 1; }
until_true settled || exit 1
"$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 || { head -n 20 check.out; exit 1; }
