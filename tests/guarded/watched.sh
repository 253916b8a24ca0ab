#!/usr/bin/env bash
# Debug registers at the first block of a site, in level normal and with HAKMEM_GUARD=all: a read in its slack, or in front of it, is stopped at the instruction and
# named, in words and in JSON; functions that read strings by words and vectors are not accused, nor who reads words that
# lie across the end of a block. A write there is found late, with HAKMEM_GUARD_WATCH=all at the instruction. Where there
# are no registers, or none that fires, nothing is found; `info` says why.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/watched.sh"
export HAKMEM_GUARD_ALIGN=16 # else the page stops the reads in the slack
# record CASE [VARIABLE=VALUE...]
record() {
    run_watched "$BUILD/tests/guarded/watched" "$@"
}
headlines() {
    plain_headlines "$1.out" | paste -sd'|'
}
# shows CASE HEADLINE FOUND INSTRUCTION
shows() {
    local name=$1
    record "$name"
    [ "$status" -eq 134 ] || [ "$name" = in_child ] || complain "$name ends with $status"
    [ "$(headlines "$name")" = "$2" ] || complain "$name: '$(headlines "$name")', where '$2' was due"
    [ "$(part FOUND "$name.out")" = "$3" ] || complain "$name: found in '$(part FOUND "$name.out")', where '$3' was due"
    grep -qE '^      the read was done, and a watchpoint at 0x[0-9a-f]+ stopped the thread(; the program was stopped here \(SIGABRT\))?$' "$name.out" ||
        complain "$name: not by a watchpoint: $(grep -A1 '^  FOUND' "$name.out")"
    ! grep -q '^  INSTRUCTION' "$name.out" || ! grep -q 'not disassembled' "$name.out" || return
    grep -qF "      $4" "$name.out" || complain "$name: $(grep -A1 '^  INSTRUCTION' "$name.out"), where '$4' was due"
}
# found NAME: of the report in JSON.
found() {
    "$trace" sql -s "$1.db" "select json_extract(json, '$.fault.found_by'), json_extract(json, '$.fault.access') from fault where code = 301" | tail -n 1
}
# counted CASE COUNTER
counted() {
    "$trace" layers --json -s "$1.db" | sed -n "s/.*\"$2.times\": \([0-9]*\).*/\1/p"
}

# Level light says whether there are registers.
run_watched "$BUILD/tests/light/watch" hold.look HAKMEM_CHECK=light HAKMEM_GUARD=sample:1 HAKMEM_DEBUG_LEVEL=1
has_registers=1
if grep -q 'HAKMEM_WATCH: no debug register watches' hold.look.out; then
    echo "skipped: reads that a register stops: $(grep -m1 -o 'no debug register watches.*' hold.look.out)"
    has_registers=0
fi

# silent CASE [VARIABLE=VALUE...]: nothing is found, and the program goes through.
silent() {
    record "$@"
    [ "$status" -eq 0 ] && [ "$(cat "$1.out")" = through ] || complain "$1: status $status, it says $(head -n 3 "$1.out")"
}

if [ $has_registers -eq 1 ]; then
    shows byte_in_slack '301 heap-buffer-overflow: reads memory right past the end of a 30-byte block' \
        'read_at byte_in_slack' 'reads 1 byte, right past the end of the block'
    shows number_in_slack '301 heap-buffer-overflow: reads memory right past the end of a 40-byte block' \
        'number_in_slack main' 'reads 4 bytes, right past the end of the block'
    shows double_in_slack '301 heap-buffer-overflow: reads memory right past the end of a 24-byte block' \
        'double_in_slack main' 'reads 8 bytes, right past the end of the block'
    shows byte_in_front '302 heap-buffer-underflow: reads memory 1 byte before a 32-byte block' \
        'read_at byte_in_front' 'reads 1 byte, from 1 byte before the block on'
    shows number_in_front '302 heap-buffer-underflow: reads memory 8 bytes before a 48-byte block' \
        'number_in_front main' 'reads 8 bytes, from 8 bytes before the block on'
    HAKMEM_GUARD=all shows byte_in_slack '301 heap-buffer-overflow: reads memory right past the end of a 30-byte block' \
        'read_at byte_in_slack' 'reads 1 byte, right past the end of the block'
    HAKMEM_GUARD=all shows byte_in_front '302 heap-buffer-underflow: reads memory 1 byte before a 32-byte block' \
        'read_at byte_in_front' 'reads 1 byte, from 1 byte before the block on'
    shows in_thread '301 heap-buffer-overflow: reads memory right past the end of a 30-byte block' \
        'read_at byte_in_slack' 'reads 1 byte, right past the end of the block'
    shows in_child '301 heap-buffer-overflow: reads memory right past the end of a 30-byte block' \
        'read_at byte_in_slack' 'reads 1 byte, right past the end of the block'
    grep -qx through in_child.out || complain 'in_child: the parent did not go on'
    record byte_in_slack.json
    [ "$(found byte_in_slack.json)" = $'watchpoint\tread' ] || complain "JSON: $(found byte_in_slack.json)"
    # By a vector: which bytes of it, and in which function, differs with the processor.
    record copied_from_front
    case $(headlines copied_from_front) in
    '302 heap-buffer-underflow: reads memory '*' bytes before a 48-byte block') ;;
    *) complain "copied_from_front: '$(headlines copied_from_front)'" ;;
    esac
    record byte_in_slack.continue HAKMEM_ON_FAULT=continue
    [ "$status" -eq 0 ] && grep -qx through byte_in_slack.continue.out || complain "continue: status $status"
    record written HAKMEM_GUARD_WATCH=all
    [ "$(headlines written)" = '301 heap-buffer-overflow: writes memory right past the end of a 30-byte block' ] ||
        complain "written, all: '$(headlines written)'"
    [ "$(part FOUND written.out)" = 'written main' ] || complain "written, all: found in '$(part FOUND written.out)'"
fi

# Registers stood there, and who read beside them was looked at.
for name in correct correct_wide correct_words; do
    silent $name
    [ $has_registers -eq 0 ] || { [ "$(counted $name WATCH)" -ge 10 ] && [ "$(counted $name WATCH_PASS)" -ge 10 ]; } ||
        complain "$name: $(counted $name WATCH) registers, $(counted $name WATCH_PASS) stops"
done
# A thread whose signal was blocked is elsewhere when the signal comes.
silent blocked
silent byte_in_slack.off HAKMEM_GUARD_WATCH=off
silent byte_in_slack.unguarded HAKMEM_GUARD=off
barred=298 # perf_event_open
silent byte_in_slack.barred
barred=
record written.late
case $(headlines written.late) in
'301 heap-buffer-overflow: 1 byte past a 30-byte block, found when the program freed it') ;;
*) complain "written: '$(headlines written.late)', where the free was to find it" ;;
esac

# Registers that never fire: the program runs as without, in silence; `info` says why nothing watched, and a report does.
[ $has_registers -eq 0 ] || library=$DEAF
deaf='debug registers do not fire on this machine'
if [ $has_registers -eq 1 ] || grep -q '(208;' hold.look.out; then
    silent byte_in_slack.deaf
    [ "$("$trace" info -s byte_in_slack.deaf.db | grep -c "^registers  *no debug register watched: $deaf\$")" -eq 1 ] ||
        complain "info says not why nothing watched"
    [ "$("$trace" sql -s byte_in_slack.deaf.db 'select count(*) from process where note > '"''"'' | tail -n 1)" = 0 ] ||
        complain 'a process has a note of registers that nobody asked for'
    for more in HAKMEM_TRACE=on HAKMEM_TRACE=off; do
        record written.deaf $more
        grep -qE "^  COMPLETENESS .*; $deaf\$" written.deaf.out || complain "$more: $(grep COMPLETENESS written.deaf.out)"
        rm -f written.deaf.db
    done
fi
! grep -q "$deaf" written.late.out || [ $has_registers -eq 0 ] || complain 'registers that fire are said not to'
