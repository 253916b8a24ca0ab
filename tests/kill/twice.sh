#!/usr/bin/env bash
# kill -9 of keeper and worker, twice, under a tree of processes: there is still one store with all of them in it.
. "${SOURCE:?}/tests/tools/tree_run.sh"
truncate -s 1M calls
COUNT_CALLS_FILE=$PWD/calls HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=$PWD/store.db \
    LD_PRELOAD="$counter $BUILD/hakmem-debug.so" "$BUILD/tests/trees/forks" steady 4 "$PWD/stop" >program.out 2>program.err &
program=$!
for death in 1 2; do
    until_true worker_of "$PWD/store.db" "${last-}" || fail "death $death: no new worker has the store open"
    sleep 2
    last=$worker keeper=$(parent_of "$worker")
    kill_at_once "$keeper" "$worker"
done
until_true worker_of "$PWD/store.db" "$last" || fail "no worker after the second death"
sleep 1
: >stop
wait "$program" || fail "the program ended with $?; 0 was due" "$(cat program.err)"
[ -s program.err ] && fail "something is on stderr:" "$(head -n 5 program.err)"
until_true no_holder "$PWD/store.db" || exit 1
[ "$(find . -name '*.db' | wc -l)" -eq 1 ] || fail "more than one store: $(echo ./*.db)"
compare_processes
nothing_lost
check_store
