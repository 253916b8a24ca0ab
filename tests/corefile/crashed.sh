#!/usr/bin/env bash
# Five programs that crash while they are recorded: redis-server, CPython, a server in C++, the two demos. gdb on the core of each answers
# `hakmem why` for ten addresses as the store does: live or freed, bytes asked for, by whom allocated and freed. Without CRASHED=all the server
# and its demo alone (tests/long/crashed.sh has all).
# timeout: 900
here=$SOURCE/tests/corefile
. "${SOURCE:?}/tests/tools/corefiles.sh"
script=$SOURCE/tools/gdb/hakmem-gdb.py
top=$PWD
export HAKMEM_GUARD=off

is_finished() { [ "$("$trace" sql -s "$1" "SELECT value FROM meta WHERE key = 'finished'" 2>/dev/null)" = 1 ]; }

# crash NAME PROGRAM [ARG...]: the core of its death, made when hakmem's handler has run: the debugger sees the signal a second time. A
# program that hakmem itself ends gets one signal alone.
crash() {
    local name=$1
    shift
    rm -f "$name.core"
    timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -iex 'set startup-with-shell off' \
        -ex "set environment LD_PRELOAD $BUILD/hakmem-debug.so" -ex "set environment HAKMEM_TRACE_FILE $top/$name.db" -ex 'handle SIGPIPE nostop' \
        -ex run "${going_on[@]}" -ex "generate-core-file $name.core" -ex kill --args "$@" </dev/null >"$name.out" 2>&1
    [ -s "$name.core" ] || fail "$name: no core: $(tail -n 5 "$name.out")"
}
compare() { # NAME PROGRAM: of a crashed program
    local name=$1 waits=0 process
    until is_finished "$name.db"; do
        [ $((waits += 1)) -lt 600 ] || fail "$name: its store is not finished"
        sleep 0.1
    done
    process=$("$trace" sql -s "$name.db" 'SELECT max(process) FROM live')
    python3 "$here/crashed.py" "$trace" "$name.core" "$name.db" "$process" >addresses 2>errors || fail "$name: $(cat errors)"
    [ "$(wc -l <addresses)" -eq 10 ] || fail "$name: $(cat addresses)"
    local commands=() address
    while read -r address; do
        commands+=(-ex 'echo ----\n' -ex "hakmem why $address")
        echo ----
        "$trace" core "$name.core" --why "$address"
    done <addresses >due
    timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -ex "source $script" -ex "set hakmem-trace $trace" \
        "${commands[@]}" "$2" "$name.core" </dev/null 2>&1 | sed -n '/^----$/,$p' >asked
    cmp -s due asked || fail "$name: in gdb: $(diff due asked | head -n 10)"
    rm -f "$name.core" "$name.db"
}

going_on=(-ex continue)
g++ -std=c++17 -g -O1 -w -o server "$here/server.cpp" -pthread || fail 'g++'
crash server ./server
compare server ./server

going_on=()
crash demo-server "$BUILD/demo/server" # hakmem itself ends it
compare demo-server "$BUILD/demo/server"
[ "${CRASHED-}" = all ] || exit 0

HAKMEM_INJECT=offset16:40 HAKMEM_LAYOUT=header crash rows "$BUILD/demo/rows"
compare rows "$BUILD/demo/rows"

going_on=(-ex continue)
# CPython: its objects by malloc, a crash in C code.
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
cat >crash.py <<'EOF'
import ctypes, json
kept = [json.loads(json.dumps({"key": list(range(i)), "text": "x" * i})) for i in range(400)]
del kept[100:300]
ctypes.string_at(8)
EOF
PYTHONMALLOC=malloc crash python "$python" crash.py
compare python "$python"

# redis is one program under the name of another in Debian's redis-tools.
ln -sf "$(command -v redis-check-rdb)" redis-server || fail 'no redis-check-rdb'
(
    for _ in $(seq 600); do
        redis-cli -s redis.sock ping >/dev/null 2>&1 && break
        sleep 0.1
    done
    seq 300 | awk '{ print "set key" $1 " " $1 * 31; print "rpush list" $1 % 9 " v" $1; if ($1 % 3 == 0) print "del key" $1 - 1 }' | redis-cli -s redis.sock
    redis-cli -s redis.sock debug segfault
) >client.out 2>&1 &
client=$!
crash redis "$top/redis-server" --port 0 --unixsocket redis.sock --save '' --logfile redis.log --enable-debug-command yes --crash-log-enabled no
wait "$client"
compare redis "$(realpath redis-server)"
exit 0
