#!/usr/bin/env bash
# In level light debug registers stand at guarded blocks for a moment: a write into the bytes up to the closed page is
# stopped at the instruction, named once, and the program goes on. Where there are no registers that is said, and the
# write is found when the block is given back, as without.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/watched.sh"
export HAKMEM_GUARD_ALIGN=16 # else a page closes where a register is to stand
# record CASE VARIABLE=VALUE...: runs it with every block guarded.
record() {
    run_watched "${program:-$BUILD/tests/light/watch}" "$1" HAKMEM_CHECK=light HAKMEM_GUARD=sample:1 HAKMEM_GUARD_MEMORY=64M "${@:2}"
    [ "$status" -eq 0 ] || complain "$1 ends with $status"
}
headlines() {
    plain_headlines "$1.out" | paste -sd'|'
}
# shows CASE HEADLINE FOUND ALLOCATED: one report, of this.
shows() {
    local name=$1
    [ "$(headlines "$name")" = "$2" ] || complain "$name: '$(headlines "$name")', where '$2' was due"
    [ "$(part FOUND "$name.out")" = "$3" ] || complain "$name: found in '$(part FOUND "$name.out")', where '$3' was due"
    [ "$(part ALLOCATED "$name.out")" = "$4" ] || complain "$name: allocated in '$(part ALLOCATED "$name.out")', where '$4' was due"
    grep -qx through "$name.out" || complain "$name: the program does not go on"
}
line=$(grep -n "block\[at\] = 'x';" "$SOURCE/tests/light/watch.c" | cut -d: -f1)
past='301 heap-buffer-overflow: writes memory 1 byte past the end of a 40-byte block'

# Hakmem says whether there are registers; the answer is compared with what the program itself is given.
record hold.look HAKMEM_DEBUG_LEVEL=1
if grep -q 'HAKMEM_WATCH: no debug register watches' hold.look.out; then
    echo "skipped: writes that a register stops: $(grep -m1 -o 'no debug register watches.*' hold.look.out)"
    has_registers=0
else
    has_registers=1
fi

# found_late CASE: at free, with the allocation.
found_late() {
    case $(headlines "$1") in
    '301 heap-buffer-overflow: 1 byte past a 40-byte block, found when the program freed it') ;;
    *) complain "$1: '$(headlines "$1")', where the free was to find it" ;;
    esac
    [ "$(part ALLOCATED "$1.out")" = 'behind main' ] || complain "$1: allocated in '$(part ALLOCATED "$1.out")'"
}

if [ $has_registers -eq 1 ]; then
    record behind
    shows behind "$past" 'spoil behind' 'behind main'
    grep -qE "#0 spoil +[a-z/]*watch.c:$line\$" behind.out || complain "not at line $line: $(grep '#0 spoil' behind.out)"
    record in_front
    shows in_front '302 heap-buffer-underflow: writes memory 1 byte before a 48-byte block' 'spoil in_front' 'in_front main'
    record in_thread
    shows in_thread "$past" 'spoil behind' 'behind in_this_thread'
    record in_child
    shows in_child "$past" 'spoil behind' 'behind in_child'
    record resized
    shows resized '301 heap-buffer-overflow: writes memory right past the end of a 31-byte block' 'spoil resized' 'resized main'

    # Nobody is watched while the program has all registers, and the next block is.
    record hold
    [ "$(sed -n '/^held$/q; s/^hakmem: HKM-301 .*, found when .* \(freed\) it/\1/p' hold.out)" = freed ] ||
        complain "hold: $(headlines hold), where the first was to be found when the program freed it"
    [ "$(plain_headlines <(sed '1,/^held$/d' hold.out))" = "$past" ] || complain "hold: $(headlines hold), where the second was to be stopped"
else
    record behind
    found_late behind
fi

for how in 1 2 3 4 5; do
    record reported
    [ "$(headlines reported)" = '301 heap-buffer-overflow: reads memory right past the end of a 48-byte block' ] || complain "reported, $how: '$(headlines reported)'"
    grep -qx through reported.out || complain "reported, $how: the program does not go on"
done

# A thread that allocates no more is rid of its register soon.
record leave
[ "$(paste -sd' ' leave.out)" = '0 events are left through' ] || complain "leave: $(cat leave.out)"

# Nor has one that ended.
for how in 1 2 3; do
    record ended
    [ "$(paste -sd' ' ended.out)" = '0 events are left through' ] || complain "ended, $how: $(cat ended.out)"
done

record behind.none HAKMEM_WATCH=0
found_late behind.none
[ "$(grep -c watchpoint behind.none.out)" -eq 0 ] || complain 'HAKMEM_WATCH=0 has a watchpoint'

# A program whose system calls are filtered is not asked for perf_event_open: that might be its end.
barred=298
record behind.barred HAKMEM_DEBUG_LEVEL=1
grep -qx 'hakmem: HAKMEM_WATCH: no debug register watches (203; docs/specs/ring.md)' behind.barred.out ||
    complain "barred: $(grep HAKMEM_WATCH behind.barred.out)"
found_late behind.barred
barred=
library=$DEAF
if [ $has_registers -eq 1 ]; then # but they do not fire
    record behind.deaf HAKMEM_DEBUG_LEVEL=1
    grep -qx 'hakmem: HAKMEM_WATCH: no debug register watches (208; docs/specs/ring.md)' behind.deaf.out ||
        complain "deaf: $(grep HAKMEM_WATCH behind.deaf.out)"
    found_late behind.deaf
fi
library=$BUILD/hakmem-debug.so

# Programs that use SIGTRAP, their descriptors and a debugger of their own.
program=$BUILD/tests/options/watch
record with_handler
grep -qx "2 traps of the program's" with_handler.out || complain "with_handler: $(head -1 with_handler.out)"
record own_trap
[ "$(paste -sd' ' own_trap.out)" = '0 traps while blocked, 1 after through' ] || complain "own traps: $(cat own_trap.out)"
record closed
[ "$(paste -sd' ' closed.out)" = 'files are whole through' ] || complain "closed: $(head -5 closed.out)"
for name in ignored traced; do
    record $name
    [ "$(grep -c watchpoint $name.out)" -eq 0 ] || complain "$name: watched all the same"
done
exit "$failed"
