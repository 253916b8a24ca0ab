#!/usr/bin/env bash
# HAKMEM_TRACE_MAX: file and log never reach it while a program records more than that, the newest events are there,
# the others are told of wherever they may be missed.
. "${SOURCE:?}/tests/tools/test.sh"
cap=$((16 << 20)) most=0
size() { stat -c %s store.db store.db-wal 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'; }
HAKMEM_TRACE_MAX=16M "$trace" run --wait --check trace --store store.db -- "$BUILD/tests/bench/loops" random 2048 4000000 \
    >run.out 2>&1 </dev/null &
run=$!
while kill -0 "$run" 2>/dev/null; do
    now=$(size)
    [ "${now:-0}" -gt "$most" ] && most=$now
    sleep 0.02
done
wait "$run" || fail "run ended with $?: $(head -n 3 run.out)"
now=$(size)
[ "$now" -gt "$most" ] && most=$now
[ "$most" -lt "$cap" ] || fail "file and log had $most bytes; the cap is $cap"
[ "$most" -gt $((cap / 2)) ] || fail "only $most bytes were used of $cap: nothing was tried here"
dropped=$("$trace" sql -s store.db "select value from meta where key = 'trimmed_events'" 2>/dev/null | tail -n 1)
[ "${dropped:-0}" -gt 0 ] 2>/dev/null || fail "no event was dropped"
"$trace" check -s store.db >check.out 2>&1
[ $? -eq 4 ] || fail "check ended otherwise than with 4, which says that events are missing" "$(head -n 5 check.out)"
grep -q 'intact' check.out || { head -n 5 check.out; exit 1; }
for command in info layers check; do
    "$trace" "$command" -s store.db >answer 2>&1
    grep -q 'dropped' answer || fail "'$command' does not say that events were dropped" "$(head -n 12 answer)"
done
address=$("$trace" sql -s store.db "select printf('0x%x', addr) from event where kind = 'FREE' order by id desc limit 1" | tail -n 1)
"$trace" block "$address" -s store.db >answer 2>&1
grep -q 'dropped' answer || fail "'block $address' does not say that events were dropped" "$(head -n 12 answer)"
