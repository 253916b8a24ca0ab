#!/usr/bin/env bash
# Each program of tests/faults in its levels, layouts and fronts: its exact report, the page's table, the commands under NEXT, numbers of events, on after
# a fault, and of correct ones silence and a record of legal moves (rows.py). QUICK=1: each once; FULL=1: in all ways.
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/faults/rows.py" "${0##*/tests/}" "$@"
