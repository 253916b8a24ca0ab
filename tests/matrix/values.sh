#!/usr/bin/env bash
# A value that cannot be read is one line on stderr that names the variable, the value and the range, and the default holds:
# all variables, both libraries (matrix.py).
set -u
exec python3 "$SOURCE/tests/matrix/matrix.py" values
