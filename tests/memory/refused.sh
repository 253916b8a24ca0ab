#!/usr/bin/env bash
# Memory that the kernel refuses at each call that hakmem makes for it, one after the other: the program goes
# on, in both libraries and both levels, and what it did is recorded call by call. Level trace has the odd calls, level normal
# the even ones. With EACH=1 each has all; STEPS makes the program longer.
# timeout: 1800
set -u
each=${EACH:-0} steps=${STEPS:-20}
[ "${1-}" = --recorded ] || unset "${!HAKMEM_@}"
. "$SOURCE/tests/tools/many_runs.sh"

# $1 calls fail in a row, beginning at each $2nd from $4 on, in the library $3. Sets `seen`.
refuse_each() {
    local first=$4
    while :; do
        refuse_at "$first" "$1" "$3" "$steps"
        [ "$first" -gt "$seen" ] && break
        first=$((first + $2))
    done
}

if [ "${1-}" = --recorded ]; then
    recorded=1
    if [ "$each" = 1 ]; then
        refuse_each 1 1 "$counting" 1
        refuse_each 25 5 "$counting" 1
    else
        refuse_each 1 2 "$counting" "$2"
        refuse_each 25 20 "$counting" "$((1 + ($2 - 1) * 10))"
    fi
    exit 0
fi

refuse_each 1 1 "$BUILD/libhakmem.so" 1
[ "$seen" -gt 15 ] || { echo "only $seen calls for memory were seen in libhakmem.so"; exit 1; }
refuse_each 25 5 "$BUILD/libhakmem.so" 1

first=1 least=$((each ? 100 : 40))

for check in trace normal; do
    "$BUILD/hakmem-trace" run --check $check --store $check.db -- \
        bash "$SOURCE/tests/memory/refused.sh" --recorded $first || exit 1
    compare_runs $check.db survive $least
    first=2
done
