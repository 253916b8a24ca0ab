#!/usr/bin/env bash
# The cases of foreign suites, built without a sanitizer: level normal, HAKMEM_GUARD=all and a hunt find the faults of blocks as
# foreign.list says, beside memcheck. Cases without such a fault are as without hakmem (foreign.py).
# timeout: 7200
#
#   FOREIGN=FOLDER  has trees of sources: compiler-rt (test/asan, test/gwp_asan, test/scudo) and Valgrind (memcheck/tests, include).
#                   None of their text is in this tree. Without the folder the test is not run (skipped: ...).
#   ONLY=EXPRESSION these cases
#   LIST=FILE       another list
#   ALSO="WAY ..."  further ways that are shown: size (HAKMEM_GUARD_ALIGN), trace, light
#   JOBS=N          cases at a time
#   UPDATE=1        writes the verdicts anew, to be read before they are committed
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
[ -n "${FOREIGN-}" ] || { echo "skipped: FOREIGN names no folder with the suites"; exit 77; }
[ -d "$FOREIGN" ] || fail "$FOREIGN is no folder"
FOREIGN=$(realpath "$FOREIGN")
export FOREIGN LC_ALL=C.UTF-8
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/long/foreign.py"
