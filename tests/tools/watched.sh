# shellcheck shell=bash
# Helpers for scripts about debug registers, to be sourced: a scratch folder to be in, a program that is run with the library and
# without some system calls, and what its report says. BUILD and SOURCE are set.

. "${SOURCE:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/tools/test.sh"
export TMPDIR=$PWD # by it this test's collectors are known
chmod 777 .
. "$SOURCE/tests/tools/processes.sh"

# run_watched PROGRAM CASE VARIABLE=VALUE...: runs it without the system calls of $barred, by nobody then; what it and hakmem
# say goes into CASE.out, its capture into CASE.db, its exit status into `status`. The part of CASE that follows a dot is not the
# program's. $DEAF as $library: no debug register fires (deaf.h).
barred=
library=$BUILD/hakmem-debug.so
# shellcheck disable=SC2034 # for the caller
DEAF=$BUILD/deaf/hakmem-debug.so
run_watched() {
    local watched=$1 name=$2 before=() preload=LD_PRELOAD
    shift 2
    [ -z "$barred" ] || before=(python3 "$SOURCE/tests/tools/barred.py" --not-root "$barred") preload=PRELOAD
    { # the shell tells of a program that is stopped
        env HAKMEM_TRACE_FILE="$PWD/$name.db" "$@" "$preload=$library" \
            timeout 300 "${before[@]}" "$watched" "${name%.*}" >"$name.out" 2>&1
    } 2>/dev/null
    status=$?
    until_true no_collector || exit 1
}

# plain_headlines FILE: the first lines of its reports, without "hakmem: HKM-" and without what differs from build to build.
plain_headlines() { sed -n 's/^hakmem: HKM-//p' "$1" | sed -Ef "$SOURCE/tests/tools/plain_headline.sed"; }

# part NAME FILE: the first frames under a heading of the report, "FUNCTION FUNCTION".
part() {
    awk -v name="$1" '/^  [A-Z]/ { on = index($0, "  " name " ") == 1 } on && /^      #[0-9]/ { print $2 }' "$2" | head -2 | paste -sd' '
}
