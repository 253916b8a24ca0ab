#!/usr/bin/env bash
# Output of tests/bench/extremes at a hundredth of its size: every load under glibc and in both levels, no dash.
set -u
"$SOURCE/tests/bench/extremes" -s 0.01 1 >page || { echo "extremes ended with status $?"; exit 1; }
for row in grow stacks fragments threads; do
    grep -Eq "^\| $row \|( [0-9.]+, [0-9]+ \|){3}$" page || { echo "no whole row of $row:"; cat page; exit 1; }
done
"$SOURCE/tests/bench/extremes" -s nonsense >said 2>&1 && { echo 'extremes took a scale that is no number'; exit 1; }
grep -q "invalid float value: 'nonsense'" said || { echo "extremes: $(cat said)"; exit 1; }
