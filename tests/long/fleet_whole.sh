#!/usr/bin/env bash
# A capture of EVENTS events is pushed whole over one, two and four connections: MB/s; then ROUNDS rounds in which the
# client, its connections, the server or its disk end at a random byte (SEED, the time): the same push typed again makes it whole, each
# row is there once, and no capture that lacks some is ever called whole. Prints a page of Markdown, and asserts no time.
# timeout: 7200
# alone
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
if [ "${1-}" != inside ]; then # a mount of its own, which ends with it
    unshare -m "$SOURCE/tests/long/fleet_whole.sh" inside
    exit
fi
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/await.sh"
. "$SOURCE/tests/remote/sums.sh"
events=$EVENTS rounds=$ROUNDS seed=${SEED:-$(date +%s)}
RANDOM=$seed
export LC_ALL=C
round=0 what=start
fail() { echo "fleet_whole: round $round of seed $seed, $what: $*"; exit 1; }
start_postgres -c fsync=on # as it is in use

"$BUILD/tests/bench/make_capture" -q -n "$events" big.db >out 2>&1 || fail "make_capture: $(cat out)"
"$trace" fleet setup --to "$URL" >out 2>&1 || fail "fleet setup: $(cat out)"
size=$(stat -c %s big.db)
push() { "$trace" push --whole -j "${jobs:-2}" -s big.db --to "$URL" >out 2>err; }
number() { sed -n 's/^capture \([0-9]*\):.*/\1/p' out; }

{
    echo "# A capture pushed whole, $(date +%Y-%m-%d)"
    echo
    echo "\`tests/long/fleet_whole.sh\` at commit $(git -C "$SOURCE" rev-parse --short HEAD 2>/dev/null || echo unknown): $(nproc) processors," \
        "PostgreSQL 15 on its Unix socket, fsync on; load $(cut -d ' ' -f 1-3 /proc/loadavg)."
    echo "The capture is that of a simulated program ([benches](../specs/benches.md#a-capture-of-any-length)): $events events, $((size / 1000000)) MB."
    echo
    echo "| connections | seconds, of three | MB/s, the median's |"
    echo "|---|---|---|"
} >page
for jobs in 1 2 4; do
    what="$jobs connections"
    for ((i = 0; i < 3; i++)); do
        empty
        query 'VACUUM' && query 'CHECKPOINT'
        begin=${EPOCHREALTIME/./}
        push || fail "$(cat out err)"
        echo $((${EPOCHREALTIME/./} - begin))
    done | sort -n >took
    [ "$(wc -l <took)" = 3 ] || fail "$(cat took)"
    awk -v jobs="$jobs" -v size="$size" '{ t[NR] = $1 / 1e6 } END { printf "| %d | %.1f, %.1f, %.1f | %.0f |\n", jobs, t[1], t[2], t[3], size / 1e6 / t[2] }' took >>page
done
jobs=2
capture=$(push && number)
sums >due
grep -q '^capture_end|1|' due || fail "no capture: $(head -n 2 due)"

# ---- rounds ---------------------------------------------------------------------------------------------------------------------
bytes=$(query 'select sum(byte_count) from hakmem.part') # of rows: more goes over the connections
# begin_push [silent]: pushes through cutter, which cuts the connections, or stands still, at a random byte of the rows.
begin_push() {
    mkdir -p between
    rm -f between/.s.PGSQL.5432
    "$BUILD/tests/remote/cutter" between/.s.PGSQL.5432 "$PGHOST/.s.PGSQL.5432" $((1 + bytes / 1000 * (RANDOM % 1000))) "$@" >ready 2>&1 &
    cutter=$!
    await grep -q ready ready || fail "cutter: $(cat ready)"
    "$trace" push --whole -j 2 -s big.db --to "postgresql:///hakmem?host=$PWD/between" >out 2>err &
    pusher=$!
}
stands_still() { await grep -q silent ready || fail "a push is not at its byte: $(cat out err)"; }
end_push() {
    kill "$cutter" 2>/dev/null
    wait "$cutter" "$pusher" 2>/dev/null
}
kill_client() {
    begin_push silent
    stands_still
    kill -KILL "$pusher"
    end_push
} 2>/dev/null # "Killed"
cut_connections() {
    begin_push
    wait "$pusher"
    end_push
}
stop_server() {
    begin_push silent
    stands_still
    stop_postgres -m immediate
    end_push
    restart_postgres
}
kill_server() {
    begin_push silent
    stands_still
    kill_postgres
    end_push
    restart_postgres
}
megabytes=$((size / 1000000))
full=$postgres_folder/full # where the server's user comes, wherever the checkout lies
mkdir "$full" && mount -t tmpfs -o size=$((megabytes * 3 + 400))m none "$full" && mkdir "$full/files" && chown postgres "$full/files" &&
    chmod 755 "$full" || exit 1
move_to() { psql -qXd postgres -c "ALTER DATABASE hakmem SET TABLESPACE $1" || fail "the database does not move"; }
fill_disk() {
    [ -n "$(query "SELECT 1 FROM pg_tablespace WHERE spcname = 'small'")" ] || query "CREATE TABLESPACE small LOCATION '$full/files'"
    query 'VACUUM FULL'
    move_to small
    mount -o remount,size=$(($(du -sm "$full" | cut -f 1) + megabytes * (5 + RANDOM % 80) / 100))m "$full" || exit 1
    push && fail "the disk was not full"
    grep -q 'its disk is full' err || fail "a full disk: $(cat err)"
    mount -o remount,size=$((megabytes * 3 + 400))m "$full" || exit 1
}
kinds=(kill_client cut_connections stop_server kill_server fill_disk)
cut=0
for ((round = 1; round <= rounds; round++)); do
    what=${kinds[(round - 1) % 5]}
    empty
    "$what"
    # Whole is what says so, and nothing else.
    if [ "$(query "SELECT count(*) FROM hakmem.capture_end")" = 0 ]; then
        cut=$((cut + 1))
        "$trace" info -s "$URL?capture=$capture" >asked 2>&1 && fail "a capture that has come in parts is read: $(head -n 3 asked)"
    fi
    for ((try = 0; try < 5; try++)); do push && break; done
    [ "$try" -lt 5 ] || fail "it cannot be pushed again: $(cat err)"
    sums >got
    cmp -s due got || fail "$(diff due got)"
    [ "$what" != fill_disk ] || move_to pg_default
done
umount "$full"
[ "$cut" = "$rounds" ] || fail "only $cut of $rounds pushes were cut"
{
    echo
    echo "$rounds rounds (seed $seed) in which the client was killed, its connections were cut, the server was stopped at once or killed, or its"
    echo "disk was full, at a random byte: $cut pushes were cut short, none of them was called whole, and the same push typed again made"
    echo "each of them whole: no row was lost or doubled."
} >>page
cat page
to=$SOURCE/docs/benchmarks/$(date +%Y-%m-%d)-fleet-whole.md
[ "$events" -lt 100000000 ] || { cp page "$to" && echo "written: $to"; }
