# shellcheck shell=bash
# For tests that record a program that runs, again and again. ROUNDS: how often.
unset "${!HAKMEM_@}"
trace=$BUILD/hakmem-trace
as_user=()
rounds=${ROUNDS-20}

fail() {
    echo "$*"
    [ -z "${pid-}" ] || kill -KILL "$pid" 2>/dev/null
    exit 1
}

await() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    fail "waited in vain for $*"
}

# PID NAME LEAST_EVENTS: records it $rounds times, each into the same store, then for a second.
again_and_again() {
    local round events
    for ((round = 1; round <= rounds; round++)); do
        "${as_user[@]}" "$trace" record -p "$1" --for 20ms --force -s "$2.db" >out 2>&1 || fail "$2, round $round: status $?: $(cat out)"
        grep -Eqx "hakmem: [0-9,]+ events? of process $1 \($2\), $2.db" out || fail "$2, round $round: $(cat out)"
        kill -0 "$1" || fail "$2 has ended in round $round"
        ! [ -e "$2.db-wal" ] || fail "$2, round $round: the store was not closed"
        "${as_user[@]}" "$trace" check -s "$2.db" >out 2>&1 || fail "$2, round $round: $(cat out)"
    done
    grep -qx 'TracerPid:.0' "/proc/$1/status" || fail "$2 is traced still"
    "${as_user[@]}" "$trace" record -p "$1" --for 1s --force -s "$2.db" >out 2>&1 || fail "$2: status $?: $(cat out)"
    events=$("${as_user[@]}" "$trace" sql -s "$2.db" 'select count(*) from event' | tail -n 1)
    [ "$events" -ge "$3" ] || fail "$2: $events events; due: at least $3"
}
