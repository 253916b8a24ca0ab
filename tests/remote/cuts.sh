#!/usr/bin/env bash
# A push that is cut after any number of bytes, whose client is killed, or whose server dies, is typed again, and the server has the
# same rows as after a push that nothing cut. ROUNDS: how many are cut (long/whole.sh: 12).
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/await.sh"
. "$SOURCE/tests/remote/sums.sh"
rounds=${ROUNDS:-6}
start_postgres

"$trace" run -s a.db -- python3 -c 'print(len([str(i) * 9 for i in range(3000)]))' >out 2>&1
"$trace" fleet setup --to "$URL" >out 2>&1 || { cat out; exit 1; }
push() { "$trace" push --whole -j "${jobs:-2}" -s a.db --to "${1:-$URL}" >out 2>err; }
push || { complain "push: $(cat out err)"; exit 1; }
sums >due

# whole WHAT: a push on top of what came, and all is there.
whole() {
    push || complain "$1: pushed again: $(cat out err)"
    sums >got
    cmp -s due got || complain "$1: $(diff due got)"
}

# cut BYTES: pushes through cutter; $total is what a whole push takes, where it was not cut.
mkdir between
cut() {
    rm -f between/.s.PGSQL.5432
    "$BUILD/tests/remote/cutter" between/.s.PGSQL.5432 "$PGHOST/.s.PGSQL.5432" "$1" >ready 2>&1 &
    cutter=$!
    await grep -q ready ready || complain "cutter: $(cat ready)"
    push "postgresql:///hakmem?host=$PWD/between"
    cut=$?
    kill "$cutter" 2>/dev/null
    wait "$cutter" 2>/dev/null
}
bytes=$(query 'select sum(byte_count) + 20000 from hakmem.part')
failed=0 partly=0
for ((i = 0; i < rounds; i++)); do
    empty
    cut $((1 + bytes * i / rounds + i * 37))
    case $cut in
    0) ;;
    3) failed=$((failed + 1)) && grep -q '[1-9][0-9]* of [0-9]* parts are there: the same push goes on from them' err && partly=$((partly + 1)) ;;
    *) complain "cut at byte $((1 + bytes * i / rounds + i * 37)): status $cut: $(cat out err)" ;;
    esac
    [ "$cut" = 0 ] || [ "$(wc -l <err)" = 1 ] || complain "cut: $(cat err)"
    whole "cut at byte $((1 + bytes * i / rounds + i * 37))"
done
[ "$failed" -ge $((rounds / 2)) ] && [ "$partly" -ge 2 ] || complain "only $failed of $rounds pushes were cut, $partly in the midst"

# Begins a push that waits for a lock in its midst; push.$1 is its output.
waits() { [ "$(query "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' and query like 'COPY%'")" = t ]; }
begin_waiting() {
    empty
    psql -qXAtd hakmem -c "begin" -c "lock table hakmem.c_process in access exclusive mode" -c "select 'locked'" -c "select pg_sleep(600)" \
        >locked 2>&1 &
    locker=$!
    await has_lock || complain "no lock: $(cat locked)"
    "$trace" push --whole -s a.db --to "$URL" >waiting 2>&1 &
    pusher=$!
    await waits || complain "the push does not wait: $(cat waiting)"
}
has_lock() { [ "$(query "select count(*) > 0 from pg_locks where relation = 'hakmem.c_process'::regclass and mode = 'AccessExclusiveLock' and granted")" = t ]; }

begin_waiting
kill -KILL "$pusher"
wait "$pusher" 2>/dev/null
kill "$locker"
wait "$locker" 2>/dev/null
query "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()" >out
whole "client killed"

begin_waiting
stop_postgres -m immediate
wait "$pusher"
[ $? -eq 3 ] && grep -q 'is the server there?.*parts are there' waiting || complain "server stopped: $(cat waiting)"
wait "$locker" 2>/dev/null
restart_postgres
whole "server stopped at once"

begin_waiting
kill_postgres
wait "$pusher"
[ $? -eq 3 ] && [ "$(wc -l <waiting)" = 1 ] || complain "server killed: $(cat waiting)"
wait "$locker" 2>/dev/null
restart_postgres
whole "server killed"
exit "$failed"
