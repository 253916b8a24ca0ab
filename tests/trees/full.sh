#!/usr/bin/env bash
# More processes at once than the table holds, and more one after the other: a process that finds no entry is counted, and waits once.
. "${SOURCE:?}/tests/tools/tree_run.sh"
forks=$BUILD/tests/trees/forks
tree "1,500 one after the other" "$forks" many 1500
tree "200 at once" "$forks" at_once 200
tree_counts=none tree_loss=some
tree "1,100 at once" "$forks" at_once 1100
recorded=$(query "count(*) from process where program like '%/forks'")
lost=$(query "max(cast(substr(note, 1, instr(note, ' ') - 1) as integer)) from process where note like '% processes forked from here were not recorded%'")
[ $((recorded + lost)) -eq 1101 ] || fail "$recorded processes are recorded and $lost said to be not; 1,101 were there"
# Each child makes 9 calls of malloc and realloc, and 7 of free.
calls=$(query "count(*) from event where kind in ('MALLOC', 'FREE', 'REALLOC') and process in (select id from process where parent > 0 and program like '%/forks')")
echo "$recorded recorded, $lost not; $calls calls"
