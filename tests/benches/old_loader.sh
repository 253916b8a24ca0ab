#!/usr/bin/env bash
# Output of tests/bench/old_loader at a hundredth of its size: every row has both sides, and a look-up finds its module.
set -u
"$SOURCE/tests/bench/old_loader" 1 0.01 >page || { echo "old_loader ended with status $?"; exit 1; }
for row in '10 frames, walk' '55 frames, spliced and interned' 'a look-up of an address, 1[0-9] modules' 'glibc alone, on both sides' \
    'level normal, TRACE=off' 'recorded in level trace'; do
    grep -Eq "^\| $row( \| [0-9.]+ (ns|us)){2} \| [0-9.]+ \|$" page || { echo "no whole row of $row:"; cat page; exit 1; }
done
exit 0
