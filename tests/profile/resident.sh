#!/usr/bin/env bash
# heap says what the kernel holds of a program in memory while it holds blocks and after, and adds up processes.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/profile
directory=$PWD
cleanup() { exec 9>&-; touch "$directory/end"; wait; }

# until_sql CONDITION: of the store that is being written; at most a minute.
until_sql() {
    for _ in $(seq 600); do
        [ "$(sqlite3 "file:holder.db?mode=ro" ".timeout 5000" "select $1 from metric where name = 'memory.anonymous'" 2>/dev/null)" = 1 ] && return
        kill -0 $! 2>/dev/null || fail "the run is over: $(cat out)"
        sleep 0.1
    done
    fail "a minute after it should have been so, the store does not say: $1"
}

cc -O1 -g -o holder "$here/holder.c" || exit 2
mkfifo input
"$trace" run --check trace --store holder.db -- ./holder "$directory/end" <input >out 2>&1 &
exec 9>input
until_sql "coalesce(max(value) > 65536 * 1024, 0)"
exec 9>&-
until_sql "coalesce(max(value) - min(case when id = (select max(id) from metric where name = 'memory.anonymous') then value end) > 44 << 20, 0)"
touch end
wait
[ ! -s out ] || fail "the run said: $(cat out)"
TRACE=$trace python3 "$here/resident.py" holder.db || exit 1

# Processes that begin, fork and end, with what the snapshots say of each written by hand.
"$trace" run --check trace --store tree.db -- sh -c '(true; exit 0); exit 0' >out 2>&1 </dev/null || fail "the tree ended with $?: $(cat out)"
TRACE=$trace python3 "$here/resident.py" tree.db tree
