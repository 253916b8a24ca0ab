#!/usr/bin/env bash
# Each program of tests/crash dies as without hakmem and gives exactly its report, with LD_PRELOAD and under `run`; each command under NEXT, typed as it
# stands, gives an answer (rows.py). QUICK=1: each program once.
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/crash/rows.py" "${0##*/tests/}" "$@"
