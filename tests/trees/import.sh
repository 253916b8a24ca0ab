#!/usr/bin/env bash
# Programs that find no collector: their newest events go into files, and `import` makes of them the store that there
# would have been, as far as there was room; the rest is counted. Files that are broken give an error or what is left.
. "${SOURCE:?}/tests/tools/tree_run.sh"
program=$BUILD/tests/trees/import
lonely=$PWD/lonely
mkdir -p "$lonely" && cp "$debug_library" "$lonely/" || exit 2

# alone NAME STATUS COMMAND...: records without a collector, imports into store.db.
alone() {
    tree_name=$1 due_status=$2
    local status=0
    shift 2
    rm -f ./*.rings store*.db* calls
    truncate -s 1M calls
    { timeout 300 env HAKMEM_CHECK="${check-trace}" COUNT_CALLS_FILE="$PWD/calls" \
        LD_PRELOAD="$counter $lonely/hakmem-debug.so" "$@" >out 2>err </dev/null || status=$?; } 2>/dev/null
    [ "$status" -eq "$due_status" ] || fail "status $status, due $due_status: $(head -n 3 err)"
    [ "$(grep -c '^hakmem: no collector: hakmem-collect is not beside .* go into .*\.rings, ' err)" -eq 1 ] ||
        fail "one line was due on stderr: $(head -n 3 err)"
    [ "$(stat -c %a ./*.rings | sort -u)" = 600 ] || fail "the files can be read by others: $(stat -c %a ./*.rings)"
    imported 0 "${loss_status-0}" -s store.db ./*.rings
    check_store
}

# imported LINES-ON-STDERR STATUS ARGUMENT...
imported() {
    local lines=$1 due=$2 status=0
    shift 2
    "$trace" import "$@" >import.out 2>import.err || status=$?
    [ "$status" -eq "$due" ] || fail "import $*: status $status, due $due: $(cat import.out import.err)"
    [ "$(wc -l <import.err)" -eq "$lines" ] || fail "import $*: $lines lines on stderr were due: $(cat import.err)"
}

# A recording that fits is all there: one thread, several, children, programs that are executed.
alone "one thread" 0 "$program" many 20000
compare_processes
nothing_lost
expect "count(*) from frame where function = 'last_ones' and file like '%import.c' and line > 0" 2
expect "end_kind || ' ' || exit_status from process" '1 0'
left_out file_blocks || [ "$(stat -c %b ./*.rings)" -lt 12000 ] || fail "the blocks of the file that nothing is in were not given back"
alone threads 0 "$program" threads 5000
compare_processes
nothing_lost
alone "a library that is loaded" 0 "$program" loads
compare_processes
nothing_lost
expect "count(*) from module where path like '%/libstdc++.so.6'" 1
alone children 0 "$program" children 20
compare_processes
nothing_lost
expect "count(*) from process c join process p on p.id = c.parent where c.fork_event > 0" 20
if ! left_out executed; then
    alone "executed programs" 0 sh -c "'$program' many 100; exec '$program' children 3"
    compare_processes
    nothing_lost
    left_out file_blocks || [ "$(stat -c %b ./*.rings | sort -n | tail -n 1)" -lt 12000 ] || fail "what is executed does not give back: $(ls -s)"
    [ "$(echo ./*.rings | wc -w)" -eq 3 ] || fail "three files were due: $(echo ./*.rings)"
    expect "group_concat(end_kind) from (select end_kind from process where program like '%/dash' or program like '%/sh' order by id)" 3
    expect "count(*) from process where parent = 0" 2
    expect "count(*) from process where program like '%/import' and parent > 0" 4
fi

# A recording that does not fit: the newest records are kept, the rest is counted, and names are still known.
export tree_loss=some loss_status=4
alone "more than fits" 0 "$program" many 1000000
expect "count(*) > 500000 from event" 1
expect "(select total(count) from loss) + (select count(*) from event where kind in ('MALLOC', 'FREE', 'PROCESS_END'))
    between 2000021 and 2000121" 1
expect "count(*) from loss where reason <> 'written over by newer events'" 0
expect "count(*) from event where kind = 'MALLOC' and size = 7777" 10
expect "kind from event order by id desc limit 1" PROCESS_END
expect "count(*) from frame where function = 'last_ones' and file like '%import.c' and line > 0" 2
for what in "threads 200000" "short_threads 1000" "children 300"; do
    # shellcheck disable=SC2086
    alone "$what, more than fits" 0 "$program" $what
    expect "count(*) from event where kind = 'MALLOC' and size = 7777 and process = 1" 10
    expect "count(*) from loss where reason not in ('written over by newer events', 'its ring was taken for newer ones')" 0
    expect "total(lost) = (select total(count) from loss) from process" 1
done
# A child's own calls are whole, or all of them are lost.
expect "count(distinct n) from (select count(*) n from event where kind = 'MALLOC' and size < 7777 and process > 1 group by process)" 1

# Killed in the middle: all but the very last is there.
alone "killed" 137 "$program" kill 2000000
expect "count(*) from event where kind = 'MALLOC' and size = 7777" 10
expect "end_kind from process" 2
tree_loss=none loss_status=0
alone "killed early" 137 "$program" kill 1000
compare_processes
nothing_lost

# A fault: a raw report at once, the whole one from the file.
check=normal tree_name=fault
rm -f ./*.rings store*.db*
{ env LD_PRELOAD="$lonely/hakmem-debug.so" "$program" fault 1000 >out 2>err; } 2>/dev/null
[ $? -eq 134 ] || fail "status 134 was due"
grep -q '^hakmem: HKM-202 double-free .*hakmem-trace import' err && grep -q '^SUMMARY: .* store=.*\.rings$' err || fail "no raw report: $(cat err)"
imported 0 0 ./*.rings
name=$(echo ./*.rings) && mv "${name%.rings}.db" store.db || fail "the store lies elsewhere: $(ls)"
grep -q '^3,... events of 1 process, 1 fault: ' import.out || fail "said $(cat import.out)"
"$trace" faults 1 -s store.db >report || [ $? -eq 1 ] || fail "no report"
grep -q 'FREED BEFORE .*thread 1' report && grep -q '#0 main .*import.c:' report || fail "the report: $(cat report)"
"$trace" why @fault -s store.db >why || [ $? -eq 1 ] || fail "why: $(cat why)"
grep -q 'double-free reported here' why || fail "why: $(cat why)"
"$trace" import --json -s store2.db ./*.rings >json || fail "import --json"
grep -q '"command": "import"' json && grep -q '"faults": 1' json && grep -q '"unreported": 0' json && grep -q '"lost": 0' json || fail "$(cat json)"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" json || fail "import --json is not as its schema"

# Of two faults the newer one has its report.
mkdir two
{ echo f; echo g; } | (cd two && HAKMEM_ON_FAULT=continue LD_PRELOAD="$lonely/hakmem-debug.so" "$BUILD/tests/crash/frees_twice") >out 2>err
"$trace" import --json two/*.rings >json
[ $? -eq 4 ] || fail "import --json of two faults: $(cat json err)"
grep -q '"faults": 1' json && grep -q '"unreported": 1' json && grep -q '"lost": 1' json || fail "two faults: $(cat json)"

# As of a program that was killed while it filled the report area: nothing is lost, and the report is missing.
mkdir killed && cp ./*.rings killed/one.rings
python3 - killed/one.rings <<'END'
import struct, sys
with open(sys.argv[1], "r+b") as rings:
    rings.seek(88)  # docs/specs/ring.md: the area begins with its state
    rings.seek(*struct.unpack("=Q", rings.read(8)))
    rings.write(bytes([1, 0, 0, 0]))
END
"$trace" import --json killed/one.rings >json
[ $? -eq 4 ] || fail "import --json of a fault without its report: $(cat json)"
grep -q '"faults": 0' json && grep -q '"unreported": 1' json && grep -q '"lost": 0' json || fail "a fault without its report: $(cat json)"
rm -rf killed

# Imports that are refused.
tree_name=refused
imported 1 2 -s store.db ./*.rings
grep -q 'exists already; --force replaces it' import.err || fail "$(cat import.err)"
imported 0 0 --force -s store.db ./*.rings
imported 1 3 -s store3.db ./*.rings "$name"
grep -q 'are the same recording' import.err || fail "$(cat import.err)"
imported 1 3 -s store3.db /etc/passwd
grep -q 'is not a file of rings: it does not begin with HAKSES01' import.err || fail "$(cat import.err)"
# Of a processor that nobody knows; and of another one, whose store says so. Both are words at 184 of the header.
mkdir of_others && cp ./*.rings of_others/other.rings
printf '\363\0\0\0' | dd of=of_others/other.rings bs=1 seek=184 conv=notrunc status=none
imported 1 3 -s store3.db of_others/other.rings
grep -q 'other.rings is of a processor that this hakmem does not know (ELF machine 243; it knows x86-64, 62, and aarch64, 183): use' import.err ||
    fail "$(cat import.err)"
printf '\267\0\0\0' | dd of=of_others/other.rings bs=1 seek=184 conv=notrunc status=none
imported 0 0 -s store5.db of_others/other.rings
"$trace" sql -s store5.db "SELECT value FROM meta WHERE key = 'machine'" | grep -q aarch64 || fail "the store is not of aarch64"
rm -rf store5.db* of_others
imported 1 3 -s store3.db nowhere.rings
imported 1 3 -s store3.db .
imported 1 2 -s /nowhere/store3.db ./*.rings
[ ! -e store3.db ] || fail "a store was left of what was refused"
rm -f ./*.rings
env LD_PRELOAD="$lonely/hakmem-debug.so" "$program" wait 1000 >ready 2>err &
waiting=$!
until_true test -s ready || fail "the program does not begin"
if ! left_out still_written; then
    imported 1 2 -s store3.db ./*.rings
    grep -q "still written by process $waiting: wait for its end" import.err || fail "$(cat import.err)"
fi
kill -9 "$waiting"
wait "$waiting" 2>/dev/null
imported 0 0 -s store3.db ./*.rings

# Another build of the program than the one that ran: said, and no wrong names.
tree_name="another build"
rm -f ./*.rings store*.db*
cp "$program" other && LD_PRELOAD="$lonely/hakmem-debug.so" ./other many 10 2>err
cp /bin/true other
imported 1 0 -s store.db ./*.rings
grep -q "$PWD/other has changed or is missing since it ran" import.err || fail "$(cat import.err)"
expect "count(*) from frame f join module m on m.id = f.module where m.path like '%/other' and f.function <> ''" 0

# No place beside it, no place at all.
tree_name="no place"
HAKMEM_TRACE_FILE=/nowhere/at/all.db TMPDIR=$lonely LD_PRELOAD="$lonely/hakmem-debug.so" "$(type -P true)" 2>err
grep -q "go into $lonely/all.rings" err && [ -e lonely/all.rings ] || fail "$(cat err)"
ln -s "$PWD/elsewhere" hakmem.link.rings
HAKMEM_TRACE_FILE=$PWD/hakmem.link.db LD_PRELOAD="$lonely/hakmem-debug.so" "$(type -P true)" 2>err
[ -e hakmem.link.2.rings ] && [ ! -e elsewhere ] || fail "a link was followed: $(cat err)"
out=$( (ulimit -f 1000 && LD_PRELOAD="$lonely/hakmem-debug.so" "$(type -P echo)" hello) 2>err)
[ "$out" = hello ] || fail "under ulimit -f: said '$out', $(cat err)"
grep -q '^hakmem: nothing is recorded: ' err || fail "under ulimit -f: $(cat err)"
