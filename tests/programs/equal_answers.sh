#!/usr/bin/env bash
# Small captures, of one thread, of several, and of a tree of forked processes: what hakmem-trace answers
# about a hundred addresses of each, and what was alive, is what the reference decoder reads.
# FULL=1 (tests/long/equal_answers.sh): real programs, a thousand addresses of each. ONLY="NAME ...": these.
# timeout: 3600
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C PYTHONMALLOC=malloc
decoder=$BUILD/tests/tools/reference_decoder
full=${FULL:-0}

# compare NAME COMMAND...: records the command and compares.
compare() {
    local name=$1 addresses=100 owners=5 out
    shift
    [[ -z ${ONLY-} || " $ONLY " == *" $name "* ]] || return 0
    [ "$full" = 1 ] && addresses=1000 owners=200
    "$trace" run --wait --check "${level:-trace}" --store "$name.db" -- "$@" >"$name.out" 2>"$name.err" </dev/null || fail "$name: the program ended with status $?" "$(tail -n 5 "$name.err")"
    out=$(/usr/bin/python3 "$SOURCE/tests/tools/equal_answers.py" "$trace" "$decoder" "$name.db" $addresses $owners 2>&1) || {
        echo "$name: $out"
        failed=1
    }
    [ "$full" = 1 ] && echo "$name: $(tail -n 1 <<<"$out")"
    rm -f "$name.db"
}

# Parents and children go on with the same blocks: each has its own story from the fork on.
cat >forks.py <<'END'
import os, sys
kept = [bytes(n % 3000 + 1) for n in range(3000)]
def work(depth, seed):
    for turn in range(4):
        for n in range(len(kept)):
            seed = (seed * 1103515245 + 12345) % 2**31
            if seed % 5 == turn:
                kept[n] = bytes(seed % 4000 + 1)
            elif seed % 7 == 0:
                kept[n] = None
        if depth and turn % 2:
            child = os.fork()
            if child == 0:
                work(depth - 1, seed + turn)
                os._exit(0)
            if turn == 1: # sometimes both go on at once
                os.waitpid(child, 0)
work(int(sys.argv[1]), 1)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
END
cat >threads.py <<'END'
import queue, sys, threading
passed = queue.Queue(100)
def give(n):
    for i in range(n):
        passed.put([bytes(i % 700 + 1), {str(i): i}])
    passed.put(None)
def take():
    kept = []
    while (item := passed.get()) is not None:
        kept.append(item)
        if len(kept) > 50:
            del kept[:25]
n = int(sys.argv[1])
threads = [threading.Thread(target=give, args=(n,)) for _ in range(3)] + [threading.Thread(target=take) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
END
seq 300 | sed 's/.*/create table t&(a, b); insert into t& values(&, hex(randomblob(500))); drop table t&;/' >small.sql

if [ "$full" = 1 ]; then
    compiler=$(g++ -print-prog-name=cc1plus)
    printf '#include <%s>\n' algorithm functional iostream map memory regex >program.cc
    echo 'int main() { std::map<int, std::string> m; std::regex r("a+b"); return (int)m.size(); }' >>program.cc
    g++ -std=c++17 -E -o program.ii program.cc
    "$SOURCE/tests/tools/make_inserts.py" 100000 >in.sql 2>/dev/null || /usr/bin/python3 "$SOURCE/tests/tools/make_inserts.py" 100000 >in.sql
    compare cpython_json /usr/bin/python3 -c 'import json
for k in range(3): json.loads(json.dumps([{str(i): [i, str(i)]} for i in range(100000)]))'
    compare sqlite3 /usr/bin/sqlite3 -batch :memory: '.read in.sql'
    compare cc1plus "$compiler" -quiet -fpreprocessed -std=c++17 -O1 -o /dev/null program.ii
    level=normal compare cc1plus_normal "$compiler" -quiet -fpreprocessed -std=c++17 -O1 -o /dev/null program.ii
    cat >redis_story.sh <<'END'
ln -sf /usr/bin/redis-check-rdb redis-server # one program under two names, in Debian's redis-tools
"$PWD/redis-server" --port 0 --unixsocket redis.sock --save '' --daemonize no >redis.log &
server=$!
until redis-cli -s redis.sock ping >/dev/null 2>&1; do kill -0 $server || exit; sleep 0.1; done
LD_PRELOAD= redis-benchmark -s redis.sock -n 60000 -P 16 -r 10000 -q -t set,get,lpush,lpop,sadd,hset >/dev/null
redis-cli -s redis.sock bgsave >/dev/null
sleep 1
redis-cli -s redis.sock shutdown nosave
wait $server
END
    compare redis /bin/bash redis_story.sh
    compare threads "$BUILD/tests/programs/many_threads" 64 2000
    compare threads_python /usr/bin/python3 threads.py 40000
    compare forked_tree /usr/bin/python3 forks.py 3
else
    compare sqlite3 /usr/bin/sqlite3 -batch :memory: '.read small.sql'
    compare threads_python /usr/bin/python3 threads.py 1500
    compare forked_tree /usr/bin/python3 forks.py 2
fi
exit "$failed"
