#!/usr/bin/env bash
# The tests of `make check-full` that leave out most of their ways there, with all of them. ONLY="faults/rows.sh": these.
# Without it each EVERYth test, which are others on each day of the year.
# timeout: 21600
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
# Each has four times its own limit, and says when it has ended: what is here when this whole test is ended counts.
number=0 day=$((10#$(date +%j)))
run() { # TEST VARIABLE=VALUE
    local seconds started=$SECONDS
    number=$((number + 1))
    if [ -n "${ONLY-}" ]; then [[ " $ONLY " == *" $1 "* ]] || return 0; else [ $((number % EVERY)) -eq $((day % EVERY)) ] || return 0; fi
    seconds=$(sed -n 's/^# timeout: \([0-9]*\)$/\1/p' "$SOURCE/tests/$1")
    mkdir -p "${1//\//.}"
    if (cd "${1//\//.}" && exec env "$2" timeout --kill-after=10 $((${seconds:-900} * 4)) bash "$SOURCE/tests/$1"); then
        echo "$1 passed with $2: $((SECONDS - started)) s"
    else
        complain "$1 failed with $2: status $?, $((SECONDS - started)) s"
    fi
}
run benches/capture.sh FULL=1
run unit/entry/preload_test.sh FULL=1
run format/sanitized.sh FULL=1
run security/hostile_text.sh FULL=1
run faults/corpus.sh FULL=1
run corefile/refusals.sh FULL=1
run remote/equal_answers.sh FULL=1
run remote/broken.sh FULL=1
run remote/sanitized.sh FULL=1
run remote/cuts.sh ROUNDS=12
run remote/queue.sh STEP_KIB=40
run remote/load.sh HOSTS=16
run faults/rows.sh FULL=1
run arm/debug.sh FULL=1
run faults/correct.sh FULL=1
run corefile/faults.sh FULL=1
run corefile/leaks.sh FULL=1
run hunt/slack.sh FULL=1
run mcp/answers.sh FULL=1
run mcp/hostile.sh FULL=1
run export/programs.sh FULL=1
run format/broken_profile.sh FULL=1
run cli/json.sh FULL=1
run kill/program_killed.sh ROUNDS=50
run guarded/correct.sh FULL=1
run guarded/pages.sh FULL=1
run guarded/programs.sh FULL=1
run guarded/refused.sh FULL=1
run guarded/rows.sh FULL=1
run keep/processes.sh FULL=1
run keep/programs.sh FULL=1
run known/known.sh FULL=1
run leaks/rows.sh FULL=1
run light/correct.sh FULL=1
run matrix/debug.sh FULL=1
run matrix/plain.sh FULL=1
run matrix/recorded.sh FULL=1
run memory/forked.sh FULL=1
run memory/limits.sh FULL=1
run memory/return.sh FULL=1
run memory/starts.sh FULL=1
run memory/stepped_calls.sh FULL=1
run memory/threads.sh FULL=1
run model/check.sh FULL=1
run programs/daily.sh FULL=1
run programs/small.sh FULL=1
run programs/stress.sh FULL=1
run programs/unwind_compare.sh FULL=1
run trees/forks.sh FULL=1
run trees/sandbox.sh FULL=1
run light/programs.sh FULL=1
run attach/changes.sh ROUNDS=20
run attach/killed.sh ROUNDS=25
run attach/rounds.sh ROUNDS=6
run attach/kept.sh ROUNDS=5
run memory/fork_waits.sh SECONDS_EACH=4
[ -n "${ONLY-}" ] || [ "$EVERY" -ne 1 ] || FULL=1 "$BUILD/tests/unit/large/l25_test" >l25 2>&1 || { cat l25; echo "unit/large/l25_test failed with FULL=1"; failed=1; }
exit "$failed"
