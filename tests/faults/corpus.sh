#!/usr/bin/env bash
# Level normal finds the faults of tests/faults/corpus, each shape under its name (corpus/check.py). Without FULL=1 of each program those
# that differ in code, build or claim, and one in twelve of the others.
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/faults/corpus/check.py" "$@"
