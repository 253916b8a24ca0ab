#!/usr/bin/env bash
# With HAKMEM_ON_FAULT=continue each fault is reported once and the program goes on to its own end.
set -u
# shellcheck source=tests/tools/faults.sh
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
failed=0
for program in $(fault_programs); do
    for level in trace normal; do
        run_program "$program" "$level" header HAKMEM_ON_FAULT=continue
        due=0
        [ "$program" = double_free_realloc ] && due=1 # the resize that was refused gives it NULL
        reports=$(grep -c '^hakmem: HKM-' "$printed")
        if [ "$program_status" -ne "$due" ] || [ "$reports" -ne 1 ]; then
            echo "$program, $level: status $program_status, expected $due; $reports reports, expected 1:"
            grep '^hakmem:' "$printed"
            failed=1
        fi
    done
done
exit $failed
