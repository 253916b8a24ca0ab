#!/usr/bin/env bash
# kill -9 of the keeper that the program started itself: nothing is lost and the program does not notice.
set -u
unset "${!HAKMEM_@}"
# shellcheck source=tests/tools/processes.sh
. "$SOURCE/tests/tools/processes.sh"
start_with_keeper
kill -9 "$keeper"
sleep 4
stop_program words
wait "$program" || { echo "the program ended with $?; 0 was due"; cat program.err; exit 1; }
grep -q '^done ' program.out || { echo "the program did not end well: $(cat program.out)"; exit 1; }
[ -s program.err ] && { echo "something is on stderr:"; head -n 5 program.err; exit 1; }
settled() { local s; for s in *.db; do no_holder "$PWD/$s" || return 1; done; }
until_true settled || exit 1
python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 ./*.db || exit 1
for store in *.db; do
    "$BUILD/hakmem-trace" check -s "$store" >check.out 2>&1 || { echo "$store:"; head -n 20 check.out; exit 1; }
done
