# Runs the programs of tests/faults, or of another folder of tests that $PROGRAMS names, under
# hakmem-debug.so; the tests there source it.
#
# Directory: the caller's, which is its own (tests/run gives each test an empty one).
# shellcheck shell=bash
. "${SOURCE:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/tools/test.sh"
[ -e "$BUILD/hakmem-debug.so" ] || {
    echo "$BUILD/hakmem-debug.so is not there: make BUILD=$BUILD tests"
    exit 2
}

# begin_reports "$@": sets `update` to 1 where the expectations are to be written anew (UPDATE=1, or --update).
begin_reports() {
    # shellcheck disable=SC2034 # for the caller
    update=0
    [ -n "${UPDATE-}" ] || [ "${1-}" = --update ] || return 0
    # shellcheck disable=SC2034
    update=1
}

# The programs that commit a fault, and those that are correct.
fault_programs() {
    for program in "$SOURCE"/tests/faults/*.c "$SOURCE"/tests/faults/*.cpp; do
        program=${program##*/}
        program=${program%.c*}
        case $program in correct_*) ;; *) echo "$program" ;; esac
    done | LC_ALL=C sort
}
correct_programs() {
    for program in "$SOURCE"/tests/faults/correct_*.c; do
        basename "$program" .c
    done
}

# variables_of NAME: what a program needs so that its fault is made, or looked for: words VARIABLE=VALUE (tests/tools/variables).
variables_of() {
    local pattern variables
    while read -r pattern variables; do
        # shellcheck disable=SC2053 # a pattern
        [[ $pattern != '#' && $1 == $pattern ]] && echo "$variables"
    done <"$SOURCE/tests/tools/variables"
    return 0
}

# Waits (bounded) until the collector has finished the store of a directory: it is there, and its log
# is gone.
wait_for_store() {
    local waits=0
    while [ $((waits += 1)) -lt 500 ]; do
        compgen -G "$1/*.db" >/dev/null && ! compgen -G "$1/*.db-*" >/dev/null && return
        sleep 0.02
    done
}

# True where an emulator ended itself at the SIGSEGV that is due, as it says in $printed (tests/tools/reports.py).
emulator_ended_itself() { grep -q '^ERROR:.*cpu-exec\.c:.*assertion failed' "$printed"; }

# run_program NAME LEVEL LAYOUT [VARIABLE=VALUE...]: runs one of the programs in a directory of
# its own until program and collector have ended. $printed names the file with what they printed (with
# $DROP_OUTPUT on stderr alone), $program_status is the program's exit status. Its output does not depend on whether this
# machine gives debug registers: without HAKMEM_WATCH there are none (tests/guarded/watched.sh is about those).
# After RUN_LIMIT seconds of limited.py, where that is set, the program is ended, with status 124.
run_program() {
    run_program_once "$@"
    while was_late "$printed"; do run_program_once "$@"; done
}
run_program_once() {
    local name=$1 level=$2 layout=$3 variables directory
    shift 3
    mapfile -t variables < <(variables_of "$name")
    directory=$(mktemp -d "$PWD/run.$name.$level.$layout.XXXXXX") || exit 2
    printed=$directory/printed
    { # the shell's own word on programs that abort goes to /dev/null
        (cd "$directory" || exit 2
        [ -z "${DROP_OUTPUT-}" ] || exec >/dev/null
        exec ${RUN_LIMIT:+python3 "$SOURCE/tests/tools/limited.py" "$RUN_LIMIT"} env "HAKMEM_CHECK=$level" "HAKMEM_LAYOUT=$layout" HAKMEM_GUARD_WATCH=off \
            "${variables[@]}" "$@" LD_PRELOAD="$BUILD/hakmem-debug.so" \
            "$BUILD/tests/${PROGRAMS:-faults}/$name") >"$printed" 2>&1
        # shellcheck disable=SC2034 # for the caller
        program_status=$?
    } 2>/dev/null
    ! emulator_ended_itself || program_status=139
    wait_for_store "$directory"
}

# each_in_parallel FUNCTION: calls it with the words of each line of stdin, some at a time, since most
# of a run is waiting for its collector. Prints what they print in the order of the lines; fails when
# one of them does.
each_in_parallel() {
    local function=$1 failed=0 count=0 i words
    while read -ra words; do
        count=$((count + 1))
        {
            "$function" "${words[@]}" >"parallel.$count" 2>&1 && : >"parallel.$count.well"
        } </dev/null &
        [ $((count % 6)) -ne 0 ] || wait
    done
    wait
    for ((i = 1; i <= count; i++)); do
        cat "parallel.$i"
        [ -e "parallel.$i.well" ] || failed=1
        rm -f "parallel.$i" "parallel.$i.well"
    done
    return $failed
}

# The codes of the reports in a file, each once.
codes() { grep -ao '^hakmem: HKM-[0-9]*' "$1" | sort -u | tr '\n' ' '; }

# Normalises a report on stdin: everything that differs from run to run.
normalise_report() {
    python3 "$SOURCE/tests/tools/reports.py" normalise
}
