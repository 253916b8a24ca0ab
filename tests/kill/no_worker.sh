#!/usr/bin/env bash
# The keeper says so when no worker can be started any more, and ends with the programs; none is left behind.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
mkdir installed
cp "$BUILD/hakmem-debug.so" "$BUILD/hakmem-collect" installed/ || exit 1
HAKMEM_TRACE_FILE=store.db LD_PRELOAD=$PWD/installed/hakmem-debug.so \
    "$BUILD/tests/kill/sequence" words 60 2 1000 >program.out 2>program.err &
program=$!
until_true program_started words || exit 1
# A worker that is killed before its first commit leaves an empty store.
has_begun() { [ "$("$trace" sql -s store.db 'select count(*) > 0 from process' 2>/dev/null | tail -n 1)" = 1 ]; }
until_true has_begun || exit 1
worker=$(holders_of "$PWD/store.db" | head -n 1)
keeper=$(parent_of "$worker")
rm installed/hakmem-collect
kill -9 "$worker"
said() { grep -q 'ends again and again' program.err; }
until_true said || { cat program.err; exit 1; }
stop_program words
wait "$program" || fail "the program ended with $?; 0 was due"
ended() { [ ! -d "/proc/$keeper" ] || [ "$(sed -E 's/.*\) (.).*/\1/' "/proc/$keeper/stat")" = Z ]; }
until_true ended || { echo "the keeper $keeper is left behind"; kill -9 "$keeper"; exit 1; }
grep -q 'could not be stored and are lost' program.err || fail "the loss is not said:" "$(cat program.err)"
"$BUILD/hakmem-trace" faults -s store.db >faults.out 2>&1
status=$?
[ "$status" -eq 4 ] || fail "the store looks whole: status $status" "$(cat faults.out)"
