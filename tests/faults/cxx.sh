#!/usr/bin/env bash
# C++ programs as people write them, each with one fault: the report is exact, and its first line with a source file is the one that the program marks
# (rows.py). `UPDATE=1 tests/faults/cxx.sh` writes the reports anew, to be read before they are committed.
# shellcheck disable=SC2034 # for tests/tools/cross_check.sh
PROGRAMS=faults/cxx
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/faults/rows.py" "${0##*/tests/}" "$@"
