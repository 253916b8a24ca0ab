#!/usr/bin/env bash
# `hakmem-trace ctl` reads what hakmem did in a program that runs at level light, and has it stored; a program that
# stands still is left alone. It names what it cannot ask, and what can.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"

mkfifo in
HAKMEM_CHECK=light HAKMEM_GUARD=sample:1 LD_PRELOAD=$BUILD/hakmem-debug.so "$BUILD/tests/light/faulty" <in >out 2>err &
program=$!
exec 8>in
went_on() { [ "$(grep -c '^on' out)" -ge "$1" ]; }
echo a >&8
until_true went_on 1 || exit 1

# ask STATUS TEXT ARGUMENT...: ctl ends with it, and says a line with the pattern TEXT.
ask() {
    local due=$1 text=$2
    shift 2
    timeout 300 "$trace" ctl "$@" >said 2>&1
    local status=$?
    [ "$status" -eq "$due" ] || complain "ctl $*: status $status, $due was due: $(cat said)"
    grep -Eq -- "$text" said || complain "ctl $*: it does not say '$text': $(cat said)"
}

ask 0 '^level +light$' $program
ask 0 '^watched +every block was watched: [0-9]+ so far, [1-9][0-9]* live now' $program status
ask 0 '^reports +0$' $program
ask 0 '^store +none yet' $program
ask 0 '^collector +none' $program
until_true no_collector || complain "status started a collector"

# It allocates nothing, and the request is taken back: what it allocates later leads to no store.
ask 4 'has not answered within 1 second: all its threads wait in system calls' $program store -t 1
echo a >&8
until_true went_on 2
until_true no_collector || complain "a request that was taken back started a collector"
compgen -G '*.db' >/dev/null && complain "a request that was taken back made a store"

timeout 300 "$trace" ctl $program store -t 90 --json >stored 2>&1 &
asking=$!
while kill -0 $asking 2>/dev/null; do
    echo a >&8
    sleep 0.05
done
wait $asking || complain "ctl store: status $?: $(cat stored)"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" stored || failed=1
until_true no_collector || complain "a collector is left"
store=$(python3 -c 'import json; print(json.load(open("stored"))["program"]["store"])')
[ "$store" = "$(echo "$PWD"/*.db)" ] || complain "the store is said to be $store: $(ls)"
[ "$("$trace" sql "SELECT count(*) > 0 FROM life WHERE size = 88")" = 1 ] || complain "the store has no block: $("$trace" events)"
"$trace" info | grep -Eq 'Level light: .*(block|blocks) was watched' || complain "$("$trace" info)"
"$trace" check >said 2>&1 || complain "$(cat said)"

# A fault goes into the same store.
echo r >&8
reported() { grep -q '^SUMMARY' err; }
until_true reported || complain "there is no report"
until_true no_collector
ask 0 '^reports +1$' $program
[ "$("$trace" sql 'SELECT count(*) FROM fault')" = 1 ] || complain "$("$trace" faults)"
"$trace" check >said 2>&1 || complain "$(cat said)"

ask 2 "'nonsense' is none of status, start" $program nonsense
ask 2 'no process id' x
ask 2 'does not run under' $$
exec 8>&-
wait $program
status=$?
[ $status -eq 5 ] || complain "the program ended with $status, 5 was due: $(cat err)"
ask 2 'there is no process' $program

# A recorded program: where it is stored.
mkfifo in2
rm out # the other program's lines are none of this one's
HAKMEM_TRACE_FILE=recorded.db LD_PRELOAD=$BUILD/hakmem-debug.so "$BUILD/tests/light/faulty" <in2 >out 2>err &
program=$!
exec 8>in2
echo a >&8
until_true went_on 1
ask 0 '^level +normal$' $program
ask 0 "^store +$PWD/recorded.db" $program
ask 2 'is stored while it runs, in .*recorded.db' $program store
exec 8>&-
wait $program
until_true no_collector
