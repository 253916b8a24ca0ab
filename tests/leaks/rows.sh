#!/usr/bin/env bash
# The leak scan finds in each program of tests/leaks what its first comment says, in both levels and layouts, recorded and not (rows.py). QUICK=1: each
# program goes one of five ways, FULL=1: all.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/leaks/rows.py" "${0##*/tests/}" "$@"
