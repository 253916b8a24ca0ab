#!/usr/bin/env bash
# PostgreSQL as an unprivileged user: initdb, start as a daemon, pgbench, a query with all sorts, stop. Stopped by
# pg_ctl, and by SIGTERM to its group.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V); do :; done
export PATH=$bin:$PATH
# The unprivileged user may not be able to reach the source or build directory.
public=$(mktemp -d /tmp/hakmem-postgresql.XXXXXX) || exit 1
cleanup() { rm -rf "$public"; }
as_user=()
mkdir -p "$public/tests/tools" "$public/tests/bench" "$public/work"
cp "$BUILD"/{hakmem-trace,hakmem-collect,hakmem-debug.so,libhakmem.so} "$public/"
cp "$BUILD"/tests/tools/{count_calls.so,reference_decoder} "$public/tests/tools/"
[ -z "${BENCH_RESULTS-}" ] || cp "$BUILD/tests/bench/measure" "$public/tests/bench/"
if [ "$(id -u)" -eq 0 ]; then
    as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    chmod 755 "$public" && chown nobody:nogroup "$public/work"
fi
BUILD=$public trace=$public/hakmem-trace && cd "$public/work" || exit 1
. "$SOURCE/tests/tools/real_program.sh"
export TMPDIR=/tmp PGHOST=. PGDATABASE=postgres PGUSER=somebody HOME=/nonexistent

cat >session.sh <<END
cd "\$1" || exit 1
export PGHOST=\$PWD
initdb --no-sync -A trust -U somebody -D data >initdb.out 2>&1 || cat initdb.out
cat >>data/postgresql.conf <<OPTIONS
listen_addresses = ''
unix_socket_directories = '\$PWD'
fsync = off
OPTIONS
echo "initdb: \$?"
pg_ctl -D data -l log -w start >start.out || cat start.out log
createdb bench
{
    pgbench -i -q -s $(scale 1 10) bench 2>initialise.err || cat initialise.err
    pgbench -n -c 4 -j 2 -t $(scale 60 5000 1000) --random-seed=7 bench 2>&1
    pgbench -n -S -c 4 -M prepared -t $(scale 60 5000 1000) --random-seed=8 bench 2>&1
} | grep -E 'processed|failed'
psql -X -A -t bench <<QUERIES
select count(*), sum(abalance), min(aid), max(aid) from pgbench_accounts;
select bid, count(*), string_agg(distinct (abalance % 7)::text, ',' order by (abalance % 7)::text) from pgbench_accounts group by bid order by bid;
create table texts as select i, md5(i::text) t, jsonb_build_object('n', i, 'list', array[i, i * 2]) j from generate_series(1, $(scale 1000 100000)) i;
create index on texts(t);
select count(*), max(j->>'n') from texts a join texts b using (t) where a.j @> '{"n": 77}' or b.i % 3 = 0;
select t from texts order by t collate "C" desc limit 2;
do 'begin perform 1 / 0; exception when division_by_zero then raise notice ''caught''; end';
select 1 / 0;
vacuum analyze;
QUERIES
[ "\$2" = wait ] && exit 0
pg_ctl -s -D data -m fast stop # else a dot for each tenth of a second
echo "stopped by pg_ctl: \$?"
END

story() {
    "${as_user[@]}" mkdir data_directory || exit 1
    "${as_user[@]}" "${under[@]}" bash ../session.sh "$PWD/data_directory" stop
}
prepare() { chmod 777 .; }
tell_story() { prepare && story; }

# The server in the foreground, its whole group told to stop.
signal_story() {
    prepare
    "${as_user[@]}" initdb --no-sync -A trust -U somebody -D data >initdb.out 2>&1 || cat initdb.out
    setsid "${as_user[@]}" "${under[@]}" postgres -D data -k "$PWD" -c listen_addresses= -c fsync=off >log 2>&1 &
    server=$!
    export PGHOST=$PWD
    await psql -X -c 'select 1'
    psql -X -A -t -c 'select count(*), sum(length(x::text)) from generate_series(1, 10000) x'
    kill -TERM -- "-$server"
    wait "$server"
    echo "stopped by SIGTERM to its group: $?"
}
check_program tell_story "PostgreSQL"
addresses=20 check_program signal_story
