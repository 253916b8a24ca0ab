#!/usr/bin/env bash
# HAKMEM_SWEEP, _SWEEP_SIGNAL and _SWEEP_EVERY find damage that no free came by, and the program's own
# handler of the signal is as it was.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
program=$BUILD/tests/options/sweep_asked
export HAKMEM_TRACE=off

# shows DUE ARGUMENT VARIABLE=VALUE...: the lines that the program and hakmem begin with.
shows() {
    local due=$1 argument=$2 found
    shift 2
    # shellcheck disable=SC2086 # an argument or none
    found=$({ env "$@" LD_PRELOAD="$BUILD/hakmem-debug.so" "$program" $argument; } 2>&1 |
        sed -nE 's/ in main\(\) sweep_asked\.c:[0-9]+$//; s/^hakmem: (HKM-[0-9]+).*found by (.*)/\1 \2/p; s/^hakmem: (HAKMEM_.*)/\1/p; /^(the program|verify)/p' | paste -sd';')
    [ "$found" = "$due" ] || complain "$argument $*: shows '$found', '$due' was due"
}
by_signal='HKM-301 the sweep on a signal'
shows '' nothing
shows "HKM-301 the periodic sweep" nothing HAKMEM_SWEEP_EVERY=10
shows '' nothing HAKMEM_SWEEP_EVERY=1000
shows "$by_signal" default HAKMEM_SWEEP_SIGNAL=USR2
shows "$by_signal" ignore HAKMEM_SWEEP_SIGNAL=SIGUSR2
shows "the program's own handler;$by_signal" handler HAKMEM_SWEEP_SIGNAL=12
shows "the program's own handler" handler
shows '' ignore HAKMEM_SWEEP_SIGNAL=USR1
shows 'HAKMEM_SWEEP_SIGNAL=SEGV: expected a signal that can be caught, as in USR2 or 12; none is heard' nothing HAKMEM_SWEEP_SIGNAL=SEGV
shows '' default HAKMEM_SWEEP_SIGNAL=USR2 HAKMEM_CHECK=trace
shows 'HKM-301 hak_verify' verify
