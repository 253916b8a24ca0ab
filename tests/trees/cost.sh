#!/usr/bin/env bash
# 300 short processes, one after the other: each is in the store, and costs few pages more than without hakmem. (A page
# fault costs about a microsecond; reading an untouched table of the session memory would show here.)
. "${SOURCE:?}/tests/tools/tree_run.sh"
cost=$BUILD/tests/trees/cost
echo 'int main(void) { return 0; }' >nothing.c
cc -o nothing nothing.c || exit 1
plain=$("$cost" 300 "$PWD/nothing")
recorded=$("$trace" run --check trace --store store.db -- "$cost" 300 "$PWD/nothing" 2>err)
[ -s err ] && fail "something is on stderr: $(head -n 3 err)"
expect "count(*) from process where program like '%/nothing' and end_kind = 1 and exit_status = 0" 300
tenths() { echo "$(($1 / 10)).$(($1 % 10))"; }
echo "$(tenths "$plain") page faults without, $(tenths "$recorded") recorded"
[ $((recorded - plain)) -le 1000 ] || fail "a recorded process has $(tenths $((recorded - plain))) page faults more than without; 100 at most were due"
# The plain library: 16.4 with gcc 12 and Linux 6.18; 17.4 when a start wrote the standards of texts, 21 before the variables that it touches lay side by side.
preloaded=$(LD_PRELOAD=$BUILD/libhakmem.so "$cost" 300 "$PWD/nothing")
echo "$(tenths "$preloaded") page faults with libhakmem.so"
[ $((preloaded - plain)) -le 179 ] || fail "a process under libhakmem.so has $(tenths $((preloaded - plain))) page faults more than without; fewer than 18 were due"
# Facts that processes have in common are stored once.
expect "count(*) from module where path like '%/nothing'" 300
expect "count(*) from image where path like '%/nothing'" 1
nothing_lost
check_store
