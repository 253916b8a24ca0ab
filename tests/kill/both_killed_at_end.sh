#!/usr/bin/env bash
# kill -9 of keeper and worker in the moment in which the program ends: it notices by itself, and nothing is lost.
# timeout: 300
set -u
unset "${!HAKMEM_@}"
# shellcheck source=tests/tools/processes.sh
. "$SOURCE/tests/tools/processes.sh"
# The worker of the new keeper may begin after the program's end.
complete() { python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 store.db >said 2>&1; }
settled() { no_holder "$PWD/store.db"; }
for round in 1 2 3; do
    rm -f words store.db*
    HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=store.db LD_PRELOAD=$BUILD/hakmem-debug.so \
        "$BUILD/tests/kill/sequence" words 60 2 4000 >program.out 2>program.err &
    program=$!
    until_true program_started words || exit 1
    sleep 1
    worker=$(holders_of "$PWD/store.db" | head -n 1)
    [ -n "$worker" ] || { echo "round $round: nobody has the store open"; exit 1; }
    keeper=$(parent_of "$worker")
    case "$(tr '\0' ' ' <"/proc/$keeper/cmdline")" in
    *hakmem-collect*) ;;
    *) echo "the worker's parent $keeper is no keeper: $(tr '\0' ' ' <"/proc/$keeper/cmdline")"; exit 1 ;;
    esac
    kill -9 "$keeper" "$worker"
    sleep 0.02 # the program goes on for some records that nobody takes any more
    stop_program words
    wait "$program" || { echo "round $round: the program ended with $?; 0 was due"; cat program.err; exit 1; }
    grep -q '^done ' program.out || { echo "round $round: the program did not end well: $(cat program.out)"; exit 1; }
    [ -s program.err ] && { echo "round $round: something is on stderr:"; head -n 5 program.err; exit 1; }
    until_true complete || { echo "round $round: $(cat said)"; exit 1; }
    until_true settled || exit 1
    "$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 || { echo "round $round:"; head -n 20 check.out; exit 1; }
done
