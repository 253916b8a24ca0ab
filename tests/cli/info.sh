#!/usr/bin/env bash
# Tests what `info` says of a capture's size and of the pools inside its program.
. "${SOURCE:?}/tests/tools/test.sh"
unset PYTHONMALLOC G_SLICE

# Bytes for each event are given where they tell something of events, not of empty pages.
"$trace" run -s tiny.db -- true || fail "run: status $?"
"$trace" info -s tiny.db >page || fail "info: status $?"
grep -q '^size  *[0-9.]* KiB$' page || fail "a tiny capture's size: $(grep '^size' page)"
"$BUILD/tests/bench/make_capture" -q -n 300000 large.db >made || fail "make_capture: status $?"
"$trace" info -s large.db >page
[ $? -le 4 ] && grep -qE '^size +[0-9.]+ MiB, [0-9]{1,2}\.[0-9]{2} bytes for each event$' page ||
    fail "a large capture's size: $(grep '^size' page)"

# A pool that --pools=malloc, or the variable itself, opened hides nothing.
pool="CPython's own pool"
has_pool() { "$trace" info -s "$1" | grep -q "$pool" && "$trace" info --json -s "$1" | grep -q "$pool"; }
"$trace" run -s closed.db -- /usr/bin/python3 -c pass || fail "run: status $?"
has_pool closed.db || fail "info does not name the pool of CPython"
"$trace" run -s open.db --pools=malloc -- /usr/bin/python3 -c pass || fail "run --pools: status $?"
has_pool open.db && fail "--pools=malloc opened the pool, and info says that it hides blocks"
PYTHONMALLOC=malloc_debug "$trace" run -s debug.db -- /usr/bin/python3 -c pass || fail "run: status $?"
has_pool debug.db && fail "malloc_debug opened the pool, and info says that it hides blocks"
PYTHONMALLOC=pymalloc "$trace" run -s named.db -- /usr/bin/python3 -c pass || fail "run: status $?"
has_pool named.db || fail "PYTHONMALLOC=pymalloc is the pool, and info does not name it"
# Without `run` the keeper is started by the program, and has its environment.
PYTHONMALLOC=malloc HAKMEM_TRACE_FILE=$PWD/plain.db LD_PRELOAD=$BUILD/hakmem-debug.so /usr/bin/python3 -c pass ||
    fail "preloaded: status $?"
for _ in $(seq 200); do "$trace" info --json -s plain.db 2>&1 | grep -q '"being_written": false' && break; sleep 0.1; done
"$trace" info -s plain.db >page && grep -q '^events' page || fail "preloaded: no capture: $(cat page)"
has_pool plain.db && fail "PYTHONMALLOC=malloc opened the pool, and info says that it hides blocks"
exit 0
