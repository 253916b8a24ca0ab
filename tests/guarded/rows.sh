#!/usr/bin/env bash
# Each program of tests/guarded with every block guarded, on each side: its exact report, the same in level trace, in layout same and where the first blocks of
# a site are guarded; on after a fault; the coverage that a report names; instructions that want aligned memory (rows.py). QUICK=1: each program once;
# FULL=1: in all ways. UPDATE=1 writes the reports anew, to be read before they are committed.
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/guarded/rows.py" "${0##*/tests/}" "$@"
