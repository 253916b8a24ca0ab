#!/usr/bin/env bash
# kill -9 of keeper and worker at once, and the keepers that the program starts then die for a while: what it recorded
# goes on in the row that it had, and nothing is lost.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
cat >collect <<E
#!/bin/sh
[ -e '$PWD/refuse' ] && { echo no >>'$PWD/refused'; exit 1; }
exec '$BUILD/hakmem-collect' "\$@"
E
chmod +x collect
export HAKMEM_COLLECT=$PWD/collect
start_with_keeper 100000 # so slow that its rings have room until there is a successor, on a slow machine, too
: >refuse
kill_at_once "$keeper" "$worker"
# A takeover that finds nobody tries 50 times; then another one begins.
has_begun_again() { [ "$(wc -l 2>/dev/null <refused)" -gt 55 ] 2>/dev/null; }
until_true has_begun_again || exit 1
rm refuse
until_true worker_of "$PWD/store.db" "$worker" || fail "no new worker has the store open"
sleep 1
stop_program words
wait "$program" || fail "the program ended with $?; 0 was due" "$(cat program.err)"
[ -s program.err ] && fail "something is on stderr:" "$(head -n 5 program.err)"
until_true no_holder "$PWD/store.db" || exit 1
rows=$("$BUILD/hakmem-trace" sql -s store.db "select count(*) from process" | tail -n 1 | tr -d ' ')
[ "$rows" = 1 ] || fail "$rows rows of one process"
python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 store.db || exit 1
"$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 || { head -n 20 check.out; exit 1; }
