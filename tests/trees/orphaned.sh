#!/usr/bin/env bash
# Processes whose parents were gone before they began, and whose entries of the process table others had by then: each
# has its own parent in the store, and what it frees began there.
. "${SOURCE:?}/tests/tools/tree_run.sh"
families=${FAMILIES:-150}

tree_name="orphaned"
"$trace" run --wait --check trace --store store.db -- "$BUILD/tests/trees/orphaned" "$families" told >out 2>err ||
    fail "it ended with $?: $(head -n 3 err)"
[ -s err ] && { head -n 5 err; fail "something is on stderr"; }
[ "$(wc -l <told)" = "$families" ] || fail "$(wc -l <told) of $families said who they are"
"$trace" sql -s store.db 'SELECT p.pid, q.pid FROM process p JOIN process q ON q.id = p.parent WHERE q.parent > 0' >stored
while read -r child parent; do
    grep -qx "${child}[^0-9]$parent" stored || fail "process $child is the child of $parent, not of $(sed -n "s/^${child}[^0-9]*//p" stored)"
done <told
expect "count(*) from process where fork_event = 0" 1
expect "count(*) from life l join process p on p.id = l.process where p.parent > 1 and l.last_size between 100 and 100 + $families and l.id is not null" "$families"
nothing_lost
check_store
