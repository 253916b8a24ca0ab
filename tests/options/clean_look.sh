#!/usr/bin/env bash
# A write that a sweep found lies between the sweep before, which found the block whole, and that one: the
# report and its JSON give the call of each. Without a sweep before it, the block's own last event begins it.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
program=$BUILD/tests/options/clean_look
scratch=$PWD

# shows DUE ARGUMENT VARIABLE=VALUE...: the window and the first frames of both its ends.
shows() {
    local due=$1 argument=$2 found
    shift 2
    # shellcheck disable=SC2086 # an argument or none
    found=$(env HAKMEM_GUARD=off HAKMEM_TRACE_FILE="$scratch/${argument:-live}.$#.db" "$@" LD_PRELOAD="$BUILD/hakmem-debug.so" "$program" $argument 2>&1 |
        awk '/^  WRITTEN BETWEEN/ { print }
             /^  [A-Z]/ { part = /LAST CLEAN LOOK/ ? "whole in" : /^  FOUND/ ? "found in" : "" }
             part && $1 == "#0" { print part, $2; part = "" }' |
        sed -E 's/^  WRITTEN BETWEEN +//; s/event [0-9,]+/event N/g; s/[0-9.]+ s,/N s,/; s/; writes are.*//' | paste -sd';')
    [ "$found" = "$due" ] || complain "$argument $*: shows '$found', '$due' was due"
}
sweep='the periodic sweep at N s, which found the block intact, and event N'
shows "$sweep;whole in last_call_before;found in first_call_after" '' HAKMEM_SWEEP_EVERY=1
shows "$sweep;whole in last_call_before;found in first_call_after" '' HAKMEM_SWEEP_EVERY=1 HAKMEM_GUARD=auto
shows "$sweep;whole in last_call_before;found in first_call_after" freed HAKMEM_SWEEP_EVERY=1 HAKMEM_CLOSE_PAGES=0
shows "$sweep;whole in last_call_before;found in first_call_after" partly HAKMEM_SWEEP_EVERY=1
# Its page is opened by the access that is reported first.
shows "found in main;the opening of its page at N s, before which nobody could write there, and event N;found in first_call_after" \
    freed HAKMEM_SWEEP_EVERY=1 HAKMEM_ON_FAULT=continue
shows 'event N (malloc(10)) and event N;found in first_call_after' '' HAKMEM_SWEEP_EVERY=6

"$BUILD/hakmem-trace" faults 1 --json -s "$scratch/live.1.db" |
    python3 -c '
import json, sys
look = json.load(sys.stdin)["fault"]["clean_look"]
sys.exit(look["by"] != "sweep by count" or look["ns"] <= 0 or
         "last_call_before" not in [f.get("function") for f in look["frames"]])' || complain "the JSON of the fault does not give the clean look"
