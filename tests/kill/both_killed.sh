#!/usr/bin/env bash
# kill -9 of keeper and worker at once: the program starts a new keeper, nothing is lost, and the program does not notice.
# timeout: 300
set -u
unset "${!HAKMEM_@}"
# shellcheck source=tests/tools/processes.sh
. "$SOURCE/tests/tools/processes.sh"
HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=store.db LD_PRELOAD=$BUILD/hakmem-debug.so \
    "$BUILD/tests/kill/sequence" words 60 2 10000 >program.out 2>program.err &
program=$!
until_true program_started words || exit 1
sleep 2
worker=$(holders_of "$PWD/store.db" | head -n 1)
[ -n "$worker" ] || { echo "nobody has the store open"; exit 1; }
keeper=$(parent_of "$worker")
case "$(tr '\0' ' ' <"/proc/$keeper/cmdline")" in
*hakmem-collect*) ;;
*) echo "the worker's parent $keeper is no keeper: $(tr '\0' ' ' <"/proc/$keeper/cmdline")"; exit 1 ;;
esac
kill -9 "$keeper" "$worker"
sleep 5
another=$(holders_of "$PWD/store.db" | head -n 1)
[ -n "$another" ] || { echo "no new worker has the store open"; exit 1; }
stop_program words
wait "$program" || { echo "the program ended with $?; 0 was due"; cat program.err; exit 1; }
grep -q '^done ' program.out || { echo "the program did not end well: $(cat program.out)"; exit 1; }
[ -s program.err ] && { echo "something is on stderr:"; head -n 5 program.err; exit 1; }
settled() { no_holder "$PWD/store.db"; }
until_true settled || exit 1
python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 store.db || exit 1
"$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 || { head -n 20 check.out; exit 1; }
