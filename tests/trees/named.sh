#!/usr/bin/env bash
# A thread's name is in the store though it was given late, and the thread was killed with it.
. "${SOURCE:?}/tests/tools/tree_run.sh"
names="group_concat(name, ' ') from (select name from thread where process = (select max(id) from process) order by name)"
are_stored() { [ "$(query "$names" 2>/dev/null)" = "boss reader writer" ]; }
tree_name=names
touch seen
run_plain "$BUILD/tests/trees/named" "$PWD/seen"
rm seen
# It is killed when the names are in the store.
(until_true are_stored; touch seen) >watching 2>&1 &
run_recorded "$BUILD/tests/trees/named" "$PWD/seen"
expect "$names" "boss reader writer"
expect "count(*) from process where signal = 9" 1
