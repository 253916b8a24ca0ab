#!/usr/bin/env bash
# BenchFast: blocks come from the pool and go back to it unchecked; what does not fit goes the normal way.
. "${SOURCE:?}/tests/tools/test.sh"
program=$BUILD/tests/options/bench_fast

# due WHAT STDERR [COMMAND...]: ends well and says exactly this.
due() {
    local what=$1 said=$2 code=0
    shift 2
    "$@" env HAKMEM_BENCH_FAST_MODE=1 LD_PRELOAD="$library" "$program" "$what" >out 2>err || code=$?
    if [ "$code" -ne 0 ] || [ -s out ] || [ "$(cat err)" != "$said" ]; then
        echo "$(basename "$library"), $what: status $code, $(cat out err)"
        echo "due: $said"
        failed=1
    fi
}

library=$BUILD/libhakmem.so
for what in pool family twice threads; do
    due "$what" ""
done
due empty "hakmem: HAKMEM_BENCH_FAST_MODE: no block of 64 B is left in the pool; what is measured from here on is not the pool alone"

# Threads beyond the portions go the normal way, which is said once where it comes to that.
HAKMEM_BENCH_FAST_MODE=1 LD_PRELOAD=$library "$program" many >out 2>err || complain "many threads: $(cat out err)"
[ "$(wc -l <err)" -le 1 ] || complain "many threads: more than a line: $(cat err)"

# Without the mode a second free ends the program.
LD_PRELOAD=$library "$program" twice >out 2>err && complain "a second free was not noticed without the mode"

# If the addresses are not available it says so and goes the normal way.
due family "hakmem: HAKMEM_BENCH_FAST_MODE: 21 GiB of addresses are not available; going the normal way" \
    bash -c 'ulimit -v 4000000; exec "$@"' limited

library=$BUILD/hakmem-debug.so
export HAKMEM_TRACE=off
due family "hakmem: HAKMEM_BENCH_FAST_MODE=1 is for libhakmem; hakmem-debug.so does without"
