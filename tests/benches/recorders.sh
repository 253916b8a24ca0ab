#!/usr/bin/env bash
# Output of tests/bench/recorders and cost at a hundredth of their size: every program recorded and compared, no dash.
. "${SOURCE:?}/tests/tools/test.sh"

"$SOURCE/tests/bench/recorders" -s 0.01 1 >page || fail "recorders ended with status $?"
for row in 'CPython JSON' sqlite3 redis cc1plus churn random; do
    [ "$(grep -c "^| $row |" page)" -eq 4 ] || fail "recorders: $row is not in each of the four tables"
done
grep -q '| - ' page && fail "recorders: a cell is empty: $(grep -m 1 '| - ' page)"
grep -q '^Geometric mean of the programs. ratios: \*\*[0-9]' page || fail 'recorders: no geometric mean'
# Calls are counted in the store: 30,000 blocks replaced, and what is left is freed. heaptrack's file grows with them.
calls=$(sed -n 's/^| random | \([0-9.]*\) |.*/\1/p' page | head -n 1)
[ "$calls" = 0.06 ] || fail "recorders: the random loop made $calls M calls instead of 0.06 M"
"$SOURCE/tests/bench/recorders" 1 nonsense >page 2>said && fail 'recorders took a variant that it does not have'
grep -q 'no such variant: nonsense' said || fail "recorders: $(cat said)"
exit 0
