#!/usr/bin/env bash
# Each program here, with every block guarded, gives exactly its report: NAME.SIDE.report, SIDE being
# HAKMEM_GUARD_SIDE, or byte, which is HAKMEM_GUARD_ALIGN=1; a link where two give the same. An empty file: nothing is found, and the program ends
# with 0. The same is found in level trace wherever the processor stops the program; and in level normal where the
# first four blocks of each site are guarded: what is wrong comes behind hundreds of blocks of another one. And in
# layout same, where other blocks have no header. Each program goes one of these three ways, with FULL=1 all.
# UPDATE=1 writes the files anew, to be read before they are committed.
PROGRAMS=guarded
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
here=$SOURCE/tests/guarded
begin_reports "$@"
if [ $update -eq 1 ]; then
    for source in "$here"/*_*.c; do
        touch "$here/$(basename "$source" .c)".{after,before,byte}.report
    done
fi

# The first line of a report says what was found, and where.
first_line() {
    head -n 1
}

printed_report() {
    normalise_report <"$printed" | sed 's| -- [^ ]*/tests/guarded/| -- tests/guarded/|'
}

# One report file, by its name without the ending.
compare() {
    local name=$1 program side due=0 report=$here/$1.report failed=0
    ! left_out "$name" || return 0
    IFS=. read -r program side <<<"$name"
    local variables=(HAKMEM_GUARD=all "HAKMEM_GUARD_SIDE=$side")
    [ "$side" = byte ] && variables=(HAKMEM_GUARD=all HAKMEM_GUARD_ALIGN=1)
    run_program "$program" normal auto "${variables[@]}"
    printed_report >"found.$name"
    if [ $update -eq 1 ]; then
        cmp -s "found.$name" "$report" || cp --remove-destination "found.$name" "$report"
        echo "$name: status $program_status, $(wc -l <"$report") lines"
        return
    fi
    [ -s "$report" ] && due=$(stop_status <"$report")
    case $program in
    child_after) due=$((due ? due - 128 : 0)) ;; # what the parent says of its child
    handler_after) due=0 ;;                      # its handler comes behind the report
    esac
    [ "$program_status" -eq "$due" ] || complain "$name: exit status $program_status, expected $due"
    diff -u --label "$name.report" --label 'what it printed' "$report" "found.$name" || failed=1
    local way # which one is due, by the sum of the name
    way=$(cksum <<<"$name" | awk '{ print $1 % 3 }')
    if [ "${FULL:-0}" = 1 ] || [ "$way" -eq 0 ]; then
        run_program "$program" normal auto "${variables[@]}" HAKMEM_GUARD=sites:4
        diff -u --label "$name.report" --label 'what it printed with sites:4' "$report" <(printed_report) || failed=1
    fi
    if [ "${FULL:-0}" = 1 ] || [ "$way" -eq 1 ]; then
        run_program "$program" normal same "${variables[@]}"
        diff -u --label "$name.report" --label 'what it printed in layout same' "$report" <(printed_report) || failed=1
    fi
    [ "${FULL:-0}" = 1 ] || [ "$way" -eq 2 ] || return $failed
    grep -q '(SIGSEGV)' "$report" || return $failed
    run_program "$program" trace auto "${variables[@]}"
    normalise_report <"$printed" | first_line >"trace.$name"
    # Without a canary nothing is known of what was overwritten before.
    diff -u --label "$name.report" --label 'what it printed in level trace' \
        <(first_line <"$report" | sed 's/; at least [0-9]* bytes were overwritten .*//') "trace.$name" || failed=1
    return $failed
}

for source in "$here"/*_*.c; do
    for side in after before byte; do
        name=$(basename "$source" .c).$side
        [ -e "$here/$name.report" ] && continue
        echo "$name.report is missing"
        failed=1
    done
done
for report in "$here"/*.report; do
    basename "$report" .report
done | each_in_parallel compare || failed=1
