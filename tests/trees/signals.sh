#!/usr/bin/env bash
# Signals to everything: to the program's group, to the group of `run`, SIGKILL included. The store is whole, and says who
# died of what.
. "${SOURCE:?}/tests/tools/tree_run.sh"
forks=$BUILD/tests/trees/forks daemons=$BUILD/tests/trees/daemons
tree_expects() { [ "$1" -eq "$2" ] || fail "status $1; $2 was due"; }

# The collector sees all six before the signal: of a process that was reaped before its look nobody knows how it died.
has_processes() { [ "$(query "count(*) from process where program like '%/$1'" 2>/dev/null)" = "$2" ]; }
for way in run_recorded run_alone; do
    ! left_out "$way" || continue
    tree_name="kill -TERM 0, $way"
    touch group.go
    run_plain "$daemons" group "$PWD/group"
    rm group.go
    (until_true has_processes daemons 6; touch group.go) &
    $way "$daemons" group "$PWD/group"
    wait $!
    expect "count(*) from process where end_kind = 2 and signal = 15" 6
done

# A group of its own, so that the test survives.
for signal in TERM INT HUP KILL; do
    tree_name="SIG$signal to the group of run"
    rm -f store.db*
    setsid env --default-signal=INT,HUP "$trace" run --check trace --store store.db -- "$forks" steady 3 "$PWD/none" >out 2>err &
    run=$!
    until_true has_processes forks 4 || fail "the program did not start"
    number=$(kill -l "$signal")
    kill -"$signal" -- -"$run"
    wait "$run" 2>/dev/null
    tree_expects $? $((128 + number))
    [ -s err ] && { head -n 5 err; fail "something is on stderr"; }
    until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
    expect "count(*) from process where end_kind = 2 and signal = $number" 4
    until_true no_wal || fail "the WAL was left beside the store"
    nothing_lost
    check_store
done
