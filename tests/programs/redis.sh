#!/usr/bin/env bash
# redis-server under redis-benchmark: 200,000 requests, pipelining 16; stopped by a client, and by SIGTERM to its group.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
export leaks=error
# redis is one program under the name of another in Debian's redis-tools.
ln -sf /usr/bin/redis-check-rdb redis-server
requests=$(scale 12000 200000 100000)

serve() {
    setsid "${under[@]}" "$top/redis-server" --port 0 --unixsocket redis.sock --save '' --logfile redis.log &
    server=$!
    await redis-cli -s redis.sock ping
}
story() {
    serve
    redis-benchmark -s redis.sock -n "$requests" -P 16 -r 10000 -q -t set,get,lpush,lpop,sadd,hset,zadd >benchmark.out 2>&1 ||
        cat benchmark.out
    seq 5000 | awk '{ print "set key" $1 " " $1 * 31; print "rpush list" $1 % 50 " v" $1; if ($1 % 3 == 0) print "del key" $1 - 1 }' |
        redis-cli -s redis.sock | sha256sum
    redis-cli -s redis.sock sort list7 alpha limit 0 5
    redis-cli -s redis.sock eval 'local t = {} for i = 1, 2000 do t[i] = tostring(i) end return #table.concat(t)' 0
    redis-cli -s redis.sock bgsave >/dev/null
    await eval 'redis-cli -s redis.sock info persistence | grep -q "rdb_bgsave_in_progress:0"'
    redis-cli -s redis.sock info persistence | grep rdb_last_bgsave_status
    redis-cli -s redis.sock shutdown nosave
    wait "$server"
    echo "stopped by a client: $?"
}
signal_story() {
    serve
    seq 1000 | sed 's/.*/set key& value&/' | redis-cli -s redis.sock | sha256sum
    kill -TERM -- "-$server"
    wait "$server"
    echo "stopped by SIGTERM: $?"
}
check_program story "redis"
addresses=20 check_program signal_story
