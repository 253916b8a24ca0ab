#!/usr/bin/env bash
# `heap` of a script of many short processes reads one state of the store: it does not lock the file for each of its queries.
. "${SOURCE:?}/tests/tools/test.sh"
"$trace" run --check trace -f -s app.db -- bash -c 'for i in 1 2 3; do x=$(echo $i | cat); done' || complain "the script: status $?"
strace -qq -f -o locks -e trace=fcntl "$trace" heap -s app.db >page 2>err || complain "heap: $(cat err)"
grep -q '(bash)' page || complain "heap names no bash: $(cat page)"
locks=$(grep -c F_SETLK locks)
((locks > 0 && locks < 400)) || complain "heap locks the file $locks times"
