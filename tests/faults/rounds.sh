#!/usr/bin/env bash
# Reads outside of a block and after its free, behind a history of other blocks: how many are found (rounds.py).
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/faults/rounds.py" "$@"
