#!/usr/bin/env bash
# Correct programs run to their end and nothing is printed, in every level, layout and front. Without FULL=1 each program runs in half of
# the ways, in which each pair of these stands.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
turn=0
for program in $(correct_programs); do
    turn=$((turn + 1)) way=-1
    for level in trace normal; do
        for layout in same header; do
            for magazine in 0 1; do
                way=$((way + 1)) # bits: magazine, layout, level
                [ "${FULL:-0}" = 1 ] || [ $(((way ^ way / 2 ^ way / 4 ^ turn) % 2)) = 0 ] || continue
                run_program "$program" "$level" "$layout" "HAKMEM_TINY_MAGAZINE_ENABLE=$magazine" \
                    HAKMEM_TINY_MAG_CAP=8 HAKMEM_TINY_TLS_SLL_CAP=16
                if [ "$program_status" -ne 0 ] || [ -s "$printed" ]; then
                    echo "$program, $level, layout $layout, magazine $magazine:" \
                        "status $program_status, printed:"
                    head -20 "$printed"
                    failed=1
                fi
            done
        done
    done
done
exit "$failed"
