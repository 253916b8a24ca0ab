# Runs the programs of tests/faults, or of another folder of tests that $PROGRAMS names, under
# hakmem-debug.so; the tests there source it.
#
# Directory: the caller's, which is its own (tests/run gives each test an empty one).
# shellcheck shell=bash
ulimit -c 0
SOURCE=${SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
BUILD=$(realpath -m "${BUILD:-$SOURCE/build}")
[ -e "$BUILD/hakmem-debug.so" ] || {
    echo "$BUILD/hakmem-debug.so is not there: make BUILD=$BUILD tests"
    exit 2
}

# The programs that commit a fault, and those that are correct.
fault_programs() {
    for program in "$SOURCE"/tests/faults/*.c; do
        program=$(basename "$program" .c)
        case $program in correct_*) ;; *) echo "$program" ;; esac
    done
}
correct_programs() {
    for program in "$SOURCE"/tests/faults/correct_*.c; do
        basename "$program" .c
    done
}

# What HAKMEM_INJECT must be for a program whose fault is made inside the allocator.
injection_of() {
    case $1 in
    offset16 | double_push | wrong_class | no_superslab) echo "${1//_/-}:20" ;;
    esac
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

# run_program NAME LEVEL LAYOUT [VARIABLE=VALUE...]: runs one of the programs in a directory of
# its own until program and collector have ended. $printed names the file with what they printed,
# $program_status is the program's exit status.
runs=0
run_program() {
    local name=$1 level=$2 layout=$3 injection directory
    shift 3
    injection=$(injection_of "$name")
    directory=$PWD/run.$((runs += 1)).$name.$level.$layout
    mkdir "$directory" || exit 2
    printed=$directory/printed
    { # the shell's own word on programs that abort goes to /dev/null
        (cd "$directory" && exec env "HAKMEM_CHECK=$level" "HAKMEM_LAYOUT=$layout" \
            ${injection:+"HAKMEM_INJECT=$injection"} "$@" LD_PRELOAD="$BUILD/hakmem-debug.so" \
            "$BUILD/tests/${PROGRAMS:-faults}/$name") >"$printed" 2>&1
        # shellcheck disable=SC2034 # for the caller
        program_status=$?
    } 2>/dev/null
    wait_for_store "$directory"
}

# Normalises a report on stdin: everything that differs from run to run.
normalise_report() {
    sed -E -f "$SOURCE/tests/faults/normalise.sed"
}
