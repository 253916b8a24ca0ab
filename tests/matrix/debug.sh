#!/usr/bin/env bash
# Every variable with each of its values, alone and where it needs others beside those, through the stress with hak_verify
# at its end: hakmem-debug.so without recording (matrix.py).
# timeout: 1800
set -u
exec python3 "$SOURCE/tests/matrix/matrix.py" debug
