#!/usr/bin/env bash
# The first process of a pid namespace: `run` is an init (takes orphans, passes signals on, stores all before it ends), and so
# is a program that starts the keeper itself.
. "${SOURCE:?}/tests/tools/tree_run.sh"
forks=$BUILD/tests/trees/forks

# unshare of util-linux 2.36 hands on that it ignores SIGINT and SIGTERM.
in_namespace() { timeout 300 unshare -pf --mount-proc env --default-signal "$@"; }

tree_name="run as init"
in_namespace "$trace" run --check trace --store store.db -- \
    bash -c '(bash -c "/bin/sleep 0.1" &); (bash -c "exit 3" &); /bin/sleep 0.7
        for _ in {1..300}; do ps -eo stat | grep -q Z || exit 9; /bin/sleep 0.1; done; ps -ef; exit 8' >out 2>err
[ $? -eq 9 ] || { cat out; fail "the program's status 9 was due; 8: a zombie was left"; }
[ -s err ] && { head -n 5 err; fail "something is on stderr"; }
nothing_lost
check_store

tree_name="children that outlive the program of init"
rm -f store.db
all_stored() { [ "$(query "count(*) from process where program like '%/forks'" 2>/dev/null)" = 3 ] && touch go; }
until_true all_stored >watching 2>&1 &
in_namespace "$trace" run --check trace --store store.db -- \
    bash -c '("$0" steady 2 /none &); until [ -e go ]; do sleep 0.1; done; exit 9' "$forks" >out 2>err
[ $? -eq 9 ] || fail "the program's status 9 was due"
[ -s err ] && { head -n 5 err; fail "something is on stderr"; }
[ ! -e store.db-wal ] || fail "the WAL was left beside the store"
expect "count(*) from process where program like '%/forks' and end_kind = 2" 3
nothing_lost
check_store

tree_name="a signal to init"
rm -f store.db
timeout 300 unshare -pf --mount-proc env --default-signal "$trace" run --check trace --store store.db -- "$forks" steady 2 "$PWD/none" >out 2>err &
namespace=$!
ready() { [ "$("$trace" sql -s store.db 'select count(*) from process' 2>/dev/null | tail -n 1)" = 3 ]; }
until_true ready || fail "the program did not start"
init=$(pgrep -P "$(pgrep -P $namespace)")
kill -TERM "$init" || fail "there is no init"
wait $namespace
[ $? -eq 143 ] || fail "143 was due"
expect "count(*) from process where end_kind = 2" 3
nothing_lost
check_store

tree_name="a program as init"
rm -f store.db
in_namespace env HAKMEM_CHECK=trace HAKMEM_TRACE_FILE="$PWD/store.db" LD_PRELOAD="$debug_library" "$forks" many 50 >out 2>err
[ $? -eq 0 ] || fail "status 0 was due"
[ -s err ] && { head -n 5 err; fail "something is on stderr"; }
expect "count(*) from process where end_kind = 1" 51
