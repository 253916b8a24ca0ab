#!/usr/bin/env bash
# Each program of tests/regressions/reduced, which `hakmem-trace reduce --c` wrote of a fault, gives the code of its head first, ten times of ten.
. "${SOURCE:?}/tests/tools/reduced.sh"
count=0
for program in "$SOURCE"/tests/regressions/reduced/*.c; do
    name=$(basename "$program" .c)
    count=$((count + 1))
    cp "$program" .
    ${CC:-cc} -Wall -Werror -g -o "$name.reduced" "$name.c" -lpthread || { complain "$name does not compile"; continue; }
    good=$(good_runs "$name" 10)
    [ "$good" -eq 10 ] || complain "$name: $good of 10 runs give its code"
done
[ $count -gt 0 ] || complain 'there is no program'
