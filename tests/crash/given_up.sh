#!/usr/bin/env bash
# A program gives its report up while the collector is stopped, and prints a raw one: the collector stores the report
# when it goes on, also a new one in its place. A report that it cannot get is counted, and `faults` never says that
# there was no fault.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
complain() { echo "$case: $*"; failed=1; }

# begin CASE PROGRAM [VARIABLE=VALUE...]: starts it in a directory of its own; its input is descriptor 8.
begin() {
    case=$1
    local executed=$2
    shift 2
    mkdir "$case" && cd "$case" && mkfifo in || exit 2
    start "$executed" "$@"
    # A collector that does not answer in time, as on a machine with much to do, is no matter of this test.
    while until_true has_started && grep -q '^hakmem: no collector' err; do
        kill -9 "$program"
        exec 8>&-
        wait "$program" 2>/dev/null
        rm -f ./*.rings
        start "$executed" "$@"
    done
}
start() {
    local executed=$1
    shift
    env "$@" HAKMEM_TRACE_FILE=store.db HAKMEM_ON_FAULT=continue LD_PRELOAD="$BUILD/hakmem-debug.so" "$executed" <in >out 2>err &
    program=$!
    exec 8>in
}
has_started() { grep -qs ready out; }
lines() { [ "$(grep -c '^on' out)" -ge "$1" ]; }
# The collector of store.db stands still from here on.
stop() {
    until_true worker_of "$PWD/store.db" || exit 1
    keeper=$(parent_of "$worker")
    kill -STOP "$keeper" "$worker"
    until_true are_stopped "$keeper" "$worker" || exit 1
}
# tell LETTER NUMBER: the program does that, and has gone on so often.
tell() {
    echo "$1" >&8
    until_true lines "$2" || fail "the program has not gone on: $(cat out err)"
}
# finish REPORTS: the program ends as it would, and has had so many reports, the first a raw one.
finish() {
    exec 8>&-
    wait "$program" 2>/dev/null
    local status=$? ends
    [ "$status" -eq 5 ] || complain "exit status $status, 5 was due: $(cat err)"
    until_true no_collector || complain "a collector is left: $(collectors)"
    ends=$(grep -c '^SUMMARY: hakmem: ' err)
    [ "$ends" -eq "$1" ] || complain "$ends reports, $1 were due: $(cat err)"
    grep -q 'raw report' err || complain "no report was given up: nothing was tried here"
}
alter() { python3 -c 'import sqlite3, sys; db = sqlite3.connect("store.db"); db.execute(sys.argv[1]); db.commit()' "$1"; }
ask() { "$trace" sql -s "${2:-store.db}" "$1" | tail -n 1; }
# stored ROWS LOST: so many reports, each with its event; and so many that count as lost.
stored() {
    [ "$(ask "SELECT count(*) FROM fault WHERE event > 0 AND report LIKE '%double-free%'")" = "$1" ] ||
        complain "$1 reports were due: $(ask 'SELECT count(*) FROM fault')"
    [ "$(ask "SELECT coalesce(sum(count), 0) FROM loss WHERE reason = 'its report not stored'")" = "$2" ] ||
        complain "$2 lost reports were due: $("$trace" info -s store.db)"
}
# says STATUS LINE COMMAND...: the command's status, and a line of its.
says() {
    local due=$1 line=$2 status
    shift 2
    "$trace" "$@" -s store.db >said 2>&1
    status=$?
    [ $status -eq "$due" ] || complain "$1 ended with $status, $due was due: $(cat said)"
    grep -q -- "$line" said || complain "$1 does not say '$line': $(cat said)"
}

begin one "$BUILD/tests/crash/frees_twice"
stop
tell f 1
kill -CONT "$keeper" "$worker"
finish 1
stored 1 0
says 1 'HKM-202 double-free' faults
! grep 'without a report' said || complain "its only fault has one"
says 0 'Nothing was lost' info

# As a collector leaves it that is killed in between.
alter "DELETE FROM fault"
says 1 '^No report of a fault in .* 1 fault is recorded without a report' faults
says 1 '"faults": \[\]' faults --json
says 1 '"unreported": 1' faults --json
says 1 'faults: 1 fault is recorded without a report' faults --quickfix

# A suppression of another fault hides none; a store of an earlier version says only how often it was used, also of
# the events before those of a collector of today.
event=$(ask "SELECT id FROM event WHERE kind = 'FAULT'")
alter "INSERT INTO suppression(path, line, text, used) VALUES('/known', 1, 'fault:202:f', 1)"
says 1 '1 fault is recorded without a report' faults
for since in "'$event'" NULL; do
    alter "INSERT OR REPLACE INTO meta VALUES('fault_events_since', $since)"
    [ "$since" != NULL ] || alter "DELETE FROM meta WHERE key = 'fault_events_since'"
    # One of the events behind those suppressed by its block is noted, and is no use: those before stay as they are.
    if [ "$since" != NULL ]; then
        alter "UPDATE meta SET value = 1 WHERE key = 'fault_suppressions_before'"
        alter "INSERT INTO meta VALUES('suppressed_fault.9999999', '1')"
        says 0 '^No fault in ' faults
        alter "UPDATE meta SET value = 0 WHERE key = 'fault_suppressions_before'"
        says 1 '1 fault is recorded without a report' faults
        alter "DELETE FROM meta WHERE key LIKE 'suppressed%'"
    fi
    alter "DELETE FROM meta WHERE key = 'fault_suppressions_before'"
    says 0 '^No fault in ' faults
    alter "INSERT INTO meta VALUES('suppressed_fault.9999999', '1')"
    says 1 '1 fault is recorded without a report' faults
    alter "INSERT INTO meta VALUES('suppressed_fault.$event', '1')"
    says 0 '^No fault in ' faults
    alter "DELETE FROM meta WHERE key LIKE 'suppressed%'"
done
alter "DELETE FROM suppression"

# An error of the store is no answer that all is well, nor one that there is a fault.
cp store.db whole.db
alter "DROP TABLE suppression"
says 3 'no such table: suppression' faults
says 3 'no such table: suppression' faults --quickfix
! grep -qE '^No |^[0-9]+ fault' said || complain "faults answers beside an error: $(cat said)"
mv whole.db store.db

# A report names the call that was stopped, which may be trimmed: the fault's time is its event's. Of a fault whose
# event was not found it is a later one. An earlier fault's report is not this one's.
report() { alter "INSERT INTO fault SELECT 1, 202, $1, $2, 1, 1, '', '', '', ''"; }
ns=$(ask "SELECT ns FROM event WHERE id = $event")
for time in "$ns" $((ns + 1)) 0; do
    report $((event - 1)) "$time"
    "$trace" faults -s store.db >said 2>&1
    ! grep -q 'without a report' said || complain "a fault with a report at $time has none: $(cat said)"
    alter "DELETE FROM fault"
done
report $((event - 1)) $((ns - 1))
says 1 '1 fault is recorded without a report' faults
alter "DELETE FROM fault"
cp store.db whole.db
alter "INSERT OR REPLACE INTO meta VALUES('trimmed_events', '$((event - 1))')"
report $((event - 1)) "$ns"
"$trace" faults -s store.db >said 2>&1
! grep -q 'without a report' said || complain "a fault whose call is trimmed has none: $(cat said)"
mv whole.db store.db
cd ..

# A place is reported again each second: both reports are stored, and each stands for its own fault, of which the
# other ones, left out on purpose, are none.
begin every "$BUILD/tests/crash/frees_twice" HAKMEM_REPORT_EVERY=1
told=0
is_told_again() {
    tell f $((told += 1))
    [ "$(grep -c '^SUMMARY: hakmem: ' err)" -ge 2 ]
}
until_true is_told_again || complain "one place was not reported twice: $(cat err)"
exec 8>&-
wait "$program" 2>/dev/null
until_true no_collector || complain "a collector is left: $(collectors)"
stored 2 0
[ "$(ask "SELECT count(*) FROM event WHERE kind = 'FAULT'")" = 2 ] || complain "two FAULT events were due: $("$trace" events -s store.db --kind FAULT)"
"$trace" faults -s store.db >said 2>&1
! grep -q 'without a report' said || complain "a fault with a report has none: $(cat said)"
cp store.db whole.db
for kept in 1 2; do
    alter "DELETE FROM fault WHERE id <> $kept"
    says 1 '1 fault is recorded without a report' faults
    # A second row of it, as an earlier version stored where a worker had died.
    alter "INSERT INTO fault SELECT 3, code, event, ns, process, thread, '', '', '', '' FROM fault"
    says 1 '1 fault is recorded without a report' faults
    cp whole.db store.db
done
cd ..

# The collector dies while its report is waited for: the program asks the next one, for the same event.
waits_for_report() { [ "$(cut -d ' ' -f 1 "/proc/$program/syscall")" = $futex ]; }
case $(uname -m) in aarch64) futex=98 ;; *) futex=202 ;; esac
asked=0
while
    begin "again$((asked += 1))" "$BUILD/tests/crash/frees_twice"
    stop
    echo f >&8
    until_true waits_for_report || exit 1
    kill_at_once "$keeper" "$worker"
    until_true lines 1 || fail "the program has not gone on: $(cat out err)"
    exec 8>&-
    wait "$program" 2>/dev/null
    until_true no_collector || complain "a collector is left: $(collectors)"
    grep -q 'raw report' err && [ $asked -lt 20 ] # it was given up before, on a machine with much to do
do cd ..; done
stored 1 0
[ "$(ask "SELECT count(*) FROM event WHERE kind = 'FAULT'")" = 1 ] || complain "one FAULT event was due: $("$trace" events -s store.db --kind FAULT)"
"$trace" faults -s store.db >said 2>&1
! grep -q 'without a report' said || complain "a fault with a report has none: $(cat said)"
cd ..

# The first request stays: the other faults, one of them a child's, have their events and are counted.
begin three "$BUILD/tests/crash/frees_twice"
stop
tell f 1
tell g 2
tell c 3
kill -CONT "$keeper" "$worker"
finish 3
stored 1 2
[ "$(ask "SELECT count(DISTINCT process) FROM loss")" = 2 ] || complain "both processes lost a report: $("$trace" info -s store.db)"
[ "$("$trace" events -s store.db --kind FAULT | grep -c FAULT)" -eq 3 ] || complain "three FAULT events were due"
says 1 '^2 faults are recorded without a report' faults
says 4 '2 events were lost' info
says 4 'its report not stored' info
cd ..

# The one that is stopped never goes on: that which the program starts has the request.
begin killed "$BUILD/tests/crash/frees_twice"
stop
tell f 1
kill_at_once "$keeper" "$worker"
tell g 2
finish 2
stored 2 0
says 1 'HKM-202 double-free' faults
cd ..

# Level light lets go of the session when it has given up. The report is being written then: it is stored once.
held=$PWD/held
printf 'char held[] __attribute__((section(".deadly_load_hold"), used)) = "%s";\n' "$held" >hold.c
${CC:-gcc} -g -O0 -w -o slow "$SOURCE/tests/crash/frees_twice.c" hold.c || exit 1
touch "$held"
begin light ../slow HAKMEM_CHECK=light HAKMEM_GUARD=sample:1 HAKMEM_WATCH=0 HAKMEM_COLLECT="$BUILD/tests/security/hakmem-collect"
echo f >&8
stop
until_true lines 1 || fail "the program has not gone on: $(cat out err)"
rm "$held"
kill -CONT "$keeper" "$worker"
finish 1
stored 1 0
says 1 'HKM-202 double-free' faults

# A destructor that runs behind hakmem's own frees twice, for which a ring is opened: the fault has its report.
case=late
"$trace" run -s ../late.db -- "$BUILD/tests/crash/frees_late" >out 2>err
cp ../late.db store.db
says 1 'HKM-202 double-free' faults
! grep -q 'without a report' said || complain "a fault with a report has none: $(cat said)"
