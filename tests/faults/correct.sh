#!/usr/bin/env bash
# Nothing is reported for the correct programs of tests/faults/correct, with leaks as faults (correct/check.py).
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/faults/correct/check.py" "$@"
