#!/usr/bin/env bash
# A program under `ulimit -v` (and -d) of 200 steps, from where ld.so itself has not enough to where all is
# well: it starts or it does not, but then it goes on with what it gets, in both libraries and both levels.
# timeout: 1800
set -u
[ "${1-}" = --recorded ] || unset "${!HAKMEM_@}"
# shellcheck source=tests/tools/many_runs.sh
. "$SOURCE/tests/tools/many_runs.sh"

# $1: -v or -d; $2: first KiB; $3: factor of a step in thousandths; $4: steps; $5: the library.
limit_each() {
    local kib=$2 step status went=0
    for ((step = 0; step < $4; step++)); do
        begin_run
        (ulimit -S "$1" $kib; LD_PRELOAD=$5 exec "$BUILD/tests/memory/survive" 60) >out 2>err
        status=$?
        case "$status" in
        0)
            went=$((went + 1))
            end_run "ulimit $1 $kib, $5"
            ;;
        3) # nothing at all could be had: a SuperSlab and what is known of its slots need 8 MiB
            [ $kib -lt 20000 ] || { echo "ulimit $1 $kib, $5: nothing was to be had"; exit 1; }
            end_run "ulimit $1 $kib, $5"
            ;;
        127) # the dynamic linker could not load what it has to
            [ "$went" -eq 0 ] && grep -qE 'error while loading shared libraries|cannot allocate TLS' err || {
                echo "ulimit $1 $kib, $5: $(head -n 3 err)"
                exit 1
            }
            ;;
        139) # ld.so does not ask whether it got its tables; which page it lacks goes by the length of paths
            [ "$went" -eq 0 ] && [[ $("$BUILD/tests/memory/died_in" "$1" $kib "$5" \
                "$BUILD/tests/memory/survive" 60 2>/dev/null) == */ld-linux-* ]] || {
                echo "ulimit $1 $kib, $5: SIGSEGV: $(head -n 3 err)"
                exit 1
            }
            ;;
        *)
            echo "ulimit $1 $kib, $5: status $status: $(head -n 3 err)"
            exit 1
            ;;
        esac
        kib=$((kib * $3 / 1000 + 1))
    done
    [ "$went" -gt $(($4 / 2)) ] || { echo "ulimit $1, $5: it went only $went times of $4"; exit 1; }
}

if [ "${1-}" = --recorded ]; then
    recorded=1
    limit_each -v 2500 1070 100 "$counting"
    limit_each -d 500 1320 24 "$counting"
    exit 0
fi

limit_each -v 2500 1035 200 "$BUILD/libhakmem.so"
limit_each -d 500 1320 24 "$BUILD/libhakmem.so"

for check in trace normal; do
    "$BUILD/hakmem-trace" run --check $check --store $check.db -- bash "$SOURCE/tests/memory/limits.sh" --recorded || exit 1
    compare_runs $check.db survive 120
done
