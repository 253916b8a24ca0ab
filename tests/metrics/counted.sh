#!/usr/bin/env bash
# The counters are exact: what the layers served is what a counting preload in front of hakmem counted, for
# each process, in every layout and front, also of a process that is killed, and without recording.
. "${SOURCE:?}/tests/tools/tree_run.sh"
program=$BUILD/tests/metrics/counted

# Calls that the counter saw, by process: "pid calls"; calls are MALLOC and REALLOC.
counted_calls() {
    counted_processes | awk '$2 + $3 + $4 > 0 { calls[$1] += $2 + $4 } END { for (pid in calls) print pid, calls[pid] }' | sort -n
}

# The same by hakmem's own counters: blocks served, and resized in place.
served_calls() {
    "$trace" sql -s store.db "select p.pid || ' ' || cast(sum(m.last) as integer) as row from
            (select process, max(value) as last from metric
             where name like 'served.%' or name = 'resized' group by process, name, class) m
            join process p on p.id = m.process where not (p.id = 1 and p.program like '%/env') group by p.id" |
        sed -nE 's/^([0-9]+ [0-9]+) *$/\1/p' | sort -n
}

compare() {
    counted_calls >counted
    served_calls >served
    [ -s counted ] || fail "the counter counted nothing"
    cmp -s counted served || {
        diff counted served | head
        fail "the layers served (>) other numbers than a counter in front of them saw (<): pid calls"
    }
    "$trace" layers -s store.db >layers.out 2>&1 || {
        tail -n 8 layers.out
        fail "hakmem-trace layers ended with status $?"
    }
    grep -q '^total  [0-9,]* malloc in the log = [0-9,]* counted\.$' layers.out || {
        tail -n 8 layers.out
        fail "layers does not say that log and counters agree"
    }
}

# run NAME OPTION...: the program under `run` with the counter; variables may stand in front.
run() {
    tree_name=$1
    shift
    rm -f store.db* calls
    truncate -s 1M calls
    COUNT_CALLS_FILE=$PWD/calls "$trace" run "$@" --store store.db -- \
        "$env" LD_PRELOAD="$counter $debug_library" "$program" ${how:+"$how"} >out 2>&1 </dev/null ||
        fail "ended with status $?: $(head -n 3 out)"
    [ ! -s out ] || fail "says something: $(head -n 3 out)"
    until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
    compare
}

run trace --check trace
run trace-header --check trace --layout header
run normal --check normal
[ "$(query "count(*) = 0 from metric where name = 'served.MAGAZINE' and value > 0")" = 1 ] ||
    fail "a recording has other fronts than those that ship"
HAKMEM_TINY_MAGAZINE_ENABLE=1 run magazine --check trace
HAKMEM_TINY_MAGAZINE_ENABLE=1 HAKMEM_TINY_MAG_CAP=2 HAKMEM_TINY_TLS_SLL_CAP=1 run small-magazine --check trace
HAKMEM_TINY_MAGAZINE_ENABLE=1 run magazine-header --check normal
how=slowly HAKMEM_TINY_FRONT_METRICS_MS=10 run often --check trace
[ "$(query "count(distinct ns) > 3 from metric")" = 1 ] || fail "no snapshots were taken while it ran"
# Room for seven blocks of counters: some of the threads share one.
(ulimit -S -f 6144 && run shared --check trace) || exit 1

tree_name=killed
rm -f store.db* calls out
truncate -s 1M calls
COUNT_CALLS_FILE=$PWD/calls HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=$PWD/store.db \
    LD_PRELOAD="$counter $debug_library" "$program" wait >out 2>&1 </dev/null &
victim=$!
disown "$victim"
ready() { grep -q '^ready' out; }
until_true ready || fail "the program did not come to its end: $(head -n 3 out)"
kill -9 "$victim"
until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
compare
expect "(select end_kind from process where pid = $victim)" 2

# Without recording: the same from the file that each process writes when it ends.
if ! left_out csv; then
    tree_name=csv
    rm -f calls ./*.csv out
    truncate -s 1M calls
    COUNT_CALLS_FILE=$PWD/calls HAKMEM_TRACE=off HAKMEM_TINY_FRONT_DUMP=1 LD_PRELOAD="$counter $debug_library" \
        "$program" >out 2>&1 </dev/null || fail "ended with status $?"
    [ ! -s out ] || fail "says something: $(head -n 3 out)"
    counted_calls >counted
    for file in hakmem.counted.*.csv; do
        [ "$(head -n 1 "$file")" = metric,class,slot_bytes,value ] || fail "$file has another first line"
        pid=${file#hakmem.counted.}
        awk -F, -v pid="${pid%.csv}" '$1 ~ /^served\./ || $1 == "resized" { calls += $4 } END { print pid, calls }' "$file"
    done | sort -n >served
    cmp -s counted served || {
        diff counted served | head
        fail "the files of counters (>) have other numbers than a counter in front saw (<): pid calls"
    }
fi

tree_name=off
rm -f store.db*
HAKMEM_TINY_FRONT_METRICS=0 "$trace" run --check trace --store store.db -- "$program" >out 2>&1 </dev/null
expect "count(*) from metric" 0
"$trace" layers -s store.db >layers.out 2>&1 || fail "layers ended with status $? without counters"
grep -q 'counted from the log: this capture has no counters' layers.out || fail "layers does not say that there are no counters"

tree_name=plain
HAKMEM_TINY_FRONT_DUMP=1 LD_PRELOAD=$BUILD/libhakmem.so "$(type -P true)" 2>err
[ "$(cat err)" = "hakmem: HAKMEM_TINY_FRONT_DUMP=1 is for hakmem-debug.so; libhakmem does without" ] ||
    fail "the plain build, asked for counters, says: $(cat err)"
