# shellcheck shell=bash
# Begins and ends a script test. Sourced first. Afterwards no variable of hakmem's is set, a program that dies leaves no core file, the
# current directory is an empty one (one that goes at the end, where the script runs by hand), $trace is the viewer, and $env a program `env` that
# can be recorded: of another architecture where tests/tools/cross_check.sh names one.
#
#   fail WORDS        prints WORDS and ends the test
#   complain WORDS    prints WORDS and goes on; the test ends with status 1, and with the first line of each complaint once more, for who keeps the
#                     end of a long log alone
#   is_quick          true in `make check`, whose scripts do a part of what they do in `make check-full` (QUICK=1)
#   left_out PART     true of a part of this script that tests/arm/suite leaves out; it is named then in the closing lines, with the reason
#   was_late FILE     true where an emulator runs the programs and the report in FILE is raw, as the collector took longer than a program waits: the run
#                     says nothing, and is made again
#   cleanup           the script's own, if it has one: called at the end, whatever ends it
#
# The last line needs no status: complaints set $failed, and the test ends with it. A script has no EXIT trap of its own.
! declare -F end_test >/dev/null || return 0 # twice
set -u
SOURCE=$(cd "${SOURCE:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
BUILD=$(realpath -m "${BUILD:-$SOURCE/build}")
export SOURCE BUILD
unset "${!HAKMEM_@}" LD_PRELOAD
ulimit -S -c 0
# shellcheck disable=SC2034 # for the script
trace=$BUILD/hakmem-trace env=${ENV_TO_RECORD:-/usr/bin/env}
failed=0 own_folder=
[ -z "$(ls -A)" ] || { own_folder=$(mktemp -d) && chmod 755 "$own_folder" && cd "$own_folder" && export TMPDIR=$own_folder; } || exit 2

fail() { echo "${0##*/}: $*"; exit 1; }
complaints=()
complain() {
    echo "${0##*/}: $*"
    local words=$*
    complaints+=("${words%%$'\n'*}")
    failed=1
}

is_quick() { [ "${QUICK:-0}" = 1 ]; }

left_out() {
    local line
    line=$(grep -m 1 -F "${0##*/tests/} $1: " <<<"${CASES_LEFT_OUT-}") || return 1
    echo "skipped: $1: ${line#*: }"
}

was_late() { [ -n "${TOOLS_FIRST-}" ] && grep -aq 'raw report: the collector did not finish the whole one within ' "$1"; }

end_test() {
    local status=$?
    ! declare -F cleanup >/dev/null || cleanup
    [ -z "$own_folder" ] || rm -rf --one-file-system "$own_folder"
    [ "$status" -ne 0 ] || status=$failed
    [ ${#complaints[@]} -eq 0 ] || printf 'complained: %.300s\n' "${complaints[@]}"
    exit "$status"
}
trap end_test EXIT
