#!/usr/bin/env bash
# Each fault program gives exactly its report: NAME.LEVEL.report with the level's own layout,
# NAME.LEVEL.LAYOUT.report with another; a link where two give the same. An empty file: nothing is found, the program ends with 0.
# UPDATE=1 writes the files anew, to be read before they are committed.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
begin_reports "$@"

for program in $(fault_programs); do
    for level in trace normal; do
        if [ ! -e "$SOURCE/tests/faults/$program.$level.report" ] && [ $update -eq 0 ]; then
            complain "$program.$level.report is missing: every fault has its report in both levels"
        fi
        [ $update -eq 1 ] && touch "$SOURCE/tests/faults/$program.$level.report"
    done
done

# One report file, by its name without the ending.
compare() {
    local name=$1 program level layout due=0 report=$SOURCE/tests/faults/$1.report failed=0
    IFS=. read -r program level layout <<<"$name"
    ! left_out "$name" || return 0
    run_program "$program" "$level" "${layout:-auto}"
    normalise_report <"$printed" >"found.$name"
    if [ $update -eq 1 ]; then
        cmp -s "found.$name" "$report" || cp --remove-destination "found.$name" "$report"
        echo "$name: status $program_status, $(wc -l <"$report") lines"
        return
    fi
    [ -s "$report" ] && due=$(stop_status <"$report")
    [ "$program_status" -eq "$due" ] || complain "$name: exit status $program_status, expected $due"
    diff -u --label "$name.report" --label 'what it printed' "$report" "found.$name" || failed=1
    return $failed
}

for report in "$SOURCE"/tests/faults/*.report; do
    basename "$report" .report
done | each_in_parallel compare || failed=1
