#!/usr/bin/env bash
# A program under `ulimit -v` (and -d) of 60 steps, from where ld.so itself has not enough to where all is
# well: it starts or it does not, but then it goes on with what it gets, in both libraries and both levels. FULL=1: of 200.
# timeout: 1800
set -u
[ "${1-}" = --recorded ] || unset "${!HAKMEM_@}"
. "$SOURCE/tests/tools/many_runs.sh"

if [ "${1-}" = --recorded ]; then
    recorded=1
    limit_each -v 2500 "$2" "$3" "$counting"
    limit_each -d 500 "$4" "$5" "$counting"
    exit 0
fi

if [ "${FULL:-0}" = 1 ]; then
    plain=(1035 200) recorded_steps=(1070 100 1320 24) least=120
else
    plain=(1121 60) recorded_steps=(1184 40 1742 12) least=45
fi
limit_each -v 2500 "${plain[@]}" "$BUILD/libhakmem.so"
limit_each -d 500 1320 24 "$BUILD/libhakmem.so"

for check in trace normal; do
    "$BUILD/hakmem-trace" run --check $check --store $check.db -- bash "$SOURCE/tests/memory/limits.sh" --recorded "${recorded_steps[@]}" || exit 1
    compare_runs $check.db survive $least
done
