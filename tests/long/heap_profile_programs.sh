#!/usr/bin/env bash
# The heap profile of level light beside exact sums, of real programs: CPython, sqlite3, perl, cc1plus and redis do the same work
# in level trace, whose record is exact, and RUNS times in level light. Of every stack with 1 % and more of the bytes the estimate
# lies in its 99 % interval, as often as that says (heap_profile_programs.py).
#
#     tests/long/heap_profile_programs.sh [RUNS [SCALE [PROGRAM...]]]     prints a table of Markdown for docs/benchmarks
# timeout: 14400
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- "$RUNS" 1 ${PROGRAMS-}
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/long/heap_profile_programs.py" "$@" || complain "the estimates are not what they are to be"
exit "$failed"
