#!/usr/bin/env bash
# Memory that the kernel refuses to a program of guarded blocks: one call, 25 calls in a row, or all from one on;
# under ulimit -v and -d. The program goes on, and what it did is recorded call by call. Each level
# has half of these, and all of them with FULL=1.
# timeout: 1800
set -u
[ "${1-}" = --recorded ] || unset "${!HAKMEM_@}"
. "$SOURCE/tests/tools/many_runs.sh"
export HAKMEM_GUARD=all HAKMEM_GUARD_MEMORY=1M

# $1: so many calls fail in a row, at moments all over the run.
refuse_each() {
    local first=1
    while :; do
        refuse_at "$first" "$1" "$counting" 20
        [ "$first" -gt "$seen" ] && break
        first=$((first + 3 + (first < 40 ? 0 : seen / 12)))
    done
}

if [ "${1-}" = --recorded ]; then
    recorded=1
    if [ "$2" != normal ]; then
        refuse_each 1
        limit_each -v 20000 1200 25 "$counting"
    fi
    if [ "$2" != trace ]; then
        refuse_each 25
        limit_each -d 3000 1200 25 "$counting"
    fi
    exit 0
fi
for check in trace normal; do
    half=$check
    [ "${FULL:-0}" = 0 ] || half=all
    rm -f counted
    "$BUILD/hakmem-trace" run --check $check --store $check.db -- \
        bash "$SOURCE/tests/guarded/refused.sh" --recorded $half || exit 1
    compare_runs $check.db survive 30
done
