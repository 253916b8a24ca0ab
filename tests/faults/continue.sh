#!/usr/bin/env bash
# With HAKMEM_ON_FAULT=continue each fault is reported once and the program goes on to its own end. Without FULL=1 only
# every second one at level trace, too.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
# One program in one level.
go_on() {
    local program=$1 level=$2 due=0 reports
    run_program "$program" "$level" header HAKMEM_ON_FAULT=continue
    case $program.$level in
    double_free_realloc.*) due=1 ;; # the resize that was refused gives it NULL
    use_after_free_pointer.normal | use_after_free_two.normal | overflow_grown.*) due=139 ;; # there is nothing to go on with
    esac
    reports=$(grep -c '^hakmem: HKM-' "$printed")
    [ "$program_status" -eq "$due" ] && [ "$reports" -eq "$(reports_due "$program" "$level")" ] && return
    echo "$program, $level: status $program_status, expected $due; $reports reports:"
    grep '^hakmem:' "$printed"
    return 1
}

# Number of reports that are due: one, or none where the level finds nothing. A sweep tells the damage of each allocation; what is written into a page
# that was opened again after the first access is found by it, too.
reports_due() {
    if [ ! -s "$SOURCE/tests/faults/$1.$2.report" ] && [ ! -s "$SOURCE/tests/faults/$1.$2.header.report" ]; then
        echo 0
    else
        case $1.$2 in
        overflow_exit.* | foreign_link.normal | use_after_free_write.normal | overflow_stopped.normal | string_scanned.normal) echo 2 ;;
        use_after_free_strlen.normal) echo "${reports/#0/1}" ;; # strlen reads on, in steps of the processor's
        *) echo 1 ;;
        esac
    fi
}

for program in $(fault_programs); do
    ! left_out "$program" >&2 || continue
    turn=$((${turn:-0} + 1))
    [ "${FULL:-0}" != 1 ] && [ $((turn % 2)) -eq 0 ] || echo "$program trace"
    echo "$program normal"
done | each_in_parallel go_on
