#!/usr/bin/env bash
# `record -p` killed at any moment: the program goes on as it was, starts no collector of its own, and can be recorded again.
# timeout: 900
set -u
# shellcheck source=tests/tools/attach_rounds.sh
. "$SOURCE/tests/tools/attach_rounds.sh"
rounds=${ROUNDS-25}

"$BUILD/tests/attach/busy" 1000000 >busy.out 2>&1 &
pid=$!
await_or_fail grep -q ready busy.out
for ((round = 1; round <= rounds; round++)); do
    "$trace" record -p "$pid" --force -s killed.$round.db >killed.out 2>&1 &
    record=$!
    # From before the first stop to after the recording has begun.
    sleep "0.$(printf %03d $((RANDOM % 400)))"
    kill -KILL "$record"
    wait "$record" 2>/dev/null
    kill -0 "$pid" || fail "busy has ended in round $round"
done
"$trace" record -p "$pid" --for 100ms -s last.db >out 2>&1 || fail "status $?: $(cat out)"
"$trace" check -s last.db >out 2>&1 || fail "$(cat out)"
grep -qx 'TracerPid:.0' "/proc/$pid/status" || fail "it is traced still"
kill -TERM "$pid"
wait "$pid" || fail "busy ended with $?: $(cat busy.out)"
printf 'ready\nall as it was\n' | cmp - busy.out || fail "$(cat busy.out)"
