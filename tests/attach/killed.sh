#!/usr/bin/env bash
# `record -p` killed at any moment: the program goes on as it was, starts no collector of its own, and can be recorded again.
# timeout: 900
. "${SOURCE:?}/tests/tools/attach_rounds.sh"
rounds=${ROUNDS-12}

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
# A child that a killed command had just forked holds its name for a moment longer, and the queue of
# those that ask for it is full before that.
python3 - "$pid" <<'END' || fail "the name was not to be had"
import os, socket, sys, time
pid = sys.argv[1]
with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
    born = stat.read().rsplit(")", 1)[1].split()[19]
name = socket.socket(socket.AF_UNIX)
for look in range(1000):
    try:
        name.bind(f"\0hakmem-record-{pid}-{born}")
        break
    except OSError:
        time.sleep(0.01)
else:
    sys.exit(1)
name.listen(1)
if os.fork() == 0:
    time.sleep(0.7)
os._exit(0)
END
"$trace" record -p "$pid" --for 100ms -s last.db >out 2>&1 || fail "status $?: $(cat out)"
"$trace" check -s last.db >out 2>&1 || fail "$(cat out)"
grep -qx 'TracerPid:.0' "/proc/$pid/status" || fail "it is traced still"
kill -TERM "$pid"
wait "$pid" || fail "busy ended with $?: $(cat busy.out)"
printf 'ready\nall as it was\n' | cmp - busy.out || fail "$(cat busy.out)"
