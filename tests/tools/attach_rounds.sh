# shellcheck shell=bash
# Helpers for tests that record a program that runs, again and again. ROUNDS: how often.
#
# Each round must show: the program goes on as it was, record and check end well, and the store is closed. An event that is
# lost and counted is tolerated: a program must never wait for long for a recorder, so where the machine is so busy that a
# ring stays full for that time, an event is counted as lost. A loss must be said, in how many rounds it was so is printed,
# and where it is more than one round in 20 something else is wrong than a busy moment.
. "$SOURCE/tests/tools/test.sh"
. "$SOURCE/tests/tools/await.sh"
as_user=()
rounds=${ROUNDS-20}

fail() { # also in a subshell
    echo "$*"
    [ -z "${pid-}" ] || kill -KILL "$pid" 2>/dev/null
    exit 1
}

await_or_fail() { await "$@" || fail "the test cannot go on"; }

# The store $1 is intact, and whole but for events that are counted as lost. 0: whole, 4: some are lost.
look_through() {
    "${as_user[@]}" "$trace" check -s "$1" >checked 2>&1
    local got=$?
    grep -q '^[^ ]*: intact, and every' checked || fail "$1: check ended with $got: $(cat checked)"
    [ "$got" -ne 0 ] || return 0
    [ "$got" -eq 4 ] || fail "$1: check ended with $got: $(cat checked)"
    grep -Eq '\. [1-9][0-9,]* events? (was|were) lost in this capture' checked || fail "$1: incomplete for another reason: $(cat checked)"
    cat checked
    "${as_user[@]}" "$trace" info -s "$1" 2>&1 | sed -n '/^LOST EVENTS/,$p'
    return 4
}

# PID NAME LEAST_EVENTS: records it $rounds times, each into the same store, then for a second.
again_and_again() {
    local round events lost=0 from=$SECONDS
    for ((round = 1; round <= rounds; round++)); do
        "${as_user[@]}" "$trace" record -p "$1" --for 20ms --force -s "$2.db" >out 2>&1 || fail "$2, round $round: status $?: $(cat out)"
        grep -Eqx "hakmem: [0-9,]+ events? of process $1 \($2\), $2.db" out || fail "$2, round $round: $(cat out)"
        kill -0 "$1" || fail "$2 has ended in round $round"
        ! [ -e "$2.db-wal" ] || fail "$2, round $round: the store was not closed"
        look_through "$2.db" || lost=$((lost + 1))
    done
    grep -qx 'TracerPid:.0' "/proc/$1/status" || fail "$2 is traced still"
    "${as_user[@]}" "$trace" record -p "$1" --for 1s --force -s "$2.db" >out 2>&1 || fail "$2: status $?: $(cat out)"
    events=$("${as_user[@]}" "$trace" sql -s "$2.db" 'select count(*) from event' | tail -n 1)
    [ "$events" -ge "$3" ] || fail "$2: $events events; due: at least $3"
    echo "$2: $rounds rounds in $((SECONDS - from)) s, in $lost of them events were lost, and counted"
    [ "$lost" -le $((1 + rounds / 20)) ] || fail "$2: that is too many"
}

# ---- the programs; each notices what is not as it was ------------------------------------------------------------------------

# A program of threads that end, fork, load libraries and count on errno, registers, signals and interrupted calls.
rounds_of_busy() {
    "$BUILD/tests/attach/busy" $((rounds / 2)) >busy.out 2>&1 &
    pid=$!
    await_or_fail grep -q ready busy.out
    again_and_again "$pid" busy 1000
    kill -TERM "$pid"
    wait "$pid" || fail "busy ended with $?: $(cat busy.out)"
    printf 'ready\nall as it was\n' | cmp - busy.out || fail "$(cat busy.out)"
    pid=
}

# Over jemalloc, under load. redis is one program under the name of another in Debian's redis-tools.
rounds_of_redis() {
    local load
    ln -sf /usr/bin/redis-check-rdb redis-server
    ./redis-server --port 0 --unixsocket redis.sock --save '' --logfile redis.log &
    pid=$!
    await_or_fail redis-cli -s redis.sock ping
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
    pid=
}
