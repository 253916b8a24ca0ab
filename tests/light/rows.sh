#!/usr/bin/env bash
# In level light a fault in a guarded block gives exactly its report once, and the program goes on and ends as it would have; so does what free was given
# and should not have been. The findings in the programs of tests/guarded are those of level normal (rows.py). No debug register watches: see
# light/watch.sh. QUICK=1: whole reports alone. UPDATE=1 writes the reports anew, to be read before they are committed.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/light/rows.py" "${0##*/tests/}" "$@"
