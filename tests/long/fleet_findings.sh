#!/usr/bin/env bash
# HOSTS machines with 100 findings each push at once, then ROUNDS rounds in which clients, connections, the server or its
# disk end at a random moment (SEED, the time): afterwards each finding is there once, with the same bytes. Prints rates and latencies,
# and asserts none of them.
# timeout: 7200
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
if [ "${1-}" != inside ]; then # a mount of its own, which ends with it
    unshare -m "$SOURCE/tests/long/fleet_findings.sh" inside
    exit
fi
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/findings.sh"
. "$SOURCE/tests/tools/await.sh"
hosts=$HOSTS rounds=$ROUNDS seed=${SEED:-$(date +%s)} at_once=${AT_ONCE:-64}
some=$((hosts < 60 ? hosts : 60)) # of a round
RANDOM=$seed
export LC_ALL=C trace=$BUILD/hakmem-trace XDG_STATE_HOME=$PWD/state
round=0 what=start
fail() { echo "round $round of seed $seed, $what: $*"; exit 1; }
start_postgres -c fsync=on # as it is in use
lay_out_findings

# A capture of 100 findings, which each host has pushed while the server was away.
"$trace" run --on-fault continue -s one.db -- "$BUILD/tests/faults/double_free" >out 2>&1
cp one.db many.db
sqlite3 many.db "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
 INSERT INTO fault SELECT i, code, event, ns, process, thread, summary, report || i, json, printf('HKM-202:%016x', i) FROM fault, n WHERE id = 1" || exit 1
cat >make_host <<'END'
#!/usr/bin/env bash
# FOLDER NUMBER: what the host has waiting.
mkdir -p "$1/$2"
PGHOST=/nowhere XDG_STATE_HOME=$PWD/$1/$2 "$trace" push -s many.db --to "$PUSH" --host "host$2" --label "version=1.$(($2 % 7))" >/dev/null 2>"$1.$2"
[ $? -eq 3 ] && rm "$1.$2"
END
cat >send_host <<'END'
#!/usr/bin/env bash
# FOLDER NUMBER: sends it, and leaves status and microseconds.
export XDG_STATE_HOME=$PWD/$1/$2
begin=${EPOCHREALTIME/./}
"$trace" push --queue >"$1/$2/out" 2>"$1/$2/err"
echo "$? $((${EPOCHREALTIME/./} - begin))" >"$1/$2/took"
END
chmod +x make_host send_host
mkdir waiting
seq "$hosts" | xargs -P 4 -n 1 ./make_host waiting
[ "$(find waiting -name '*.json' | wc -l)" = "$hosts" ] || fail "documents: $(cat waiting.* | head -n 3)"

left() { find "$1" -path '*/hakmem_push/*.json' | sed 's|.*/\([0-9]*\)/hakmem_push/.*|\1|'; }
# send FOLDER PARALLEL: all that wait there, until none does.
send() {
    local tries
    for ((tries = 0; tries < 60; tries++)); do
        [ -n "$(left "$1")" ] || return 0
        left "$1" | xargs -r -P "$2" -n 1 ./send_host "$1"
    done
    fail "$(left "$1" | wc -l) hosts still wait: $(cat "$1"/*/err | sort | uniq -c | head -n 3)"
}
# Contents of the server: numbers, and a hash of every byte but the time it came.
there() {
    asked "SELECT count(DISTINCT run), count(*), count(DISTINCT (host, number)), md5(string_agg(md5(concat_ws('|', run, month, number, host, version, labels, summary,
 fingerprint, code, name, headline, place, count, address, md5(report))), '' ORDER BY run, month, number)) FROM hakmem.run NATURAL JOIN hakmem.finding"
}
empty() { asked 'TRUNCATE hakmem.run, hakmem.finding'; }
# times FOLDER: median, 99th percentile, longest, in ms.
times() {
    cat "$1"/*/took | sort -n -k 2 | awk '{ t[NR] = $2 / 1000 } END { printf "median %.0f ms, p99 %.0f ms, longest %.0f ms", t[int((NR + 1) / 2)], t[int((NR * 99 + 99) / 100)], t[NR] }'
}

what="all hosts at once"
cp -r waiting now
begin=${EPOCHREALTIME/./}
send now "$at_once"
us=$((${EPOCHREALTIME/./} - begin))
[[ $(there) == "$hosts|$((hosts * 100))|$((hosts * 100))|"* ]] || fail "there is: $(there)"
echo "$hosts hosts, $((hosts * 100)) findings, $at_once at once: $((us / 1000)) ms, $((hosts * 100000000 / us)) findings a second; a push: $(times now); load $(cut -d ' ' -f 1 /proc/loadavg)"
[ "$(psql -qXAtd "$PUSH" -c 'SELECT 1 FROM hakmem.run' 2>&1 | grep -c 'permission denied')" = 1 ] || fail "who pushed can read"
rm -r now

what="one finding"
mkdir one
for ((i = 0; i < (hosts < 200 ? hosts / 4 : 200); i++)); do
    mkdir "one/$i"
    begin=${EPOCHREALTIME/./}
    XDG_STATE_HOME=$PWD/one/state "$trace" push -s one.db --to "$PUSH" --host "single$i" >out 2>&1 || fail "$(cat out)"
    echo "0 $((${EPOCHREALTIME/./} - begin))" >"one/$i/took"
done
echo "push of one finding, one after the other, from the command's start to its end: $(times one)"

# ---- rounds ---------------------------------------------------------------------------------------------------------------------
mkdir few
for ((i = 1; i <= some; i++)); do cp -r "waiting/$i" few/; done
empty
cp -r few now
begin=${EPOCHREALTIME/./}
send now 16
us=$((${EPOCHREALTIME/./} - begin)) # a round is cut somewhere in it
rm -r now
there >due
bytes=$(find few -name '*.json' -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
mkdir between
full=$postgres_folder/full # where the server's user comes, wherever the checkout lies
mkdir "$full" && mount -t tmpfs -o size=400m none "$full" && mkdir "$full/files" && chown postgres "$full/files" && chmod 755 "$full" || exit 1

start_clients() { # in pids; each in its own process, all at once
    pids=()
    for ((i = 1; i <= some; i++)); do
        XDG_STATE_HOME=$PWD/now/$i "$trace" push --queue >"now/$i/out" 2>"now/$i/err" &
        pids+=($!)
    done
}
a_moment() { sleep "$(awk -v us="$us" -v r=$RANDOM 'BEGIN { printf "%.3f", us * r / 32768 / 1e6 }')"; }
end_clients() { wait "${pids[@]}" 2>/dev/null; }
kill_clients() {
    start_clients
    for ((i = 0; i < some; i += 1 + RANDOM % 3)); do
        [ $((i % 10)) -ne 0 ] || a_moment
        kill -KILL "${pids[i]}" 2>/dev/null
    done
    end_clients
} 2>/dev/null # "Killed"
cut_connections() {
    rm -f between/.s.PGSQL.5432
    "$BUILD/tests/remote/cutter" between/.s.PGSQL.5432 "$PGHOST/.s.PGSQL.5432" $((1 + bytes * (RANDOM % 1000) / 1000 / (1 + RANDOM % 20))) >ready 2>&1 &
    local cutter=$!
    await grep -q ready ready || fail "cutter: $(cat ready)"
    PGHOST=$PWD/between start_clients
    end_clients
    kill "$cutter" 2>/dev/null
    wait "$cutter" 2>/dev/null
}
stop_server() {
    start_clients
    a_moment
    stop_postgres -m immediate
    end_clients
    restart_postgres
}
kill_server() {
    start_clients
    a_moment
    kill_postgres
    end_clients
    restart_postgres
}
move_to() { psql -qXd postgres -c "ALTER DATABASE hakmem SET TABLESPACE $1" || fail "the database does not move"; }
fill_disk() {
    [ -n "$(asked "SELECT 1 FROM pg_tablespace WHERE spcname = 'small'")" ] || asked "CREATE TABLESPACE small LOCATION '$full/files'"
    move_to small
    mount -o remount,size=$(($(du -sk "$full" | cut -f 1) + bytes / 1024 * (5 + RANDOM % 30) / 100))k "$full" || exit 1
    start_clients
    end_clients
    cat now/*/err | grep -q 'its disk is full' || fail "the disk was not full: $(cat now/*/err | head -n 3)"
    mount -o remount,size=400m "$full" || exit 1
}
kinds=(kill_clients cut_connections stop_server kill_server fill_disk)
waited=0
for ((round = 1; round <= rounds; round++)); do
    what=${kinds[(round - 1) % 5]}
    rm -rf now
    cp -r few now
    empty
    "$what"
    waited=$((waited + $(left now | wc -l)))
    send now 16
    there >got
    cmp -s due got || fail "due: $(cat due); there is: $(cat got)"
    [ -z "$(find now -name '*.broken')" ] || fail "set aside: $(find now -name '*.broken')"
    [ "$what" != fill_disk ] || move_to pg_default
done
[ "$rounds" -lt 50 ] || [ "$waited" -gt "$rounds" ] || fail "hardly anything was cut: $waited pushes waited"
echo "$rounds rounds of $some hosts: none lost, none doubled; $waited pushes were cut and sent again"
umount "$full"
