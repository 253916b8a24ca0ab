#!/usr/bin/env bash
# Each program dies as without hakmem, and gives exactly its report: NAME.report, or NAME.normal.report
# where the level makes a difference. With LD_PRELOAD alone in level trace, under `run` in level normal.
# An empty file: nothing is said. UPDATE=1 writes the files anew, to be read
# before they are committed.
PROGRAMS=crash
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
here=$SOURCE/tests/crash
begin_reports "$@"

# Parts that differ from run to run in these programs' reports, beside those that do in all reports.
normalise_crash() {
    local extra=
    case $1 in
    handler_on_stack | idle_thread | stack_overflow) extra='/^      [> ] +[0-9]+ \| /d' ;; # the line at which the stack is full
    two_threads) extra='/^  AT THE SAME TIME/d; s/thread [23]/thread N/' ;; # one is the first; the other may be late
    in_malloc) extra='/^      #.* hakmem src/d; s/SIGBUS|SIGSEGV/SIGN/; s/SIGN, the kernel .*/SIGN/' ;; # how malloc is made
    esac
    normalise_report | sed -E -f "$here/normalise.sed" -e "$extra"
}

# check_report NAME LEVEL WAY STATUS DUE: the report in $printed of a program that ended with STATUS.
check_report() {
    local report=$here/$1.report
    [ -e "$here/$1.$2.report" ] && report=$here/$1.$2.report
    normalise_crash "$1" <"$printed" >found
    if [ $update -eq 1 ] && [ "$2" = trace ]; then
        cp found "$here/$1.report"
        [ -L "$here/$1.normal.report" ] || rm -f "$here/$1.normal.report"
        echo "$1: status $4, $(wc -l <found) lines"
    elif [ $update -eq 1 ]; then
        cmp -s found "$here/$1.report" || cp found "$here/$1.$2.report"
    elif ! diff -u --label "$(basename "$report")" --label "what it printed with $3" "$report" found; then
        failed=1
    fi
    [ "$1.$4" = in_malloc.135 ] && return # by which register malloc reaches its own records
    [ "$4" -eq "$5" ] || complain "$1: status $4 with $3; due: $5"
}

for source in "$here"/*.c; do
    name=$(basename "$source" .c)
    [ -e "$here/$name.report" ] || [ $update -eq 1 ] || continue # one of another test
    ! left_out "$name" || continue
    [ $update -eq 1 ] && [ -e "$here/$name.sh" ] && continue
    [ $update -eq 1 ] && head -n 4 "$source" | grep -q 'Run by' && continue
    { "$BUILD/tests/crash/$name" >plain 2>&1; plain=$?; } 2>/dev/null
    [ "$name" = stop_handler_fails ] && plain=134 # libc's own stop calls the handler for ever
    [[ $name = closed_memory || $name = in_malloc ]] && plain=139 # without hakmem it is by chance what is mapped there, or nothing
    run_program "$name" trace auto
    due=$plain
    [[ $name = freed_* || $name = closed_* ]] && due=0 # freed memory stays readable for a while, and nothing fills it
    check_report "$name" trace LD_PRELOAD "$program_status" "$due"

    mkdir "$name.run" || exit 2
    printed=$PWD/$name.run/printed
    variables=$(variables_of "$name")
    (cd "$name.run" && exec env ${variables:+"$variables"} "$BUILD/hakmem-trace" run --check normal -- "$BUILD/tests/crash/$name") \
        >"$printed" 2>&1
    status=$?
    due=$plain
    if grep -q '^hakmem: HKM-' "$printed"; then
        due=1
    elif emulator_ended_itself; then
        status=139
    fi
    check_report "$name" normal run "$status" "$due"
done
exit "$failed"
