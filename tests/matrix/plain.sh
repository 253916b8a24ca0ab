#!/usr/bin/env bash
# Every variable with each of its values, several to a run, through the stress with hak_verify at its end:
# libhakmem.so (matrix.py). FULL=1 gives each value a run of its own.
# timeout: 1800
set -u
exec python3 "$SOURCE/tests/matrix/matrix.py" plain
