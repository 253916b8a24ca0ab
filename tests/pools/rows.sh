#!/usr/bin/env bash
# Programs that tell of their pools by the macros of Valgrind and ASan, the classes of C++ or hak_pool_*: correct ones do and say what they do without
# hakmem, and each misuse has its exact report (rows.py). QUICK=1: a misuse and a correct run of each. UPDATE=1 writes the reports anew, to be read before
# they are committed.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/pools/rows.py" "${0##*/tests/}" "$@"
