#!/usr/bin/env bash
# top says of CPython, sqlite3, cc1plus, redis and a forking server what a script over `events --json` comes to, by stack, at moments and spans.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
moments=${MOMENTS:-8} spans=${SPANS:-3} # 50 moments are for a long run

# Records "${@:2}" into $1.db and compares.
compare() {
    local name=$1
    shift
    "$trace" run -s "$name.db" --check trace -- "$@" >"$name.out" 2>&1 </dev/null || {
        echo "$name: status $?"
        tail -n 3 "$name.out"
        failed=1
        return
    }
    judge "$name"
}
judge() {
    python3 "$SOURCE/tests/profile/reference.py" "$trace" "$1.db" "$moments" "$spans" || failed=1
}

cc -O1 -g -o server "$SOURCE/tests/profile/server.c" || exit 1
moments=$((moments * 2)) spans=$((spans * 2)) compare server ./server

PYTHONMALLOC=malloc compare cpython /usr/bin/python3 -S -E -c 'import json
rows = [{"name": "n%d" % i, "values": list(range(i % 9))} for i in range(120)]
assert json.loads(json.dumps(rows)) == rows'

compare sqlite sqlite3 :memory: 'create table t(a integer primary key, b text); with recursive n(i) as (select 1 union all
select i + 1 from n where i < 300) insert into t select i, hex(i * 7919) from n; create index u on t(b); select count(*) from t a join t b on a.b < b.b;'

printf '#include <utility>\nstd::pair<int, long> f(int a) { return std::make_pair(a, 2L); }\n' >pair.cc
compare cc1plus g++ -O1 -c pair.cc -o pair.o

ln -sf /usr/bin/redis-check-rdb redis-server
"$trace" run -s redis.db --check trace -- ./redis-server --port 0 --unixsocket redis.sock --save '' >redis.out 2>&1 &
server=$!
for _ in $(seq 600); do redis-cli -s redis.sock ping >ping.out 2>&1 && break; sleep 0.1; done
seq 500 | awk '{ print "set key" $1 " " $1 * 31; print "rpush list" $1 % 5 " v" $1; if ($1 % 3 == 0) print "del key" $1 - 1 }' |
    redis-cli -s redis.sock >requests.out
redis-cli -s redis.sock shutdown nosave >>requests.out
wait "$server" || { echo "redis: status $?"; failed=1; }
judge redis
exit "$failed"
