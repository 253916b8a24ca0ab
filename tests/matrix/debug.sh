#!/usr/bin/env bash
# Every variable with each of its values, several to a run, through the stress with hak_verify at its end:
# hakmem-debug.so without recording (matrix.py). FULL=1 gives each value a run of its own.
# timeout: 1800
set -u
exec python3 "$SOURCE/tests/matrix/matrix.py" debug
