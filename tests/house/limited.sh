#!/usr/bin/env bash
# tests/tools/limited.py ends what computes for ever and what stands still, with all that they started, passes statuses on, and
# ends nothing that only waits for a processor.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
ends() { # STATUS SECONDS COMMAND...
    local got
    timeout 100 python3 "$SOURCE/tests/tools/limited.py" "${@:2}"
    got=$?
    [ "$got" -eq "$1" ] || complain "status $got, due $1: ${*:2}"
}
ends 3 5 sh -c 'exit 3'
ends 137 5 sh -c 'kill -KILL $$'
ends 127 5 ./no-such-program 2>/dev/null
ends 124 0.3 sh -c 'while :; do :; done'
ends 124 0.3 sh -c 'sh -c "while :; do :; done" & wait'
# shellcheck disable=SC2016 # for the inner shell
ends 124 0.3 bash -c 'while :; do /bin/true; done' # what is spent in children that have ended
ends 124 0.3 sh -c 'setsid sleep 1000 & wait'
left=$(find /proc/[0-9]*/cwd -maxdepth 1 -lname "$PWD" -printf '%h\n' 2>/dev/null | sed 's|/proc/||' | grep -vxE "$$|$BASHPID")
for process in $left; do
    case $(tr '\0' ' ' <"/proc/$process/cmdline") in 'sleep 1000 ' | 'sh -c while'*) complain "process $process is left" ;; esac
done 2>/dev/null

# On a processor that another one keeps busy the same seconds of a clock are few of the processor's.
processor=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
taskset -c "$processor" sh -c 'while :; do :; done' &
busy=$!
cleanup() { kill "$busy"; }
# shellcheck disable=SC2016
ends 0 1 taskset -c "$processor" nice -n 19 bash -c 'while [ "$SECONDS" -lt 3 ]; do :; done'
