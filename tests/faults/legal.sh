#!/usr/bin/env bash
# Correct programs leave a record in which every move of every block is legal, in every level, layout
# and front, with caches so small that blocks go through all of them. Without FULL=1
# each program runs in half of the ways, in which each pair of these stands.
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
turn=0
export HAKMEM_TINY_MAG_CAP=8 HAKMEM_TINY_TLS_SLL_CAP=16
for program in $(correct_programs); do
    turn=$((turn + 1)) way=-1
    for level in trace normal; do
        for layout in same header; do
            for magazine in 0 1; do
                way=$((way + 1)) # bits: magazine, layout, level
                [ "${FULL:-0}" = 1 ] || [ $(((way ^ way / 2 ^ way / 4 ^ turn) % 2)) = 0 ] || continue
                name=$program.$level.$layout.$magazine
                HAKMEM_TINY_MAGAZINE_ENABLE=$magazine "$BUILD/hakmem-trace" run --check "$level" \
                    --layout "$layout" -s "$name.db" -- "$BUILD/tests/faults/$program" >"$name.out" 2>&1
                status=$?
                if [ $status -ne 0 ] || ! "$BUILD/hakmem-trace" check -s "$name.db" >>"$name.out" 2>&1; then
                    complain "$name: status of run $status, printed by run and check:" "$(head -20 "$name.out")"
                fi
                rm -f "$name.db"
            done
        done
    done
done
exit "$failed"
