#!/usr/bin/env bash
# memcached with four threads, as root with -u to drop its rights: a load over eight connections; stopped by SIGTERM.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
rounds=$(scale 30 400 100)
user=()
[ "$(id -u)" -ne 0 ] || user=(-u nobody)

serve() {
    chmod 777 . # memcached makes its socket when it is nobody
    setsid "${under[@]}" memcached "${user[@]}" "$@" -s memcached.sock -a 0666 -P memcached.pid -t 4 -m 64 &
    server=$!
    await test -S memcached.sock
}
story() {
    serve
    /usr/bin/python3 "$SOURCE/tests/tools/memcached_load.py" memcached.sock "$rounds"
    kill -TERM "$(cat memcached.pid)"
    wait "$server"
    echo "stopped by SIGTERM: $?"
}
signal_story() {
    serve -v
    /usr/bin/python3 "$SOURCE/tests/tools/memcached_load.py" memcached.sock 3
    kill -TERM -- "-$server"
    wait "$server"
    echo "stopped by SIGTERM to its group: $?"
}
check_program story "memcached"
addresses=20 check_program signal_story
