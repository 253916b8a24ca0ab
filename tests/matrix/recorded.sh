#!/usr/bin/env bash
# Every variable with each of its values, several to a run, through the stress with hak_verify at its end:
# hakmem-debug.so recorded, behind a counter of calls (matrix.py). FULL=1 gives each value a run of its own.
# timeout: 1800
set -u
exec python3 "$SOURCE/tests/matrix/matrix.py" recorded
