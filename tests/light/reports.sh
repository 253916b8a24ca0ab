#!/usr/bin/env bash
# In level light a fault in a guarded block gives exactly its report once, and the program goes on and ends as it would have; so does
# what free was given and should not have been. The report is NAME.report, or that of tests/guarded with what level light changes (of_light).
# The findings in the programs of tests/guarded are those of level normal. No debug register watches: see light/watch.sh.
# UPDATE=1 writes the files anew, to be read before they are committed.
PROGRAMS=light
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
here=$SOURCE/tests/light
begin_reports "$@"
watched=(write_after read_after write_slack read_freed write_freed size_freed double_free free_inside thread_after child_after)

# of_light NAME: what level light reports of a program of tests/guarded, by what level normal does.
of_light() {
    sed -E "s/; the program was stopped here \(SIGABRT\)//; s/all events kept, all stacks whole/level light: every block was watched/
        s/(hakmem-trace why 0xN)\$/\1 -s hakmem.$1.N.db/; s/  refused   <-- wrong/   <-- found/
        /hakmem-trace explain/a \                    hakmem-trace run --check normal -- tests/guarded/$1   # checks every block, and records what led to it" \
        "$SOURCE/tests/guarded/$1.after.report"
}

# compare NAME: one report. Programs of tests/guarded have every block watched, those here none.
compare() {
    local name=$1 report=$here/$1.report variables=(HAKMEM_GUARD=off HAKMEM_WATCH=0)
    if [ -e "$SOURCE/tests/guarded/$name.c" ]; then
        PROGRAMS=guarded variables=(HAKMEM_GUARD=sample:1 HAKMEM_GUARD_MEMORY=64M HAKMEM_WATCH=0)
    fi
    run_program "$name" light auto "${variables[@]}"
    normalise_report <"$printed" | sed -E 's# -- [^ ]*/tests/(guarded|light)/# -- tests/\1/#' >"found.$name"
    [ -e "$report" ] || { of_light "$name" >"due.$name" && report=due.$name; }
    if [ "$update" -eq 1 ]; then
        cmp -s "found.$name" "$report" || cp "found.$name" "$here/$name.report"
        echo "$name: status $program_status, $(wc -l <"found.$name") lines"
        return
    fi
    [ -s "$report" ] || { echo "$name: no report is due"; return 1; }
    diff -u --label "$name.report" --label 'what it printed' "$report" "found.$name" || return 1
    [ "$program_status" -eq 0 ] && return
    echo "$name: exit status $program_status, expected the program's own, 0"
    return 1
}

# same_as_normal REPORT: its first line at level light.
same_as_normal() {
    local name=${1##*/} due
    name=${name%.after.report}
    ! left_out "$name" || return 0
    PROGRAMS=guarded
    run_program "$name" light auto HAKMEM_GUARD=sample:1 HAKMEM_GUARD_MEMORY=64M HAKMEM_WATCH=0
    normalise_report <"$printed" | head -n 1 >"first.$name"
    due=$(head -n 1 "$1")
    [ "$(cat "first.$name")" = "$due" ] && return
    echo "$name: level light says '$(cat "first.$name")', level normal '$due'"
    return 1
}

printf '%s\n' "${watched[@]}" free_unwatched_twice free_unwatched_inside free_stack free_stack_often | each_in_parallel compare || failed=1
[ "$update" -eq 1 ] || printf '%s\n' "$SOURCE"/tests/guarded/*.after.report | each_in_parallel same_as_normal || failed=1
