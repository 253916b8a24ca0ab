#!/usr/bin/env bash
# A server that took the connection and says nothing more is given up after the URL's answer_timeout, wherever in an answer or a push
# it went silent: with status 3 and one line that says for what and how long it was waited. One that only waits for a lock is waited for.
# timeout: 900
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/await.sh"
. "$SOURCE/tests/remote/sums.sh"
start_postgres

"$trace" run --check normal --on-fault continue -s double.db -- "$BUILD/tests/faults/double_free" >out 2>&1
"$trace" fleet setup --to "$URL" >out 2>&1 || { cat out; exit 1; }
"$trace" push --whole -s double.db --to "$URL" >out 2>err || { cat out err; exit 1; }
number=$(sed -n 's/^capture \([0-9]*\): .*/\1/p' out)
mkdir between
# To connect may take long on a machine that is busy: the time for that is short only where the cut comes before the connection stands.
through="postgresql:///hakmem?host=$PWD/between&connect_timeout=100&answer_timeout=1"
asked="$through&capture=$number"

# silent_after BYTES COMMAND...: its answer where fewer bytes went, else a line. Adds to $whole or $given_up.
silent_after() {
    rm -f between/.s.PGSQL.5432
    "$BUILD/tests/remote/cutter" between/.s.PGSQL.5432 "$PGHOST/.s.PGSQL.5432" "$1" silent >ready 2>&1 &
    cutter=$!
    await grep -q ready ready || complain "cutter: $(cat ready)"
    timeout 240 "$trace" "${@:2}" >out 2>err
    got=$?
    case $got in
    "$due") whole=$((whole + 1)) ;;
    3)
        [ "$(wc -l <err)" = 1 ] || complain "silent after $*: $(cat err)"
        if grep -q ' failed: the server was silent for [0-9]* s; does it hang? .*answer_timeout=SECONDS' err; then
            given_up=$((given_up + 1))
        else
            [ "$1" = 100 ] && grep -q 'cannot connect: .*timeout expired; .*connect_timeout=SECONDS' err || complain "silent after $*: $(cat err)"
        fi
        ;;
    *) complain "silent after $*: status $got: $(cat out err)" ;;
    esac
    kill "$cutter" 2>/dev/null
    wait "$cutter" 2>/dev/null
}

# sweep COMMAND...: some are given up in the midst, and with more bytes than it takes it answers, however long that takes.
sweep() {
    whole=0 given_up=0
    silent_after 100 "${@/connect_timeout=100/connect_timeout=2}"
    for bytes in 1200 1500 2500 5000 20000; do
        silent_after "$bytes" "$@"
    done
    silent_after 100000000 "${@/answer_timeout=1/answer_timeout=100}"
    [ "$got" = "$due" ] && [ "$given_up" -ge 2 ] || complain "$*: $given_up given up, $whole whole: $(cat out err)"
}
due=1 # a fault is there
sweep why p:1 -s "$asked"
due=0
sweep sql 'select count(*) from event' -s "$asked"
sweep fleet --to "$through"
sweep fleet keep --days 9999 --dry-run --to "$through"
sweep fleet setup --to "$through"

# A push in the midst of its rows: what came stays, and the same push goes on from there. It is not to be given up before the cut.
"$BUILD/tests/bench/make_capture" -q -n 1000000 a.db >out || complain "make_capture: $(cat out)"
whole=0 given_up=0
silent_after 200000 push --whole -s a.db --to "${through/answer_timeout=1/answer_timeout=10}"
[ "$given_up" = 1 ] && grep -q 'parts are there: the same push goes on from them' err || complain "push: $(cat out err)"
"$trace" push --whole -s a.db --to "$URL" >out 2>err || complain "pushed again: $(cat out err)"

# Processes of the server that are stopped, one of them with the question.
waiting() { [ "$(query "select count(*) = $1 from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'hakmem-trace'")" = t ]; }
keep_lock() {
    mkfifo words
    psql -qXAtd hakmem <words >locked 2>&1 &
    locker=$!
    exec 9>words
    printf '%s\n' begin\; "lock table hakmem.run in access exclusive mode;" "select 'locked';" >&9
    await grep -q locked locked || complain "no lock: $(cat locked)"
}
release_lock() {
    echo 'commit;' >&9
    exec 9>&-
    wait "$locker"
    rm -f words
}
keep_lock
timeout 240 "$trace" fleet --to "$URL?answer_timeout=2" >out 2>err
[ $? -eq 3 ] && [ "$(wc -l <err)" = 1 ] && grep -q 'the server was silent for 2 s' err || complain "a lock: $(cat out err)"
query "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hakmem-trace'" >out
await waiting 0 || complain "the question that was given up stays"
timeout 240 "$trace" fleet --to "$URL?answer_timeout=0" >out 2>err 9>&- &
asker=$!
await waiting 1 || complain "no question waits: $(cat out err)"
# shellcheck disable=SC2046
kill -STOP $(query "select pid from pg_stat_activity where application_name = 'hakmem-trace'")
release_lock
# shellcheck disable=SC2046
kill -CONT $(query "select pid from pg_stat_activity where application_name = 'hakmem-trace'")
wait "$asker"
[ $? -eq 0 ] && [ -s out ] && [ ! -s err ] || complain "a lock, waited for without end: $(cat out err)"

# refused WORDS TIMEOUT
refused() {
    "$trace" fleet --to "$URL?answer_timeout=$2" >out 2>err
    [ $? -eq 3 ] && [ "$(wc -l <err)" = 1 ] && grep -qF "$1" err || complain "answer_timeout=$2: $(cat out err)"
}
for wrong in '' x -1 1000001 1x 99999999999999999999999; do
    refused "answer_timeout is no number of seconds from 0 (no end) to 1000000" "$wrong"
done
exit "$failed"
