#!/usr/bin/env bash
# The queue of pushes: a server that is away or does not answer costs seconds and nothing else; what waits is bounded, sent later, by
# several at once, each once; full disks, folders that are no queue, and damaged documents are told of and lose nothing that was sent.
# STEP_KIB: steps in which memory is taken away (160).
. "${SOURCE:?}/tests/tools/test.sh"
if [ "${1-}" != inside ]; then # a mount of its own, which ends with it
    unshare -m "$SOURCE/tests/remote/queue.sh" inside
    exit
fi
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/findings.sh"
. "$SOURCE/tests/tools/await.sh"
export XDG_STATE_HOME=$PWD/state
queue=$XDG_STATE_HOME/hakmem_push
does() { # STATUS WORDS...
    local due=$1 got
    shift
    "$trace" "$@" >out 2>err
    got=$?
    [ "$got" -eq "$due" ] || complain "$*: status $got, and $due was due: $(cat out err)"
}
says() { grep -qF -- "$1" "$2" || complain "due in $2: $1; there is: $(cat "$2")"; }
counts() { [ "$(counted)" = "$1" ] || complain "$2: there are $(counted) runs and findings; due: $1"; }
waits() { [ "$(waiting)" = "$1" ] || complain "$2: $(waiting) wait; due: $1"; }
clear_server() { asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'; }
fault=$BUILD/tests/faults/double_free
start_postgres
lay_out_findings
"$trace" run --on-fault continue -s double.db -- "$fault" >out 2>&1

# An empty queue is no error, and none is made for it.
does 0 push --queue
says 'pushed 0 findings of 0 runs' out
[ -e state ] && complain "a queue is made for nothing"

# Away: a run has its own status and output, and what it found is sent by the next one.
stop_postgres
for code in 0 7; do
    does $code run -s "away$code.db" --push "$PUSH" -- sh -c "echo said; exit $code"
    [ "$(cat out)" = said ] || complain "a run without the server: $(cat out)"
    says 'cannot connect' err
    says "$queue" err
    [ "$(wc -l <err)" = 1 ] || complain "more than a line: $(cat err)"
done
does 3 push -s double.db --to "$PUSH"
waits 3 "the server was away"
does 3 push --queue
says '3 documents wait' err
[ "$(stat -c %a "$queue")" = 700 ] && [ -z "$(find "$queue" -type f ! -perm 600)" ] || complain "others can read the queue"
restart_postgres
does 0 run -s next.db --push "$PUSH" -- true
[ -s err ] && complain "a run that sends the queue says: $(cat err)"
waits 0 "the next run sends all"
counts '4 1' "the next run sends all"

# A process connects while the document is made. Where that takes long, and the server was begun anew meanwhile, it connects again.
clear_server
strace -qq -o strace.out -e trace=fsync -e inject=fsync:delay_enter=12000000:when=1 "$trace" push -s double.db --to "$PUSH" >out 2>err &
slow=$!
is_connected() { [ "$(asked "SELECT count(*) FROM pg_stat_activity WHERE usename = 'pusher'")" = 1 ]; }
await is_connected || complain "nobody connected early"
stop_postgres -m fast
restart_postgres
wait "$slow" || complain "a push with a slow disk: $(cat out err)"
grep -q fsync strace.out || complain "the disk was not slow"
counts '1 1' "a slow disk"
waits 0 "a slow disk"

# Several at once from one machine: each sends what it finds in the queue, and each hears that its own came.
clear_server
pushes=()
for ((i = 0; i < 16; i++)); do
    "$trace" push -s double.db --host "host$i" --to "$PUSH" >"out.$i" 2>&1 &
    pushes+=($!)
done
for i in "${!pushes[@]}"; do
    wait "${pushes[i]}" || complain "one of several at once: status $?, $(cat "out.$i")"
done
waits 0 "several at once"
counts '16 16' "several at once"
clear_server

# It takes connections, and says nothing: the run ends all the same.
kill -STOP "$postgres_pid"
does 3 run -s silent.db --push "$PUSH" -- sh -c 'exit 3'
kill -CONT "$postgres_pid"
says 'the server does not answer' err
waits 1 "a silent server"
does 0 push --queue
counts '1 0' "a silent server"

# Another server's documents wait for that one.
does 3 push -s double.db --to 'postgresql:///nowhere'
does 0 push -s double.db --to "$PUSH"
waits 1 "two servers"
does 3 push --queue
psql -qXd postgres -c 'CREATE DATABASE nowhere' # without tables
does 3 push --queue
waits 1 "a server without tables"
rm -rf state

# Damage: whatever is not what was written is set aside, and the rest is sent.
stop_postgres
for i in 1 2 3 4; do does 3 push -s double.db --to "$PUSH" --label "n=$i"; done
mapfile -t names < <(ls "$queue")
truncate -s 100 "$queue/${names[0]}"
printf 'x' | dd of="$queue/${names[1]}" bs=1 seek=300 conv=notrunc 2>/dev/null
crc() { python3 - "$1" <<'END'
import sys
crc = 0xffffffff
for byte in open(sys.argv[1], 'rb').read():
    crc ^= byte
    for _ in range(8):
        crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
print(f'{crc ^ 0xffffffff:08x}')
END
}
forge() { # TEXT: as a document whose checksum holds
    printf '%s' "$1" >forged
    cp forged "$queue/$(printf '%020d' 2000)-$(crc forged).json"
}
forge '{}'
forge '{"hakmem_push": 2}'
forge 'no JSON'
forge "{\"hakmem_push\":1,\"to\":\"/etc/passwd\",\"left_out\":0,\"cut\":0,\"runs\":[]}"
forge "{\"hakmem_push\":1,\"to\":\"$PUSH\",\"left_out\":0,\"cut\":0,\"runs\":[{}]}"
forge "{\"hakmem_push\":1,\"to\":\"$PUSH\",\"left_out\":0,\"cut\":0,\"runs\":[$(printf '{},%.0s' {1..70}){}]}"
ln -s /etc/passwd "$queue/$(printf '%020d' 3000)-00000000.json"
mkfifo "$queue/$(printf '%020d' 3001)-00000000.json"
mkdir "$queue/$(printf '%020d' 3002)-00000000.json"
: >"$queue/$(printf '%020d-00000000.json\nx' 3003)" # a name that is none
: >"$queue/unfinished"
: >"$queue/README"
restart_postgres
clear_server
does 4 push --queue
says '11 documents were set aside' err
counts '1 1' "the undamaged ones"
[ "$(find "$queue" -name '*.broken' | wc -l)" = 11 ] || complain "set aside: $(ls "$queue")"
does 0 push --queue
waits 0 "behind damage"
rm -rf state

# Out of memory: what cannot be read now is no damage, and waits.
stop_postgres
cp double.db many.db
sqlite3 many.db "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
 INSERT INTO fault SELECT i, code, event, ns, process, thread, summary, report, json, fingerprint FROM fault, n WHERE id = 1" || complain "many.db"
does 3 push -s many.db --to "$PUSH"
restart_postgres
cp -r state kept
if ! left_out little_memory; then
    within() { # KIB: push --queue with so much memory
        rm -rf state && cp -r kept state
        (ulimit -v "$1" && exec "$trace" push --queue) >out 2>err
        within=$?
    }
    step=${STEP_KIB:-160} # with 40 each of its allocations fails once
    for ((kib = 24000; kib < 70000; kib += 4000)); do within $kib; [ $within -ne 0 ] || break; done
    [ $within -eq 0 ] || complain "no memory is enough: $(cat err)"
    until [ $within -ne 0 ]; do within $((kib -= 400)); done
    clear_server
    for ((least = kib - 800, kib += 400; kib > least; kib -= step)); do
        within $kib
        [ $within -eq 0 ] && [ "$(waiting) $(counted)" = '0 1 300' ] && clear_server && continue
        [ $within -eq 3 ] && [ "$(waiting) $(counted)" = '1 0 0' ] || complain "with $kib KiB: status $within, $(waiting) wait, there are $(counted): $(cat out err)"
    done
fi
rm -rf state kept
clear_server

# Bounded: the oldest makes room, which the next push tells of, once.
stop_postgres
does 3 push -s double.db --to "$PUSH"
one=$(ls "$queue")
python3 - "$queue" "$one" <<'END'
import sys, os
folder, one = sys.argv[1:]
text = open(f'{folder}/{one}', 'rb').read()
for i in range(1, 1000):
    open(f'{folder}/{i:020d}-{one[-13:]}', 'wb').write(text)
END
waits 1000 "a full queue"
does 3 push -s double.db --to "$PUSH"
waits 1000 "a full queue and one more"
says '1 document was dropped from the full queue' err
[ -e "$queue/$(printf '%020d' 1)-${one: -13}" ] && complain "it was not the oldest"
does 3 push -s double.db --to "$PUSH" --label again=1
does 3 push --queue
grep -q dropped err && complain "told twice"
head -c 70000000 /dev/zero >"$queue/$(printf '%020d' 500000)-00000000.json" # 64 MiB are the bound
does 3 push -s double.db --to "$PUSH"
waits 4 "by bytes"
rm -rf state
restart_postgres
clear_server

# Several at once: each document once, none left.
stop_postgres
for i in {1..12}; do "$trace" run -s "many$i.db" --push "$PUSH" -- true >/dev/null 2>&1; done
waits 12 "twelve runs"
restart_postgres
for i in 1 2 3; do "$trace" push --queue >"out$i" 2>&1 & pids[i]=$!; done
for i in 1 2 3; do wait "${pids[i]}" || complain "one of three: $(cat "out$i")"; done
waits 0 "three at once"
counts '12 0' "three at once"
[ "$(sed -n 's/.* of \([0-9]*\) runs\?.*/\1/p' out1 out2 out3 | awk '{ n += $1 } END { print n + 0 }')" = 12 ] || complain "three at once: $(cat out1 out2 out3)"
clear_server

# No queue can be had: what can be sent is sent, and else it is said that it is lost.
mkdir small && mount -t tmpfs -o size=64k none small || exit 1
no_queue() { # WORDS: what is said; in the environment of now
    clear_server
    does 0 push -s double.db --to "$PUSH"
    says "$1" err
    counts '1 1' "without a queue: $1"
    rm -f none.db
    does 5 run -s none.db --push postgresql:///nowhere2 -- sh -c 'exit 5'
    says 'were not pushed' err
    says "$1" err
}
export XDG_STATE_HOME=$PWD/small
does 0 push -s double.db --to "$PUSH" # the folder is made
head -c 1M /dev/zero >small/fill 2>/dev/null
no_queue 'No space left on device'
[ -z "$(ls small/hakmem_push)" ] || complain "a full disk keeps: $(ls small/hakmem_push)"
rm small/fill
mount -o remount,ro small
no_queue 'Read-only file system'
umount small
mkdir -p other && chmod 777 other && mkdir -m 777 other/hakmem_push && chmod 777 other/hakmem_push
XDG_STATE_HOME=$PWD/other no_queue 'others may write there'
mkdir file && : >file/hakmem_push
XDG_STATE_HOME=$PWD/file no_queue 'Not a directory'
mkdir link && mkdir -m 700 target && ln -s ../target link/hakmem_push
XDG_STATE_HOME=$PWD/link no_queue "$PWD/link/hakmem_push: cannot be opened"
[ -z "$(ls target)" ] || complain "a link was followed"
XDG_STATE_HOME='' HOME='' no_queue 'there is no place for the queue'
XDG_STATE_HOME='' HOME=$PWD does 0 push -s double.db --to "$PUSH"
[ -d .hakmem_push ] || complain "no queue at HOME"
