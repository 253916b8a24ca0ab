#!/usr/bin/env bash
# Keeper and worker of a root program die, and user nobody holds the names of the next ones: no memory goes to nobody,
# nothing is lost, and the store says whose name it was.
. "${SOURCE:?}/tests/tools/stranger.sh"
chmod 777 .
cleanup() { kill $squatter 2>/dev/null; [ ! -e words ] || stop_program words; }

# squatted CASE HOW NUMBERS WHO: nobody takes the name itself and those with these numbers; WHO is how info calls it.
squatted() {
    security_case=$1
    local places=() number
    rm -f store.db* words got program.*
    start_with_keeper 10000 1
    name=$(name_of "$keeper")
    [ -n "$name" ] || fail "the keeper's name is not known"
    for number in $3; do places+=("$name.$number"); done
    "$stranger" "$2" "$PWD/got" "$name" "/tmp/$name" "${places[@]}" &
    squatter=$!
    until_true grep -qs "bound $name.1" got || exit 1
    kill_at_once "$keeper" "$worker"
    until_true grep -qsx "bound $name" got || exit 1
    until_true worker_of "$PWD/store.db" "$worker" || {
        pgrep -a hakmem-collect
        fail "no new worker has the store open: $(holders_of "$PWD/store.db")"
    }
    sleep 1
    stop_program words
    wait "$program" || fail "the program ended with $?: $(cat program.err)"
    [ -s program.err ] && fail "something is on stderr: $(head -n 5 program.err)"
    until_true no_holder "$PWD/store.db" || exit 1
    kill "$squatter"
    wait "$squatter" 2>/dev/null
    rm -f "/tmp/$name"
    nothing_got got
    python3 "$SOURCE/tests/tools/sequence_check.py" "$trace" words 2 store.db || fail "something is lost"
    "$trace" info -s store.db >info.out 2>&1
    grep -q "the name of its collector was held by $4" info.out ||
        { cat info.out; fail "info does not say that somebody else held the name"; }
}
squatted "the next name" squat 1 'another user (65534), who was given nothing'
squatted "all names" squat '1 2 3 4 5 6 7 8 9' 'another user (65534), who was given nothing'
squatted "all names, queues full" full '1 2 3 4 5 6 7 8 9' 'somebody who hears nobody'

# old_name CASE COMMAND...: a program that is started with the name of a dead keeper, which is nobody's by now.
old_name() {
    local name
    security_case=$1 name=hakmem-security-$$
    shift
    rm -f got store.db* "/tmp/$name"
    "$stranger" squat "$PWD/got" "$name" "/tmp/$name" "$name.1" &
    squatter=$!
    until_true grep -qs "bound $name.1" got || exit 1
    HAKMEM_SESSION=$name HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=$PWD/store.db LD_PRELOAD=$BUILD/hakmem-debug.so \
        "$@" >said.out 2>said.err || fail "the program ended with $?"
    [ -s said.err ] && fail "something is on stderr: $(head -n 5 said.err)"
    until_true test -s store.db && until_true no_holder "$PWD/store.db" || exit 1
    kill "$squatter"
    wait "$squatter" 2>/dev/null
    rm -f "/tmp/$name"
    nothing_got got
    "$trace" info -s store.db 2>&1 | grep -q 'held by another user (65534)' || fail "info does not say who held the name"
}
old_name "an old name" /bin/ls /
# There root reads as 65534, which is nobody's own number outside.
old_name "an old name, in another user namespace" unshare -U /bin/ls /
exit 0
