#!/usr/bin/env bash
# Each command under NEXT of each crash's report, typed as it stands where the program ran, gives an answer: `events` and
# `info` show the capture, `why` tells of the block, and nothing is a usage error or a store that cannot be read.
PROGRAMS=crash
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
. "$SOURCE/tests/tools/next.sh"
export PATH="$BUILD:$PATH"

for report in "$SOURCE"/tests/crash/*.report; do
    name=$(basename "$report" .report)
    ! left_out "${name%.normal}" >&2 || continue
    level=trace
    case $name in *.normal) level=normal ;; esac
    grep -q '^  NEXT' "$report" && echo "${name%.normal} $level"
done | each_in_parallel check_apart
