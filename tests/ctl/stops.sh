#!/usr/bin/env bash
# `hakmem-trace ctl PID stop` and `start`: what is handed out meanwhile is not recorded, what is given back of recorded blocks is; the
# answers say so, and accuse nobody: at levels normal, trace and light, over a kept allocator, of children, from the start on.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/obeys.sh"
sql() { "$trace" sql -s "$store" "$@" 2>/dev/null; }
is() { [ "$2" = "$3" ] || complain "$store: $1: $2, $3 was due"; }
# Blocks and bytes that obeys holds at the end.
held() { "$trace" leaks -s "$store" --held 2>/dev/null | awk '/ in obey | take_(early|late) / { n += $1; gsub(",", "", $2); b += $2 } END { print n + 0, b + 0 }'; }
lives() { sql "SELECT count(*) || ' ' || coalesce(sum(id IS NOT NULL), 0) || ' ' || coalesce(sum(end_id IS NOT NULL), 0) FROM life WHERE coalesce(size, last_size) = $1"; }

# ---- lives on both sides of a stop ---------------------------------------------------------------
# a: given back meanwhile; b: afterwards; c: resized meanwhile, moves; d: taken meanwhile, given back afterwards;
# e: taken and given back meanwhile; f: taken meanwhile and held; g: taken afterwards; h: held all the time.
for kind in normal trace kept; do
    store=$kind.db
    case $kind in
    kept) start hakmem-record.so HAKMEM_TRACE_FILE=$store ;;
    *) start hakmem-debug.so HAKMEM_CHECK=$kind HAKMEM_GUARD=off HAKMEM_TRACE_FILE=$store ;;
    esac
    for block in 'a 1001' 'b 1002' 'c 1003' 'h 1008'; do obey "take $block"; done
    ask_busy 0 'recording is stopped; checks go on$' $program stop
    ask 0 '^stopped +recording is; checks go on$' $program
    ask_busy 0 'recording was stopped already$' $program stop
    obey give a
    obey resize c 9003
    obey take d 1004
    obey take e 1005
    obey give e
    obey take f 1006
    obey churn 1000
    ask 0 'records are in' $program flush
    is 'events while it is stopped' "$(sql "SELECT count(*) FROM event WHERE size = 1006")" 0
    is 'the stop while it lasts' "$(sql "SELECT to_ns = 9223372036854775807 FROM loss WHERE reason = 'stopped'")" 1
    "$trace" info -s $store 2>/dev/null | grep -Eq '^  process [0-9]+ from [0-9.]+ m?s on$' || complain "$kind: info: $("$trace" info -s $store 2>&1 | tail -3)"
    ask_busy 0 'recording goes on$' $program start
    ask_busy 0 'recording was not stopped$' $program start
    obey give d
    obey give b
    obey take g 1007
    status=0
    finish || status=$?
    [ $status -eq 0 ] || complain "$kind: it ended with $status: $(cat errors)"
    until_true no_collector
    [ -s errors ] && complain "$kind: $(cat errors)"
    # size: lives, known births, known ends
    is 'given back meanwhile' "$(lives 1001)" '1 1 1'
    is 'given back afterwards' "$(lives 1002)" '1 1 1'
    is 'moved meanwhile' "$(lives 1003)" '1 1 1'
    is 'taken meanwhile, given back afterwards' "$(lives 1004)" '1 0 1'
    is 'taken and given back meanwhile' "$(lives 1005)" '0 0 0'
    is 'taken meanwhile and held' "$(lives 1006)" '0 0 0'
    is 'taken afterwards' "$(lives 1007)" '1 1 0'
    is 'held' "$(held)" '2 2015'
    is 'what is not known' "$(sql "SELECT sum(most) >= 1003 FROM (SELECT max(value) AS most FROM metric WHERE name = 'UNRECORDED_TAKEN.times' GROUP BY class)")" 1
    is 'faults' "$(sql 'SELECT count(*) FROM fault')" 0
    is 'stops' "$(sql "SELECT count(*) FROM loss WHERE reason = 'stopped' AND to_ns > from_ns AND to_ns < 9000000000000000000")" 1
    is 'losses' "$(sql "SELECT count(*) FROM loss WHERE reason <> 'stopped'")" 0
    is 'notes' "$(sql "SELECT count(*) FROM event WHERE kind IN ('RECORD_STOP', 'RECORD_START')")" 2
    "$trace" check -s $store >said 2>&1
    grep -q "intact, and every block's path is legal" said || complain "$kind: check: $(cat said)"
    # Each answer says it.
    at() { sed -n "s/^[0-9]* take $1 //p" told; }
    for command in "why $(at a)" "why $(at f)" 'leaks --held' 'layers' 'events --tail 1' 'info'; do
        # shellcheck disable=SC2086
        "$trace" $command -s $store 2>&1 | grep -Eq 'Recording was stopped from [0-9.]+ m?s to [0-9.]+ m?s: [0-9,]+ blocks of .* that were allocated then are not known; [0-9,]+ of them were freed then' ||
            complain "$kind: $command does not say it: $("$trace" $command -s $store 2>&1 | tail -4)"
    done
    "$trace" why -s $store "$(at a)" | grep -qF 'An owner may be missing.' || complain "$kind: why of an address that may have had another owner"
    "$trace" info -s $store --json >info.json 2>/dev/null
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" info.json || complain "$kind: info --json"
done

# ---- checks go on, and nobody is accused ---------------------------------------------------------
store=checked.db
start hakmem-debug.so HAKMEM_GUARD=off HAKMEM_TRACE_FILE=$store
obey take a 1001
ask_busy 0 'recording is stopped' $program stop
obey take b 1002
obey give b
echo 'give b' >&8
exec 8>&-
wait $program
status=$?
[ $status -eq 134 ] || complain "a second free while it is stopped: status $status: $(cat errors)"
grep -q 'HKM-202 double-free' errors || complain "no report: $(cat errors)"
until_true no_collector
"$trace" faults -s $store 2>&1 | grep -q 'double-free' || complain "the fault is not in the store"

# ---- level light: no more blocks are guarded -----------------------------------------------------
start hakmem-debug.so HAKMEM_CHECK=light HAKMEM_GUARD=sample:1 HAKMEM_TRACE_FILE=light.db
watched() { "$trace" ctl $program --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["program"]["watched_blocks"])'; }
ask_busy 0 'guarding blocks is stopped' $program stop
ask 0 '^stopped +no more blocks are guarded$' $program
before=$(watched)
obey churn 3000
[ "$(watched)" -eq "$before" ] || complain "light: blocks are guarded while that is stopped"
ask_busy 0 'guarding blocks goes on$' $program start
obey churn 3000
[ "$(watched)" -gt "$before" ] || complain "light: no block is guarded after a start"
finish

# ---- from the start on; a child goes on as its parent was ----------------------------------------
store=paused.db
start hakmem-debug.so HAKMEM_CHECK=trace HAKMEM_START_PAUSED=1 HAKMEM_TRACE_FILE=$store
obey take a 1001
ask 0 '^stopped ' $program
parent=$program
obey fork
child=$speaker
obey take b 1002
ask 0 '^stopped ' "$child"
ask_busy 0 'recording goes on$' "$child" start
ask 0 '^stopped ' "$parent"
obey take c 1003
finish
until_true no_collector
is 'from the start on' "$(sql "SELECT count(*) FROM event WHERE size IN (1001, 1002) AND kind = 'MALLOC'")" 0
is 'after the start' "$(sql "SELECT pid FROM event JOIN process ON process.id = event.process WHERE size = 1003 AND kind = 'MALLOC'")" "$child"
is 'stops of parent and child' "$(sql "SELECT count(DISTINCT process) FROM loss WHERE reason = 'stopped'")" 2
"$trace" run --start-paused -s run.db -- true || complain "run --start-paused: status $?"
store=run.db
is 'run --start-paused' "$(sql "SELECT count(*) FROM loss WHERE reason = 'stopped'")" 1

# ---- a program that is killed while it is stopped ------------------------------------------------
store=killed.db
start hakmem-debug.so HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=$store
obey take a 1001
obey take b 1002
ask_busy 0 'recording is stopped' $program stop
obey give a
obey take c 1003
kill -9 $program
exec 8>&-
wait $program 2>/dev/null
until_true no_collector
is 'held by one that was killed' "$(held)" '1 1002'
is 'its stop has an end' "$(sql "SELECT count(*) FROM loss WHERE reason = 'stopped' AND to_ns < 9000000000000000000")" 1
