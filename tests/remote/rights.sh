#!/usr/bin/env bash
# Rights of roles beyond their tables: the functions that run with the owner's rights run nothing of theirs, who pushed is what the
# server knows, a lock that somebody keeps ends setup with a line and holds up nobody else, and no URL's password is printed.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/await.sh"
. "$SOURCE/tests/remote/sums.sh"
start_postgres

"$trace" run -s a.db -- true >out 2>&1
"$trace" fleet setup --to "$URL" >out 2>&1 || { cat out; exit 1; }
query 'create role w login in role hakmem_writer; create role r login in role hakmem_reader; create role nobody_here login' >out
as() { psql -qXAtd hakmem -U "$@"; }

# A type and an operator of a caller's own, in its temporary schema, under names that the functions use.
cat >own.sql <<'END'
create function pg_temp.mine(pg_catalog.bytea) returns boolean language plpgsql as
 'begin raise warning ''mine runs as %'', current_user; return true; end';
create domain pg_temp.bytea as pg_catalog.bytea check (pg_temp.mine(value));
create temp table part(capture bigint, number bigint, checksum bigint);
select 'own ' || ''::pg_temp.bytea::text;
END
for role in w r; do
    for call in 'hakmem.counts(1)' 'hakmem.parts(1)' "hakmem.fill_run(1, '2026-11-01', 1, '{}'::pg_catalog.bytea)"; do
        as "$role" -f own.sql -c "select count(*) from $call" >out 2>&1
        grep -q "mine runs as $role" out || complain "the caller's own type does not work: $(cat out)"
        ! grep -q 'mine runs as hakmem_owner' out || complain "$call runs what is $role's with the owner's rights"
    done
done
[ "$(query "select count(*) from pg_proc where pronamespace = 'hakmem'::regnamespace and prosecdef
    and not coalesce(proconfig, '{}') @> array['search_path=pg_catalog, pg_temp']")" = 0 ] || complain "a function looks into temporary schemas first"

# denied ROLE SQL
denied() {
    as "$1" -c "$2" >out 2>&1 && complain "$1 may: $2"
    grep -qE 'permission denied|must be superuser' out || complain "$1: $2: $(cat out)"
}
"$trace" push --whole -s a.db --to postgresql://w@/hakmem >out 2>&1 || complain "push: $(cat out)"
[ "$(query 'select distinct pusher from hakmem.capture')" = w ] || complain "pusher: $(query 'select * from hakmem.capture')"
denied w "insert into hakmem.capture(capture, host, file, pusher) values(77, 'x', 'x', 'another')"
denied w "insert into hakmem.capture(capture, host, file, pushed) values(77, 'x', 'x', now())"
as w -c "insert into hakmem.capture(capture, host, file) values(78, 'x', 'x')" >out 2>&1 || complain "a capture: $(cat out)"

# A server that was laid out before that: setup takes the right away.
query 'grant insert on hakmem.capture to hakmem_writer; alter function hakmem.counts(bigint) set search_path = pg_catalog' >out
"$trace" fleet setup --to "$URL" >out 2>&1 || complain "setup again: $(cat out)"
denied w "insert into hakmem.capture(capture, host, file, pusher) values(79, 'x', 'x', 'another')"
as w -f own.sql -c 'select count(*) from hakmem.counts(1)' >out 2>&1
! grep -q 'mine runs as hakmem_owner' out || complain "setup leaves a function as it was"

# Each relation, also partitions reached directly.
query "select relname from pg_class where relnamespace = 'hakmem'::regnamespace and relkind in ('r', 'p', 'S', 'v')" >relations
[ "$(wc -l <relations)" -gt 100 ] || complain "few relations: $(cat relations)"
for right in w:SELECT w:UPDATE w:DELETE w:TRUNCATE w:REFERENCES w:TRIGGER r:INSERT r:UPDATE r:DELETE r:TRUNCATE r:REFERENCES r:TRIGGER \
    nobody_here:SELECT nobody_here:INSERT; do
    query "select relname from pg_class where relnamespace = 'hakmem'::regnamespace and relkind in ('r', 'p', 'S', 'v') and relname <> 'migration'
        and has_table_privilege('${right%:*}', oid, '${right#*:}')" >has
    [ ! -s has ] || complain "${right%:*} has ${right#*:} on $(head -n 3 has)"
done
[ "$(query "select string_agg(p, ',') from unnest(array['INSERT', 'SELECT', 'UPDATE', 'DELETE']) p where has_table_privilege('w', 'hakmem.migration', p)")" = SELECT ] ||
    complain "a writer's rights on migration"
denied w 'copy hakmem.run to stdout'
denied w 'copy hakmem.run_other to stdout'
denied w "copy hakmem.run to program 'true'"
denied w 'set role hakmem_owner'
denied w "create table hakmem.run_x partition of hakmem.run for values from ('2099-01-01') to ('2099-02-01')"
denied r "select hakmem.fill_run(1, '2026-11-01', 1, '{}')"
denied nobody_here 'select * from hakmem.parts(1)'

# Anybody who may connect can take the lock, and a writer can leave a row uncommitted, for as long as they like.
has_locks() { [ "$(query "select count(*) > 0 from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid() and wait_event = 'PgSleep'")" = t ]; }
# keeps ROLE SQL: begins a transaction with SQL, and stays in it.
keeps() {
    as "$1" -c begin -c "$2" -c 'select pg_sleep(600)' >kept 2>&1 &
    keeper=$!
    await has_locks || complain "$1 does not keep its locks: $(cat kept)"
}
lets_go() {
    query "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()" >out
    wait "$keeper" 2>/dev/null
}
setup_ends() {
    timeout 300 "$trace" fleet setup --to "$URL" >out 2>err
    [ $? -eq 3 ] && [ "$(wc -l <err)" = 1 ] && grep -q 'lock timeout; another client of the server keeps a lock' err || complain "$1: $(cat out err)"
}
keeps nobody_here 'select pg_advisory_xact_lock(1214344045)'
setup_ends "setup, while somebody keeps its lock"
timeout 300 "$trace" push -s a.db --to postgresql://w@/hakmem >out 2>&1 || complain "a push waits for the lock of setup: $(cat out)"
timeout 300 "$trace" fleet --to postgresql://r@/hakmem >out 2>&1 || complain "a reader waits for the lock of setup: $(cat out)"
lets_go
newest=$(query "select max(relname) from pg_class where relname ~ '^run_[0-9]{4}_[0-9]{2}\$'")
query "drop table hakmem.$newest" >out
keeps w "insert into hakmem.run(run, month, at, host, pid, program, command, build, version, level, hakmem, rate, labels, summary)
    values(1, '2026-11-01', now(), '', 1, '', '', '', '', '', '', 1, '{}', '{}')"
setup_ends "setup, while a writer keeps the table"
timeout 300 "$trace" fleet --to postgresql://r@/hakmem >out 2>&1 || complain "a reader behind setup: $(cat out)"
lets_go
"$trace" fleet setup --to "$URL" >out 2>&1 || complain "setup, when all is let go: $(cat out)"
[ "$(query "select count(*) from pg_class where relname = '$newest'")" = 1 ] || complain "the partition is not made"

# A password is not printed, however the URL is broken.
for url in 'u:sesame@h/db' 'u:ses%ame@h/db' 'u:sesame@[::1/db' '/db?password=ses%ame' 'u:sesame@h/db?a' 'u:sesame@h/db?capture=x' 'u:ses/ame@h/db' \
    'u:ses@ame@h/db' 'u:sesame@h:x/db' 'h/db?sslpassword=ses%ame' 'h/db?passw%6Frd=sesame'; do
    for words in 'fleet --to' 'fleet setup --to' 'why 0x10 -s' 'info -s' 'push --whole -s a.db --to'; do
        # shellcheck disable=SC2086
        timeout 300 "$trace" $words "postgresql://$url" >out 2>&1 && complain "$words $url: is accepted"
        [ "$(wc -l <out)" -le 2 ] || complain "$words $url: $(cat out)"
        ! grep -q 'ses\|ame@' out || complain "$words prints a password: $(cat out)"
    done
done
exit "$failed"
