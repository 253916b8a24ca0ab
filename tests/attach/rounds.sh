#!/usr/bin/env bash
# `record -p` again and again, while the program notices nothing: threads that end, fork, load libraries and count on errno,
# registers, signals and interrupted calls; redis over jemalloc under load. ROUNDS: how often each (20).
# timeout: 1800
set -u
# shellcheck source=tests/tools/attach_rounds.sh
. "$SOURCE/tests/tools/attach_rounds.sh"

"$BUILD/tests/attach/busy" $((rounds / 2)) >busy.out 2>&1 &
pid=$!
await grep -q ready busy.out
again_and_again "$pid" busy 1000
kill -TERM "$pid"
wait "$pid" || fail "busy ended with $?: $(cat busy.out)"
printf 'ready\nall as it was\n' | cmp - busy.out || fail "$(cat busy.out)"
pid=

# redis is one program under the name of another in Debian's redis-tools.
ln -sf /usr/bin/redis-check-rdb redis-server
./redis-server --port 0 --unixsocket redis.sock --save '' --logfile redis.log &
pid=$!
await redis-cli -s redis.sock ping
(
    while redis-benchmark -s redis.sock -n 20000 -P 16 -r 10000 -q -t set,get,lpush,lpop,sadd >benchmark.out 2>&1; do
        ! [ -e enough ] || exit 0
    done
    cp benchmark.out benchmark.failed
) &
load=$!
again_and_again "$pid" redis-server 10000
grep -q libjemalloc <("$trace" info -s redis-server.db) || fail "$("$trace" info -s redis-server.db)"
touch enough
wait "$load"
! [ -e benchmark.failed ] || fail "redis-benchmark: $(cat benchmark.failed)"
[ "$(redis-cli -s redis.sock ping)" = PONG ] || fail "redis does not answer"
redis-cli -s redis.sock shutdown nosave
wait "$pid" || fail "redis ended with $?"
