#!/usr/bin/env bash
# hakmem's unwinder against libunwind in ten real programs: 10 M stacks and more, no difference.
#
# compared: stacks that both unwound. over bare code: ours went through code without call frame
# information by frame pointers. further: one went on where the other ended, both alike up to there.
# only ours asked: calls from ld.so, and forked children of threaded programs, where libunwind can hang.
# ONLY="sqlite3*": these alone.
# timeout: 3600
# alone
. "${SOURCE:?}/tests/tools/unwind_compare.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/await.sh"
for postgres in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V); do :; done

redis() {
    ln -sf "$(readlink -f "$(command -v redis-check-rdb)")" redis-server
    "${under[@]}" ./redis-server --port 0 --unixsocket redis.sock --save '' --logfile redis.log &
    await redis-cli -s redis.sock ping
    redis-benchmark -s redis.sock -n 60000 -P 16 -r 10000 -q -t set,get,lpush,lpop,sadd,hset,zadd
    redis-cli -s redis.sock shutdown nosave
    wait $!
}

# In a directory that an unprivileged user can reach, as the server asks.
postgresql() {
    local as=(env)
    place=$(mktemp -d /tmp/hakmem-unwind.XXXXXX)
    trap 'rm -rf "$place"' EXIT
    cp "$tools/compare.so" "$place/" && cp counts "$place/counts"
    chmod 666 "$place/counts" && chmod 777 "$place"
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    local server=(env "UNWIND_COMPARE_COUNTS=$place/counts" "LD_PRELOAD=$place/compare.so")
    (
        cd "$place" && export PGHOST=$place PGUSER=somebody PGDATABASE=postgres HOME=/nonexistent
        "${as[@]}" "${server[@]}" "$postgres/initdb" --no-sync -A trust -U somebody -D data
        "${as[@]}" "${server[@]}" "$postgres/postgres" -D data -k "$place" -c listen_addresses= -c fsync=off &
        await "${as[@]}" "$postgres/psql" -X -c 'select 1'
        "${as[@]}" "$postgres/pgbench" -i -q -s 1
        "${as[@]}" "$postgres/pgbench" -n -c 4 -j 2 -t 500
        "${as[@]}" "$postgres/psql" -X -A -t -c "create table t as select i, md5(i::text) m,
            jsonb_build_object('n', i, 'list', array[i, i * 2]) j from generate_series(1, 20000) i;
            select count(*), max(b.j->>'n') from t a join t b using (m) where a.i % 3 = 0; select 1 / 1;"
        kill -INT "$(head -n 1 data/postmaster.pid)"
        wait
    )
    cp "$place/counts" counts
}

nginx() {
    local port=$((20000 + RANDOM % 12000)) # below those that the kernel gives to clients
    mkdir -p body files logs && chmod 777 body files . && seq 5000 >files/a.txt
    cat >nginx.conf <<END
daemon off; worker_processes 2; error_log logs/error.log; pid nginx.pid;
$([ "$(id -u)" -ne 0 ] || echo 'user nobody nogroup;')
events { worker_connections 256; }
http { access_log off; gzip on; gzip_types text/plain; types { text/plain txt; }
    client_body_temp_path body; proxy_temp_path body; fastcgi_temp_path body; uwsgi_temp_path body; scgi_temp_path body;
    server { listen 127.0.0.1:$port; root $PWD/files;
        location /through/ { proxy_pass http://127.0.0.1:$port/; } } }
END
    "${under[@]}" /usr/sbin/nginx -p "$PWD" -c nginx.conf &
    await curl -sf -o got "http://127.0.0.1:$port/a.txt"
    for path in a.txt through/a.txt; do
        ab -q -k -c 8 -n 10000 -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port/$path"
    done
    kill -QUIT "$(cat nginx.pid)"
    wait $!
}

python=$(readlink -f /usr/bin/python3)
compare "redis-server, redis-benchmark" redis
compare "PostgreSQL, initdb and pgbench" postgresql
compare "nginx, ab" nginx
compare "sqlite3, inserts and sorts" sqlite3 :memory: '
    create table t(a, b, c);
    with recursive r(i) as (select 1 union all select i + 1 from r where i < 300000)
        insert into t select i, random(), hex(randomblob(20)) from r;
    create index x on t(b); select count(*), max(c) from t group by a % 10 order by 2;'
PYTHONMALLOC=malloc compare "CPython, JSON and re" "$python" -c '
import json, re
for i in range(300):
    json.loads(json.dumps([{"a": list(range(50)), "b": "x" * i} for j in range(20)]))
for i in range(1000):
    re.compile("(a|b){%d}[c-z]+%d" % (i % 9, i)).match("abababcz%d" % i)'
compare "perl, hashes and sorting" perl -e '
    my %h; for (1..200000) { $h{$_} = [$_, "x$_"] } my @s = sort { $a <=> $b } keys %h; print scalar @s'
g++ -E "$programs/templates.cc" -o templates.ii
compare "cc1plus -O2" "$(g++ -print-prog-name=cc1plus)" -quiet -fpreprocessed -O2 templates.ii -o templates.s
git init -q repository
for i in $(seq 60); do
    seq $((i * 100)) >repository/file && echo "$i" >"repository/file$i"
    git -C repository add . && git -C repository -c user.name=a -c user.email=b commit -qm "change $i"
done
compare "git log -p" git -C repository log -p --stat
compare "git gc" git -C repository gc -q --aggressive
compare "node, arrays and JSON" node -e '
    let a = []; for (let i = 0; i < 200000; i++) a.push({x: i, s: "k" + i});
    for (let i = 0; i < 3000; i++) JSON.parse(JSON.stringify(a.slice(i, i + 30)));
    console.log(JSON.stringify(a).length, [3, 1, 2].sort(), /a+b/.test("aaab"))'
finish 10000000
