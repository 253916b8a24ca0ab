#!/usr/bin/env bash
# Memory that the kernel refuses to a program of guarded blocks: one call, 25 calls in a row, or all from one on;
# under ulimit -v and -d. The program goes on, and what it did is recorded call by call.
# timeout: 1800
set -u
[ "${1-}" = --recorded ] || unset "${!HAKMEM_@}"
# shellcheck source=tests/tools/many_runs.sh
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

# $1: -v or -d; from $2 KiB on in $3 steps of a fifth more.
limit_each() {
    local kib=$2 step status went=0
    for ((step = 0; step < $3; step++)); do
        begin_run
        (ulimit -S "$1" $kib; LD_PRELOAD=$counting exec "$BUILD/tests/memory/survive" 60) >out 2>err
        status=$?
        case "$status" in
        0)
            went=$((went + 1))
            end_run "ulimit $1 $kib"
            ;;
        3) # nothing at all could be had: a SuperSlab and what is known of its slots need 8 MiB
            [ $kib -lt 20000 ] || { echo "ulimit $1 $kib: nothing was to be had"; exit 1; }
            ;;
        127 | 139) # the dynamic linker could not load what it has to, or does not ask whether it got its tables
            [ "$went" -eq 0 ] || { echo "ulimit $1 $kib: status $status: $(head -n 3 err)"; exit 1; }
            ;;
        *) echo "ulimit $1 $kib: status $status: $(head -n 3 err)"; exit 1 ;;
        esac
        kib=$((kib * 6 / 5 + 1))
    done
    [ "$went" -gt $(($3 / 3)) ] || { echo "ulimit $1: it went only $went times of $3"; exit 1; }
}

if [ "${1-}" = --recorded ]; then
    recorded=1
    refuse_each 1
    refuse_each 25
    limit_each -v 20000 25
    limit_each -d 3000 25
    exit 0
fi
for check in trace normal; do
    rm -f counted
    "$BUILD/hakmem-trace" run --check $check --store $check.db -- \
        bash "$SOURCE/tests/guarded/refused.sh" --recorded || exit 1
    compare_runs $check.db survive 30
done
