#!/usr/bin/env bash
# One fault that many threads commit at the same moment is reported once, as what it is, whether the program dies
# of it, hears of it in a handler of its own, or goes on; and the store has one row of it. So are crashes, also over a
# kept allocator; of an attached program the signal is noted.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/await.sh"

threads=24 guard=

# once FAULT NAME LEVEL ON_FAULT [HANDLER], by so many $threads, with guarded blocks as $guard says
once() {
    local fault=$1 name=$2 level=$3 rows status
    rm -f once.db
    "$BUILD/hakmem-trace" run --check "$level" ${guard:+--guard "$guard"} --on-fault "$4" -s once.db -- "$BUILD/tests/crash/at_once" "$fault" $threads ${5:+"$5"} >said 2>&1
    status=$?
    grep '^SUMMARY: ' said >summaries
    rows=$("$BUILD/hakmem-trace" sql -s once.db 'SELECT count(*) FROM fault')
    # A report that a busy machine's collector does not finish in time is a raw one, without lines.
    grep -qE "^SUMMARY: hakmem: $name ((of a block from )?at_once.c:|address=)" summaries && [ "$(wc -l <summaries)" -eq 1 ] && [ "$rows" = 1 ] && [ $status -eq 1 ] ||
        complain "$*, $threads threads${guard:+, guard $guard}: status $status; rows of the store: $rows; reports:" "$(cat summaries)"
}

# crash_once FAULT SIGNAL ALLOCATOR; raw as above
crash_once() {
    local fault=$1 signal=$2
    "$BUILD/hakmem-trace" run --force --allocator "$3" -s crash.db -- "$BUILD/tests/crash/at_once" "$fault" 24 >said 2>&1
    grep '^SUMMARY: ' said >summaries
    grep -qE "^SUMMARY: hakmem: (crash at_once.c:.* signal=$signal |$signal address=)" summaries && [ "$(wc -l <summaries)" -eq 1 ] || complain "$*: reports:" "$(cat summaries)"
}

# The process has its row; its command stands in the head of the page before that.
is_recorded() {
    "$BUILD/hakmem-trace" info -s "$1" 2>/dev/null | grep -qE '^#1 +[0-9]+ .* at_once'
}

# attached FAULT SIGNAL
attached() {
    local pid record status
    rm -f go attached.db
    mkfifo go
    "$BUILD/tests/crash/at_once" "$1" 24 wait <>go >attached.out 2>&1 &
    pid=$!
    await grep -q ready attached.out || failed=1
    "$BUILD/hakmem-trace" record -p "$pid" -s attached.db >said 2>&1 &
    record=$!
    await is_recorded attached.db || failed=1
    echo >go
    wait "$pid" 2>/dev/null
    wait "$record"
    status=$?
    "$BUILD/hakmem-trace" info -s attached.db >info 2>&1
    [ $status -eq 0 ] && [ "$(grep -c '^SUMMARY: ' said)" -eq 0 ] && grep -q "killed by $2 " info || complain "attached, $*: record ends with $status" "$(cat said info)"
}

for allocator in hakmem keep; do
    crash_once null SIGSEGV $allocator
    crash_once abort SIGABRT $allocator
done
if ! left_out attached; then
    attached null SIGSEGV
    attached abort SIGABRT
fi

for on_fault in stop continue; do
    once free double-free trace $on_fault
    once free double-free normal $on_fault
    once read use-after-free normal $on_fault
done
once free double-free trace stop handler
once free double-free normal stop handler
once read use-after-free normal stop handler

# Where the program goes on, a write that the processor stops and one that free finds are two faults.
for threads in 8 400; do
    once overflow heap-buffer-overflow normal stop
    guard=off once overflow heap-buffer-overflow normal continue
    once free double-free normal stop
    once places use-after-free normal stop
    once read use-after-free normal stop
done
once free double-free trace continue
once read use-after-free normal continue
HAKMEM_GUARD_SIDE=after threads=8 guard=all once overflow heap-buffer-overflow normal continue
