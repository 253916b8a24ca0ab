#!/usr/bin/env bash
# Each command under NEXT of each fault's report, typed as it stands where the program ran, gives an answer about
# the same fault: `why` tells of the block or its neighbours, `run` finds the fault again, and nothing is a usage error.
# Each program at one level, by turns; FULL=1: at both.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
export PATH="$BUILD:$PATH"
. "$SOURCE/tests/tools/next.sh"

{
    levels=(trace normal) turn=0
    for program in $(fault_programs); do
        if [ "${FULL:-0}" = 1 ]; then
            printf '%s\n' "$program trace" "$program normal"
        else
            echo "$program ${levels[turn++ % 2]}"
        fi
    done
    echo overflow_exit normal HAKMEM_SWEEP_EVERY=1
    echo overflow_later normal HAKMEM_SWEEP_EVERY=1
} | each_in_parallel check_apart
