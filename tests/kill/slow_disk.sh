#!/usr/bin/env bash
# A disk that takes long for each 16 KiB: where a full ring waits (the default), nothing is lost and only the program
# is slow; where it drops, what is lost is counted and told, and what is stored is whole.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
"${CC:-cc}" -shared -fPIC -O1 -D_GNU_SOURCE -o slow_disk.so "$SOURCE/tests/tools/slow_disk.c" || exit 1
printf '#!/bin/sh\nDISK_SAID=%s/waits LD_PRELOAD=%s/slow_disk.so exec %s/hakmem-collect "$@"\n' "$PWD" "$PWD" "$BUILD" >collect
chmod +x collect
given() { od -A n -t u8 -j 8 -N 16 words 2>/dev/null | awk '{ print $1 + $2 }'; }
enough() { [ "$(given)" -gt 500000 ]; } # several times what the rings hold

# run_on_slow_disk WHAT_FULL_DOES MS: sets waits, lost and what check ended with.
run_on_slow_disk() {
    rm -f words waits store.db
    DISK_MS=$2 HAKMEM_COLLECT=$PWD/collect HAKMEM_TRACE_FULL=$1 "$trace" run --wait --check trace --store store.db -- \
        "$BUILD/tests/kill/sequence" words 600 2 0 >run.out 2>&1 &
    local run=$!
    until_true program_started words || exit 1
    until_true enough || { echo "$1: the program stands still"; stop_program words; exit 1; }
    stop_program words
    wait "$run" || fail "$1: run ended with $?; 0 was due" "$(cat run.out)"
    grep -q '^done ' run.out || fail "$1: the program did not end well: $(cat run.out)"
    waits=$(stat -c %s waits 2>/dev/null || echo 0)
    [ "$waits" -gt 10 ] || fail "$1: the disk was slow $waits times: nothing was tried here"
    python3 "$SOURCE/tests/tools/sequence_check.py" "$trace" words 2 store.db || exit 1
    lost=$("$trace" sql -s store.db "select coalesce(sum(count), 0) from loss" | tail -n 1)
    "$trace" check -s store.db >check.out 2>&1
    checked=$?
    "$trace" info -s store.db >info.out 2>&1
}

run_on_slow_disk wait 30
[ "$lost" -eq 0 ] || fail "wait: $lost events were lost"
[ "$checked" -eq 0 ] || fail "wait: check ended with $checked" "$(head -n 5 check.out)"
# So slow that a program without much of a processor is still faster, and that `run` waits longer for what is left than
# it would for a collector that stands still.
run_on_slow_disk drop 700
[ "$lost" -gt 0 ] || fail "drop: nothing is counted as lost, though the disk was slow $waits times"
[ "$checked" -eq 4 ] || fail "drop: check ended with $checked, 4 says that events are missing" "$(head -n 5 check.out)"
grep -q 'intact' check.out || fail "drop: what is stored is not whole" "$(head -n 5 check.out)"
grep -q 'lost' info.out || fail "drop: info does not tell the loss" "$(cat info.out)"

# A sync at the end that takes longer than run waits: all is in the store by then, and the worker closes it alone.
rm -f store.db
DISK_SYNC_MS=14000 HAKMEM_COLLECT=$PWD/collect "$trace" run --check trace --store store.db -- ls / >run.out 2>&1 ||
    fail "sync: run ended with $?; 0 was due" "$(cat run.out)"
[ -e store.db-wal ] || fail "sync: the store was closed in time: nothing was tried here"
until_true no_holder "$PWD/store.db" || exit 1
[ ! -e store.db-wal ] || fail "sync: the log was left beside the store"
"$trace" check -s store.db >check.out 2>&1 || fail "sync: check ended with $?" "$(head -n 5 check.out)"
