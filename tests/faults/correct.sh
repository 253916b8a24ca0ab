#!/usr/bin/env bash
# Nothing is reported for the correct programs of tests/faults/correct, with leaks as faults (correct/check.py).
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export LEFT_OUT=
for program in forks libc_calls; do # these start programs of the machine
    ! left_out $program || LEFT_OUT+="$program "
done
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/faults/correct/check.py" "$@"
