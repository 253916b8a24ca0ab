#!/usr/bin/env bash
# C++ programs as people write them, each with one fault: the report is exact, and its first line with a
# source file is the one that the program marks: WRONG, the user's own wrong line, or ALLOCATED, the
# line of the allocation where the record cannot know who did it.
# `UPDATE=1 tests/faults/cxx.sh` writes the reports anew, to be read before they are committed.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
PROGRAMS=faults/cxx DROP_OUTPUT=1
update=0
[ -n "${UPDATE-}" ] && update=1

# The line of a source that a word marks, as FILE:LINE.
marked_line() {
    grep -nE '// (WRONG|ALLOCATED):' "$1" | sed "s|^\([0-9]*\):.*|$(basename "$1"):\1|"
}

# Where a block of a program with a plug-in lies depends on what ld.so allocated for the plug-in's path before, and of one of containers
# on how the compiler's library makes them (place). A full page leaves ALLOCATOR out, and whether it is full depends on the registers
# that the compiler keeps pointers in (room). Some of hundreds of written bytes are, by chance, those that are due at the block's address.
normalise_place() {
    local edits=
    grep -qE '^// (plugin|place):' "$1" && edits='s/slot [0-9,]+ of slab [0-9]+ /slot N of slab N /'
    grep -q '^// room:' "$1" && edits='/^  ALLOCATOR  /d'
    grep -q '^// chance:' "$1" &&
        edits='s/: (at least )?39[0-9] bytes overwritten|: 400 bytes overwritten/: N bytes overwritten/; s/ (39[0-9]|400) bytes changed/ N bytes changed/'
    sed -E "$edits"
}

compare() {
    local program=$1 failed=0 due=0 marked first variables
    local source=$SOURCE/tests/faults/cxx/$1.cpp report
    variables=$(sed -n 's|^// variables: ||p' "$source")
    run_program "$program" normal auto ${variables:+"$variables"}
    normalise_report <"$printed" | normalise_place "$source" >"found.$program"
    [ $update -eq 1 ] && "$SOURCE/tests/tools/report_of.sh" --write "${source%.cpp}" <"found.$program"
    report=$("$SOURCE/tests/tools/report_of.sh" "${source%.cpp}")
    [ -s "$report" ] && due=$(stop_status <"$report")
    [ "$program_status" -eq "$due" ] || complain "$program: exit status $program_status, expected $due"
    diff -u --label "$(basename "$report")" --label 'what it printed' "$report" "found.$program" || failed=1
    marked=$(marked_line "$source")
    first=$(grep -oE '[a-z_./]+\.(c|cc|cpp|h|tcc):[0-9]+' "$printed" | head -n 1)
    [ "${first##*/}" = "$marked" ] || complain "$program: the first line with a source file is $first, not the marked $marked"
    return $failed
}

programs=("$SOURCE"/tests/faults/cxx/*.cpp)
! [ ${#programs[@]} -lt 12 ] || fail "${#programs[@]} programs in tests/faults/cxx, expected 12 or more"
for program in "${programs[@]}"; do
    program=$(basename "$program" .cpp)
    left_out "$program" >&2 || echo "$program"
done | each_in_parallel compare || failed=1
