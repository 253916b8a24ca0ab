#!/usr/bin/env bash
# Level light where something else goes wrong at the same time: its collector is killed in the midst of a report, the disk
# is full, there is no /proc, no directory for temporary files, two threads meet a fault at once, a child does while a
# report is made. The program ends as it would, each fault has one report, and what a store does not have it says.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
if [ "${1-}" != inside ]; then # mounts of its own, which end with it
    unshare -m "$SOURCE/tests/light/hard_ends.sh" inside
    exit
fi
held=$PWD/held

complain() { echo "$case: $*"; failed=1; }

# A program whose symbols a collector of the test's reads as long as the file `held` is there: a report waits for them.
printf 'char held[] __attribute__((section(".deadly_load_hold"), used)) = "%s";\n' "$held" >hold.c
${CC:-gcc} -g -O0 -w -o slow "$SOURCE/tests/light/faulty.c" hold.c -lpthread || exit 1

# begin CASE PROGRAM [VARIABLE=VALUE...]: starts it in a directory of its own; its input is descriptor 8.
begin() {
    case=$1
    local executed=$2
    shift 2
    mkdir -p "$case" && cd "$case" && mkfifo in || exit 2
    env "$@" HAKMEM_CHECK=light HAKMEM_GUARD=sample:1 HAKMEM_WATCH=0 LD_PRELOAD="$BUILD/hakmem-debug.so" "$executed" <in >out 2>err &
    program=$!
    exec 8>in
}
lines() { [ "$(grep -c '^on' out)" -ge "$1" ]; }
# went_on NUMBER: the program has gone on from so many faults.
went_on() { until_true lines "$1" || complain "the program has not gone on: $(cat out err)"; }

# finish REPORTS: the program ends as it would, and has had so many reports, each whole or a raw one.
finish() {
    exec 8>&-
    wait "$program" 2>/dev/null
    local status=$?
    [ "$status" -eq 5 ] || complain "exit status $status, 5 was due: $(cat err)"
    until_true no_collector || complain "a collector is left: $(collectors)"
    local heads ends
    heads=$(grep -c '^hakmem: HKM-' err) ends=$(grep -c '^SUMMARY: hakmem: ' err)
    [ "$heads" -eq "$1" ] && [ "$ends" -eq "$1" ] || complain "$heads reports with $ends ends, $1 were due: $(cat err)"
}
is_raw() { grep -q 'raw report' err; }
is_whole() {
    is_raw && complain "a report is a raw one: $(cat err)"
    return 0
}

# stored STORE FAULTS: it is intact and has so many faults.
stored() {
    "$trace" check -s "$1" >said 2>&1 || complain "$(cat said)"
    [ "$("$trace" sql -s "$1" 'SELECT count(*) FROM fault')" = "$2" ] || complain "$1: $2 faults were due: $("$trace" faults -s "$1")"
}
# knows STORE NAME: it has allocation and free of that block.
knows() {
    "$trace" why -s "$1" "$(sed -n "s/^$2 //p" out)" >said 2>&1
    grep -q 'malloc(' said && grep -q ' free ' said || complain "$1 does not have the block '$2': $(cat said)"
}

# kill_collector CASE: in the midst of the report, which waits for symbols; then there is another fault.
kill_collector() {
    touch "$held"
    begin "$1" ../slow HAKMEM_COLLECT="$BUILD/tests/security/hakmem-collect" HAKMEM_TRACE_FILE=store.db
    echo r >&8
    until_true worker_of "$PWD/store.db" || exit 1
    local keeper
    keeper=$(parent_of "$worker")
    sleep 0.3
    lines 1 && complain "the report did not wait: nothing was tried here"
    case $1 in
    worker) kill -9 "$worker" ;;
    keeper) kill -9 "$keeper" ;;
    *) kill_at_once "$worker" "$keeper" ;;
    esac
    went_on 1
    rm "$held"
    echo w >&8
    went_on 2
    finish 2
}

kill_collector worker
is_whole
stored store.db 2
knows store.db read
[ "$("$trace" sql -s store.db 'SELECT kind FROM event WHERE id = (SELECT min(event) FROM fault)')" = FAULT ] ||
    complain "the fault's record is not named: $("$trace" faults -s store.db)"
cd ..

# The worker alone gives no sign of life while it waits: the report may be raw, and is in the store then all the same.
kill_collector keeper
for store in *.db; do knows "$store" read; done
cd ..

kill_collector both
for store in *.db; do "$trace" check -s "$store" >said 2>&1 || complain "$(cat said)"; done
is_raw || stored store.db 2
knows "$(ls -t ./*.db | head -n 1)" read
cd ..

# From no room at all to enough: 412 KiB are taken at once if the names of both reports come late, as on a busy machine.
# A store that lacks something does not look whole, and no report is missing on stderr.
for room in 64 200 220 240 260 280 300 400 1024; do
    mkdir -p "full.$room/small" && mount -t tmpfs -o size=${room}k none "full.$room/small" || exit 1
    begin "full.$room" "$BUILD/tests/light/faulty" HAKMEM_TRACE_FILE="$PWD/full.$room/small/full.$room.db"
    echo r >&8
    went_on 1
    echo w >&8
    went_on 2
    finish 2
    is_whole
    found=0 whole=1
    for store in small/*.db "$TMPDIR/full.$room"*.db; do
        [ -s "$store" ] || continue
        found=$((found + $("$trace" sql -s "$store" 'SELECT count(*) FROM fault' 2>/dev/null)))
        "$trace" check -s "$store" >said 2>&1
        grep -q 'Nothing was lost' said || whole=0
    done
    [ "$found" -eq 2 ] || [ $whole -eq 0 ] || complain "$found of 2 faults are stored, and no store says that it lacks one: $(cat err)"
    [ "$found" -eq 2 ] || grep -q 'the disk is full' err || complain "$found of 2 faults are stored, and nothing is said: $(cat err)"
    [ "$room" -gt 64 ] || [ "$found" -eq 2 ] || complain "a store elsewhere was due: $(cat err)"
    grep -q 'the block was not watched' err && complain "a watched block is said not to be: $(cat err)"
    umount small
    cd ..
done
[ "$found" -eq 2 ] || complain "with enough room $found of 2 faults are stored"

# The program has none; its collector neither.
mount --bind /proc held.proc 2>/dev/null || { mkdir -p held.proc && mount --bind /proc held.proc; } || exit 1
mount -t tmpfs none /proc || exit 1
begin no_proc "$BUILD/tests/light/faulty"
echo r >&8
went_on 1
echo w >&8
went_on 2
exec 8>&-
wait "$program"
status=$?
umount /proc
[ $status -eq 5 ] || complain "exit status $status, 5 was due: $(cat err)"
until_true no_collector || complain "a collector is left: $(collectors)"
is_whole
[ "$(grep -c '^SUMMARY: hakmem: .*faulty\.c:[0-9]* [rm]' err)" -eq 2 ] || complain "two reports with names were due: $(cat err)"
stored ./*.db 2
cd ..
umount held.proc

for kind in missing read_only; do
    mkdir -p "$kind/tmp"
    if [ $kind = missing ]; then rmdir "$kind/tmp"; else mount -t tmpfs -o ro none "$kind/tmp" || exit 1; fi
    TMPDIR=$PWD/$kind/tmp
    begin $kind "$BUILD/tests/light/faulty"
    echo r >&8
    went_on 1
    echo w >&8
    went_on 2
    finish 2
    is_whole
    stored ./*.db 2
    [ $kind = missing ] || umount tmp
    cd ..
done

begin both_threads "$BUILD/tests/light/faulty"
echo b >&8
went_on 1
finish 2
is_whole
stored ./*.db 2
knows ./*.db first
knows ./*.db second
cd ..

# The child is forked while a report of its parent waits for symbols.
touch "$held"
begin child ../slow HAKMEM_COLLECT="$BUILD/tests/security/hakmem-collect"
echo p >&8
sleep 2
rm "$held"
went_on 1
finish 2
is_whole
found=0
for store in ./*.db; do
    "$trace" check -s "$store" >said 2>&1 || complain "$(cat said)"
    found=$((found + $("$trace" sql -s "$store" 'SELECT count(*) FROM fault')))
done
[ $found -eq 2 ] || complain "$found faults are stored, 2 were due"
cd ..
exit "$failed"
