#!/usr/bin/env bash
# Each 33rd of the generated programs of every kind of fault: the bad variant is named, the good one is silent.
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/kinds/kinds.py" 33
