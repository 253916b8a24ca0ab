#!/usr/bin/env bash
# Nothing is reported for the correct programs of tests/faults/correct, with leaks as faults (correct/check.py).
# timeout: 1800
set -u
SOURCE=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
export SOURCE BUILD="${BUILD:-$SOURCE/build}"
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$SOURCE/tests/faults/correct/check.py" "$@"
