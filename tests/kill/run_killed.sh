#!/usr/bin/env bash
# kill -9 of `run`, which holds the keeper: first alone, then together with the worker. The tree goes on, into one store.
. "${SOURCE:?}/tests/tools/tree_run.sh"
for also in nobody worker; do
    ! left_out "$also" || continue
    tree_name="run and $also killed"
    rm -f store.db* calls stop
    truncate -s 1M calls
    COUNT_CALLS_FILE=$PWD/calls "$trace" run --check trace --store store.db -- \
        "$env" LD_PRELOAD="$counter $debug_library" "$BUILD/tests/trees/forks" steady 3 "$PWD/stop" >out 2>err &
    run=$!
    until_true worker_of "$PWD/store.db" "$run" || exit 1
    # All four allocate, and have joined before.
    tree_works() { program=$(pgrep -P "$run" -x forks) && [ "$(counted_processes | awk '$2 > 0' | wc -l)" -ge 4 ]; }
    until_true tree_works || exit 1
    case $also in
    nobody) kill -9 "$run" ;;
    worker) kill -9 "$run" "$worker" ;;
    esac
    wait "$run" 2>/dev/null
    sleep 3
    [ -d "/proc/$program" ] || fail "the program is gone"
    : >stop
    ended() { [ ! -d "/proc/$program" ]; }
    until_true ended || fail "the program does not end"
    [ -s err ] && { head -n 5 err; fail "something is on stderr"; }
    compare_store
done
