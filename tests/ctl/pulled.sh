#!/usr/bin/env bash
# `hakmem-trace ctl PID profile` of a program in level light, read three times while it runs. Its blocks are so large that each is sampled,
# so that the sums are exact.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/obeys.sh"

# pull STORE
pull() {
    timeout 300 "$trace" ctl "$program" profile -o "$1" >said 2>&1 || complain "$1: status $?: $(cat said)"
    "$trace" check -s "$1" >said 2>&1 || complain "$1: $(cat said)"
}
# holds STORE FUNCTION BLOCKS BYTES: within a thousandth; that much is live of what FUNCTION itself allocated.
holds() {
    "$trace" top -s "$1" --json >top.json 2>/dev/null || complain "$1: top: status $?"
    python3 - "$2" "$3" "$4" <<'EOF' || complain "$1: $2 should hold $4 bytes in $3 blocks: $(cat top.json)"
import json, sys
function, blocks, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rows = [r["self"] for r in json.load(open("top.json"))["rows"] if r["function"] == function]
live = rows[0] if rows else {"live_blocks": 0, "live_bytes": 0}
sys.exit(live["live_blocks"] != blocks or abs(live["live_bytes"] - size) > size / 1000)
EOF
}

start hakmem-debug.so HAKMEM_CHECK=light HAKMEM_HEAP_PROFILE=64K HAKMEM_TRACE_FILE=light.db
obey take a 8000000
obey take b 2000000
pull one.db
holds one.db take_early 2 10000000
obey take n 6000000
obey give a
pull two.db
holds two.db take_early 1 2000000
holds two.db take_late 1 6000000
drive # it allocates and frees all the time while it is read
pull three.db
calm
holds three.db take_early 1 2000000
holds three.db take_late 1 6000000

"$trace" diff one.db two.db >said 2>&1 || complain "diff: status $?: $(cat said)"
grep -qE '^ +\+6,000,000 +0 +6,000,000 +\+1 +new +take_late +ctl/obeys.c:[0-9]+$' said || complain "diff: $(cat said)"
grep -qE '^ +-8,000,000 +10,000,000 +2,000,000 +-1 +take_early +ctl/obeys.c:[0-9]+' said || complain "diff: $(cat said)"

timeout 300 "$trace" ctl "$program" profile >said 2>&1 || complain "the table: status $?: $(cat said)"
grep -qE '^ +[0-9.]+ % +6,000,000 +1 +6,000,000 +take_late +ctl/obeys.c:[0-9]+$' said || complain "the table: $(cat said)"
grep -q 'obeys (sampled, one in 64 KiB)' said || complain "the table: $(cat said)"

# ---- what was allocated and freed meanwhile ------------------------------------------------------
timeout -s KILL 300 env --default-signal=INT "$trace" ctl "$program" profile --for 90s >between 2>&1 &
reader=$!
waits() { child=$(pgrep -P $reader -x hakmem-trace) && [ "$(cut -d' ' -f1 "/proc/$child/syscall" 2>/dev/null)" = 230 ]; }
until_true waits || complain "--for does not wait"
obey take c 5000000
obey give b
kill -INT "$child"
wait $reader || complain "--for: status $?: $(cat between)"
grep -qE '^ +[0-9.]+ % +\+3,000,000 +1 +5,000,000 +\+3,000,000 +take_early ' between || complain "--for: $(cat between)"
grep -qE '[12] blocks? of [0-9,]+ bytes .* allocated, [1-9][0-9]* of [0-9,]+ bytes .* freed, grown by' between || complain "--for: $(cat between)"
finish

# ---- levels without one --------------------------------------------------------------------------
start hakmem-debug.so HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=trace.db
ask 2 'keeps no heap profile: start it with HAKMEM_CHECK=light' $program profile
finish
start hakmem-debug.so HAKMEM_CHECK=light HAKMEM_HEAP_PROFILE=0 HAKMEM_TRACE_FILE=none.db
ask 2 'keeps no heap profile: HAKMEM_HEAP_PROFILE=0 switched it off' $program profile
finish
