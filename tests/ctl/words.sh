#!/usr/bin/env bash
# `hakmem-trace ctl`: status, mark, flush, sweep and leaks of programs that run, in each level and over a kept allocator; what cannot
# be asked is refused with its reason, and who does not answer is left alone.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/obeys.sh"
sql() { "$trace" sql -s "$@" 2>/dev/null; }
valid() { python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" "$1" || complain "$1 is not as the schema has it"; }

# ---- marks, and what they name -------------------------------------------------------------------
for level in normal trace; do
    start hakmem-debug.so HAKMEM_CHECK=$level HAKMEM_GUARD=off HAKMEM_TRACE_FILE=$level.db
    ask 0 "^level +$level$" $program
    ask 0 '^lost +nothing$' $program status
    ask 0 '^collector +runs$' $program
    ask 0 'all of its [0-9,]+ records are in .*/'$level'.db$' $program flush
    obey take a 1000
    ask_busy 0 '^process [0-9]+ obeys: mark "one" is in its record$' $program mark one
    "$trace" leaks -s $level.db --held --at mark:one >said 2>&1 || complain "$level: a mark that was just set is not there: $(cat said)"
    obey take b 2000
    obey mark two
    obey take c 3000
    ask_busy 0 'mark "one" is' $program mark one
    obey take d 4000
    ask 0 'records are in' $program flush
    # By bytes: names of functions may come later than flush.
    held() { "$trace" leaks -s $level.db --held --json --at "$1" 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["bytes"])'; }
    one=$(held 'mark:one#1') two=$(held mark:two) last=$(held mark:one)
    # At a mark by ctl a block of `drive` may be alive, of less than 1,000 bytes.
    [ $((two / 1000 - one / 1000)) = 2 ] || complain "$level: --at mark:one#1 and mark:two: $one and $two bytes"
    [ $((last / 1000 - two / 1000)) = 3 ] || complain "$level: --at mark:two and mark:one: $two and $last bytes"
    "$trace" events -s $level.db --since mark:two --until 'mark:one#2' 2>/dev/null | grep -qF 'malloc(3,000)' ||
        complain "$level: events --since mark:two: $("$trace" events -s $level.db --since mark:two --until 'mark:one#2' 2>&1 | head -5)"
    "$trace" events -s $level.db --kind MARK 2>/dev/null | grep -qE '1 obeys +mark "one"$' || complain "$level: events --kind MARK"
    "$trace" leaks -s $level.db --held --at mark:three >said 2>&1 && complain "$level: mark:three is there"
    grep -qF 'the capture has no mark of that name' said || complain "$level: $(cat said)"
    "$trace" leaks -s $level.db --held --at 'mark:one#3' >said 2>&1 && complain "$level: mark:one#3 is there"
    grep -qF 'the capture has 2 marks of that name' said || complain "$level: $(cat said)"

    # ---- leaks ---------------------------------------------------------------------------------
    ask_busy 0 'no lost block was found$' $program leaks
    obey take e 500
    obey lose e
    drive
    timeout 300 "$trace" ctl $program leaks -t 60 --json >leaks.json || [ $? -eq 1 ] || complain "$level: ctl leaks --json: status $?"
    calm
    valid leaks.json
    grep -q '"found": 1$' leaks.json || complain "$level: $(cat leaks.json)"
    ask 0 'records are in' $program flush
    [ "$(sql $level.db "SELECT DISTINCT reason FROM leak_scan")" = "by ctl" ] || complain "$level: leak scans: $(sql $level.db 'SELECT reason FROM leak_scan')"
    grep -q 'lost_blocks\|Direct leak' errors || complain "$level: no leak report: $(cat errors)"

    # ---- sweeps --------------------------------------------------------------------------------
    if [ $level = normal ]; then
        ask_busy 0 'no damaged block was found$' $program sweep
        obey overrun d
        drive
        timeout 300 "$trace" ctl $program sweep -t 60 >said 2>&1
        [ $? -eq 2 ] || complain "sweep of a damaged block: $(cat said)"
        calm
        grep -q 'ended while it was asked: a sweep that finds damage' said || complain "$(cat said)"
        finish
        grep -q 'SUMMARY: hakmem: heap-buffer-overflow' errors || complain "no report of the sweep: $(cat errors)"
        grep -q 'the sweep by ctl' errors || complain "the report does not say who found it: $(cat errors)"
    else
        ask_busy 2 'cannot be asked for sweep: level trace has no bytes around blocks' $program sweep
        finish
    fi
    until_true no_collector
    "$trace" check -s $level.db >said 2>&1 || complain "$level: $(cat said)"
done

start hakmem-debug.so HAKMEM_ON_FAULT=continue HAKMEM_GUARD=off HAKMEM_TRACE_FILE=on.db
obey take a 400
obey overrun a
ask_busy 1 '1 damaged block was found, and reported' $program sweep
ask_busy 0 'no damaged block was found' $program sweep
kill -0 $program || complain "it was ended"
finish

# ---- over a kept allocator, and level light ------------------------------------------------------
start hakmem-record.so HAKMEM_TRACE_FILE=kept.db
ask 0 "^allocator +the program's own" $program
ask_busy 0 'mark "kept" is' $program mark kept
ask 0 'records are in' $program flush
"$trace" events -s kept.db --kind MARK 2>/dev/null | grep -qF 'mark "kept"' || complain "keep: no mark"
ask_busy 2 'hakmem-record.so records, and checks nothing' $program sweep
ask_busy 2 'hakmem-record.so records, and checks nothing' $program leaks
finish

start hakmem-debug.so HAKMEM_CHECK=light HAKMEM_TRACE_FILE=light.db HAKMEM_GUARD=sample:1
ask_busy 0 'mark "seldom" is' $program mark seldom
marked() { "$trace" events -s light.db --kind MARK 2>/dev/null | grep -qF 'mark "seldom"'; }
until_true marked || complain "light: no mark"
ask_busy 0 '^store .*/light.db$' $program flush
ask_busy 0 'no damaged block was found' $program sweep
ask_busy 2 'level light knows its guarded blocks alone' $program leaks
finish

# ---- the first thread has ended, and others go on ------------------------------------------------
for level in normal light; do
    start hakmem-debug.so HAKMEM_CHECK=$level HAKMEM_TRACE_FILE=left-$level.db HAKMEM_GUARD=sample:1
    obey leave
    until_true grep -q 'Z (zombie)' /proc/$program/status || complain "the first thread has not ended"
    ask 0 "^level +$level$" $program
    timeout 300 "$trace" ctl $program mark never -t 1 >said 2>&1
    [ $? -eq 4 ] || complain "a program that waits answers: $(cat said)"
    grep -q 'all its threads wait in system calls' said || complain "$(cat said)"
    ask_busy 0 'mark "left" is' $program mark left
    ask_busy 0 'no damaged block was found' $program sweep
    [ $level = light ] || ask_busy 0 'no lost block was found$' $program leaks
    finish
    until_true no_collector
    [ "$(sql left-$level.db 'SELECT name FROM mark')" = left ] || complain "marks: $(sql left-$level.db 'SELECT name FROM mark')"
done

# ---- a child is a process of its own -------------------------------------------------------------
start hakmem-debug.so HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=tree.db
obey fork
child=$speaker
[ "$child" != $program ] || complain "nothing was forked"
ask_busy 0 'mark "child" is' "$child" mark child
ask 0 'records are in' "$child" flush
[ "$(sql tree.db "SELECT pid FROM mark JOIN process ON process.id = mark.process WHERE name = 'child'")" = "$child" ] ||
    complain "the mark is not the child's: $(sql tree.db 'SELECT * FROM mark')"
timeout 300 "$trace" ctl $program mark parent -t 1 >said 2>&1
[ $? -eq 4 ] || complain "the parent waits for its child and answers: $(cat said)"
grep -q 'has not answered within 1 second: all its threads wait in system calls; nothing is asked' said || complain "$(cat said)"
finish

# ---- who does not answer -------------------------------------------------------------------------
start hakmem-debug.so HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=silent.db
kill -STOP $program
until_true are_stopped $program
timeout 300 "$trace" ctl $program mark never -t 1 >said 2>&1
[ $? -eq 4 ] || complain "a stopped program answers: $(cat said)"
grep -q 'it is stopped (SIGSTOP, or a debugger)' said || complain "$(cat said)"
ask 0 'records are in' $program flush
ask 0 '^level +trace$' $program
kill -CONT $program
obey spin
timeout 300 "$trace" ctl $program mark never -t 1 >said 2>&1
[ $? -eq 4 ] || complain "a program that calls nothing answers: $(cat said)"
grep -q 'it runs, but calls nothing of the malloc family' said || complain "$(cat said)"
obey take a 40
# Two at once wait for one another, and both marks are set.
timeout 300 "$trace" ctl $program mark first -t 60 >first 2>&1 &
first=$!
timeout 300 "$trace" ctl $program mark second -t 60 >second 2>&1 &
second=$!
drive
wait $first || complain "first: $(cat first)"
wait $second || complain "second: $(cat second)"
calm
ask 0 'records are in' $program flush
[ "$(sql silent.db 'SELECT name FROM mark ORDER BY name')" = "$(printf 'first\nsecond')" ] || complain "marks: $(sql silent.db 'SELECT name FROM mark')"
# Another one holds the lock.
python3 -c "import fcntl, os, sys, time
f = os.open('/proc/$program/maps', os.O_RDONLY)
fcntl.flock(f, fcntl.LOCK_EX)
open('held', 'w').close()
time.sleep(600)" &
holder=$!
until_true test -e held
timeout 300 "$trace" ctl $program mark never -t 1 >said 2>&1
[ $? -eq 4 ] || complain "two at once: $(cat said)"
grep -q 'another ctl asks process' said || complain "$(cat said)"
kill $holder
# It dies while it is asked.
kill -STOP $program
timeout 300 "$trace" ctl $program mark never -t 60 >said 2>&1 &
asking=$!
sleep 0.3 # either way the answer is the same
kill -9 $program
wait $asking
[ $? -eq 2 ] || complain "a program that was killed: $(cat said)"
grep -Eq 'ended while it was asked|has no memory|there is no process' said || complain "$(cat said)"
exec 8>&-
wait $program 2>/dev/null
ask 2 'there is no process' $program

# ---- what is no question -------------------------------------------------------------------------
start hakmem-debug.so HAKMEM_TRACE=off
ask 0 '^store +none: the program is not recorded' $program
ask 2 'is not recorded, and mark is of a record' $program mark one
ask 2 'is not recorded, and flush is of a record' $program flush
ask_busy 0 'no damaged block was found' $program sweep
ask 2 'mark needs a NAME' $program mark
ask 2 "flush takes no 'now'" $program flush now
ask 2 "a mark's name has 1 to 200 bytes, this one 0" $program mark ''
ask 2 "a mark's name has 1 to 200 bytes, this one 201" $program mark "$(printf '%0201d' 0)"
ask 2 'is one line of text' $program mark "$(printf 'a\nb')"
ask 2 "'swep' is none of .*did you mean 'sweep'" $program swep
ask 2 "'0' is no process id" 0
ask 2 "'4711x' is no process id" 4711x
ask 2 'does not run under' $$
finish
