#!/usr/bin/env bash
# HAKMEM_WATCH: who writes beside a block, or into one that was freed, is stopped at the instruction and named; a
# correct program is not disturbed; where there are no registers the program runs as without, and `info` says so.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/watched.sh"
export HAKMEM_GUARD_ALIGN=16 # else a page closes where a register is to stand
program=$BUILD/tests/options/watch
PERF=298 PTRACE=101

# record CASE VARIABLE=VALUE...: runs it with four registers.
record() {
    run_watched "$program" "$1" HAKMEM_WATCH=4 HAKMEM_GUARD=off HAKMEM_CLOSE_PAGES=0 HAKMEM_SWEEP=0 "${@:2}"
    return "$status"
}
# record_find CASE FIRST [VARIABLE=VALUE...]: until a line of the report begins with FIRST. Once, but three times by a tracer:
# a busy machine may not let it have a thread in time.
record_find() {
    local name=$1 first=$2 tries=${barred:+3}
    shift 2
    for ((tries = ${tries:-1}; tries > 0; tries--)); do
        record "$name" "$@"
        plain_headlines "$name.out" | grep -q "^$first" && break
    done
}
# shows CASE HEADLINE FOUND ALLOCATED [VARIABLE=VALUE...]
shows() {
    local name=$1 headline=$2 found=$3 allocated=$4
    shift 4
    record_find "$name" "$headline" "$@"
    plain_headlines "$name.out" | grep -q "^$headline" || complain "$name $*: $(head -1 "$name.out"), where HKM-$headline was due"
    [ "$(part FOUND "$name.out")" = "$found" ] || complain "$name $*: found in '$(part FOUND "$name.out")', where '$found' was due"
    [ "$(part ALLOCATED "$name.out")" = "$allocated" ] ||
        complain "$name $*: allocated in '$(part ALLOCATED "$name.out")', where '$allocated' was due"
}
repeats=$(awk '/rep stosb/ { print NR }' "$SOURCE/tests/options/watch.c")
past='301 heap-buffer-overflow: writes memory right past the end of'

# Each case under perf_event_open, then with that barred, where a tracer sets the registers. The system may give nobody a
# register by one way or the other: then all that can be shown is that `info` says so.
is_there() {
    record behind.look HAKMEM_ON_FAULT=continue
    note=$("$trace" info -s behind.look.db | grep -o 'no debug register watches.*')
    [ -n "$note" ] || return 0
    echo "skipped: who writes is named${barred:+, without system call $barred}: $note"
    [ "$(cat behind.look.out)" = through ] || complain "the program says: $(cat behind.look.out)"
    rm -f behind.look.db
    return 1
}
show_all() {
    local more=$1
    shows behind "$past a 40-byte block" 'spoil behind' 'behind main' "$more"
    shows in_front '302 heap-buffer-underflow: writes memory 1 byte before a 40-byte block' 'spoil in_front' 'in_front main' "$more"
    shows after_free '304 use-after-free: writes memory at offset 3 of an 8-byte block freed' 'spoil after_free' 'after_free main' "$more"
    shows large "$past a 100,000-byte block" 'spoil large' 'large main' "$more"
    shows repeated "$past a 40-byte block" 'fill repeated' 'repeated main' "$more"
    grep -qE "^      #0 fill .*watch\.c:$repeats$" repeated.out || complain "repeated: line $repeats is not named: $(grep '#0 fill' repeated.out)"
    shows in_later_thread "$past a 40-byte block" 'spoil write_it' 'in_later_thread main' "$more"
    shows in_earlier_thread "$past a 40-byte block" 'spoil write_it' 'in_earlier_thread main' "$more"
    shows in_child "$past a 40-byte block" 'spoil behind' 'behind in_child' "$more"
    rm -f ./*.db
}
# writes CASE WHERE: the instruction that wrote is the one in front of where the thread was stopped.
writes() {
    grep -A1 '^  INSTRUCTION  *mov byte ptr' "$1.out" | grep -qxF "      writes 1 byte$2" ||
        complain "$1: the instruction is told as $(grep -A1 '^  INSTRUCTION' "$1.out")"
}
show_more() {
    [ "$(part FREED after_free.out)" = 'after_free main' ] || complain "freed in '$(part FREED after_free.out)'"
    shows aligned "$past a 512-byte block" 'spoil aligned' 'aligned main'
    shows resized "$past a 31-byte block" 'spoil resized' 'resized main'
    shows in_library "$past a 41-byte block" 'in_library main' 'in_library main'
    shows in_thread_of_child "$past a 40-byte block" 'spoil write_it' 'in_earlier_thread in_thread_of_child'
    shows with_handler "$past a 40-byte block" 'spoil behind' 'behind with_handler'
    grep -q '^2 traps of the program' with_handler.out || complain "the program's handler was called otherwise: $(head -1 with_handler.out)"
    "$trace" faults 1 --json -s aligned.db | python3 -c '
import json, sys
fault = json.load(sys.stdin)["fault"]
instruction = fault["instruction"]
sys.exit(fault["found_by"] != "watchpoint" or "hop=WRITE" not in fault["summary"] or
         instruction["access"]["bytes"] != 1 or not instruction["access"]["writes"])' ||
        complain "the JSON of the fault does not name the watchpoint"
    writes behind ', right past the end of the block'
    writes in_front ', from 1 byte before the block on'
    writes after_free ' at offset 3 of the freed block'
    writes large ', right past the end of the block'
    writes in_later_thread ', right past the end of the block'

    # It goes on, and the place is reported once.
    record_find in_front 302 HAKMEM_ON_FAULT=continue
    [ "$(grep -c '^hakmem: HKM-' in_front.out) $(tail -1 in_front.out)" = '1 through' ] || complain "continue: $(grep -E '^hakmem|^[a-z]' in_front.out)"

    # The line is that of the instruction which wrote, not of the next one.
    local line
    line=$(grep -n "block\[at\] = 'x';" "$SOURCE/tests/options/watch.c" | cut -d: -f1)
    grep -qE "#0 spoil +[a-z/]*watch.c:$line\$" behind.out || complain "not at line $line: $(grep '#0 spoil' behind.out)"
    rm -f ./*.db
}

barred=$PERF ways=()
if is_there; then
    ways+=("$PERF")
    for more in HAKMEM_TRACE=on HAKMEM_TRACE=off; do
        show_all $more
    done
    show_more
    # The program may block SIGTRAP: it believes that it has, and its own waits; the write is met all the same.
    shows blocked "$past a 40-byte block" 'spoil behind' 'behind blocked'
    record own_trap
    [ "$(paste -sd' ' own_trap.out)" = '0 traps while blocked, 1 after through' ] || complain "own traps: $(cat own_trap.out)"
    record correct
    [ "$(cat correct.out)" = through ] || complain "correct: $(head -3 correct.out)"
fi

barred=
is_there || exit $failed
ways+=('')
for more in HAKMEM_TRACE=on HAKMEM_TRACE=off; do
    show_all $more
done
show_more
# The thread is elsewhere when the signal comes: the allocation stands for the fault.
shows blocked '301 heap-buffer-overflow: 1 byte past a 40-byte block' \
    'block_trap blocked' 'behind blocked'
grep -q 'found by a late watchpoint (SIGTRAP was blocked at the write)' blocked.out || complain "not told as late: $(head -1 blocked.out)"

# says CASE NOTE LINES: no fault, exit status 0, and what `info` notes of the process.
says() {
    local name=$1 note=$2 due=$3
    shift 3
    record "$name" "$@" || complain "$name ends with $?"
    [ "$(paste -sd' ' "$name.out")" = "$due" ] || complain "$name says $(head -3 "$name.out"), where '$due' was due"
    case "$("$trace" info --all -s "$name.db")" in
    *"$note"*) ;;
    *) complain "$name: info does not say '$note'" ;;
    esac
}
says ignored 'no debug register watches (HAKMEM_WATCH): the program has taken SIGTRAP for itself' through
says closed 'complete' 'files are whole through'
says behind.same 'no debug register watches (HAKMEM_WATCH): it needs level normal and layout header' through HAKMEM_LAYOUT=same
says behind.trace 'no debug register watches (HAKMEM_WATCH): it needs level normal and layout header' through HAKMEM_CHECK=trace
for watch in 1 4; do
    says correct complete through HAKMEM_WATCH=$watch HAKMEM_GUARD=auto HAKMEM_CLOSE_PAGES=1 HAKMEM_SWEEP=1
    "$trace" layers --quick --json -s correct.db | python3 -c '
import json, sys
sums = {}
for one in json.load(sys.stdin)["classes"]:
    for name, value in one["metrics"].items():
        if name.startswith("WATCH") and name.endswith("times"):
            sums[name] = sums.get(name, 0) + value
sys.exit(None if sums.get("WATCH.times", 0) > 100 and not sums.get("WATCH_STOP.times") else f"correct: {sums}")' || failed=1
    rm -f correct.db
done

# A machine that gives registers which never fire.
library=$DEAF
for barred in "${ways[@]}"; do
    says behind.deaf 'no debug register watches (HAKMEM_WATCH): debug registers do not fire on this machine' through
    rm -f behind.deaf.db
done
barred='' library=$BUILD/hakmem-debug.so

record behind.none HAKMEM_WATCH=0
[ "$(cat behind.none.out)" = through ] || complain "HAKMEM_WATCH=0: $(cat behind.none.out)"

# Barred, by the system calls of a sandbox that it was started in, or since somebody traces it.
barred=$PERF,$PTRACE
says behind.barred 'no debug register watches (HAKMEM_WATCH): neither perf_event_open' through
barred=$PERF
says traced 'no debug register watches (HAKMEM_WATCH): perf_event_open is not allowed, and a debugger traces the program' through
exit "$failed"
