#!/usr/bin/env bash
# Effects of leaks on `run`, on reports and on the command `leaks`: statuses, suppressions,
# baseline, processes of a tree, a report without a collector, a store without a scan.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
work=$PWD
cd "$SOURCE" || exit 2
for name in lost_list lost_tree lost_child kept_globals; do
    gcc -O0 -g -o "$work/$name" "tests/leaks/$name.c" || exit 2
done
record() { # store, options
    local store=$work/$1.db
    shift
    rm -f "$work/log" "$store"
    "$trace" run --log "$work/log" -s "$store" "$@" >"$work/said" 2>&1
}

# HAKMEM_LEAKS=1 tells, and leaves the status alone; error is a fault.
record told --leaks=1 -- "$work/lost_list" || complain "--leaks=1 gave $?"
grep -q '^hakmem: HKM-401 memory-leak: 480 bytes in 10 blocks leaked' "$work/log" ||
    complain "--leaks=1 told: $(head -1 "$work/log")"
grep -q '^SUMMARY: hakmem: memory-leak leaks.h:[0-9]* take hop=LEAK class=none offset=+0 bytes=480 blocks=10 store=told.db$' \
    "$work/log" || complain "summary: $(tail -1 "$work/log")"
[ "$(wc -l <"$work/log")" -le 48 ] || complain "the report has more than a screen"
record error --leaks=error -- "$work/lost_list"
[ $? -eq 1 ] || complain "--leaks=error did not give 1"
record error --leaks=error --exitcode 7 -- "$work/lost_list"
[ $? -eq 7 ] || complain "--leaks=error --exitcode 7 did not give 7"
record clean --leaks=error -- "$work/kept_globals" || complain "a program without leaks gave $?"
[ ! -s "$work/log" ] && [ ! -s "$work/said" ] || complain "a program without leaks made words"

# The command.
"$trace" leaks -s "$work/told.db" >"$work/said" || complain "leaks of --leaks=1 gave $?"
grep -Eq '^1 +direct +1 +48 .* make_list leaks/lost_list.c:[0-9]+ < main' "$work/said" ||
    grep -Eq '^[0-9]+ +direct +1 +48 .* make_list leaks/lost_list.c:[0-9]+ < main' "$work/said" ||
    complain "leaks: $(cat "$work/said")"
grep -Eq '^[0-9]+ +indirect +9 +432 ' "$work/said" || complain "leaks: $(cat "$work/said")"
"$trace" leaks -s "$work/error.db" >/dev/null
[ $? -eq 1 ] || complain "leaks of --leaks=error did not give 1"
"$trace" leaks --json --stacks -s "$work/told.db" | python3 -c '
import json, sys
told = json.load(sys.stdin)
assert [(l["kind"], l["count"], l["bytes"]) for l in told["leaks"]] == [
    ("direct", 1, 48), ("indirect", 9, 432)], told["leaks"]
assert all(any(f["function"] == "make_list" for f in l["frames"]) for l in told["leaks"])
assert all(0 < l["oldest_ns"] <= l["newest_ns"] < told["scans"][0]["ns"] for l in told["leaks"])
assert told["leaks"][1]["layer"] in ("magazine", "front")
assert told["scans"][0]["lost_blocks"] == 10
' || complain "leaks --json is not as it should be"
[ "$("$trace" leaks --limit 1 -s "$work/told.db" | grep -c ' lost_list.c\|direct ')" = 1 ] ||
    complain "leaks --limit 1 shows more"
"$trace" leaks 1 -s "$work/told.db" | grep -q '#0 *take\|#0 *make_list' || complain "leaks 1 has no stack"
"$trace" leaks 99 -s "$work/told.db" >/dev/null 2>&1
[ $? -eq 2 ] || complain "leaks 99 is no wrong usage"
"$trace" leaks -s "$work/clean.db" | grep -q '^No leak in ' ||
    complain "leaks of a clean program: $("$trace" leaks -s "$work/clean.db")"
record none -- "$work/kept_globals"
"$trace" leaks -s "$work/none.db" | grep -q '^No leak scan was made in ' ||
    complain "leaks without a scan: $("$trace" leaks -s "$work/none.db")"

# A known leak is not told, and no fault.
printf '# known\nleak:make_tree\n' >"$work/known"
HAKMEM_SUPPRESSIONS=$work/known record known --leaks=error -- "$work/lost_tree" ||
    complain "a suppressed leak gave $?"
[ ! -s "$work/log" ] || complain "a suppressed leak was told: $(head -1 "$work/log")"
"$trace" leaks -s "$work/known.db" | grep -q '11 lost; 11 blocks were known' ||
    complain "leaks does not say what was known: $("$trace" leaks -s "$work/known.db")"
printf 'leak:no_such_function\n' >"$work/other"
HAKMEM_SUPPRESSIONS=$work/other record other --leaks=error -- "$work/lost_tree"
[ $? -eq 1 ] || complain "a suppression that does not match hid a leak"
"$trace" leaks --suppressions "$work/known" -s "$work/other.db" | grep -q '^No leak in ' ||
    complain "leaks --suppressions shows what it knows"
"$trace" faults --write-baseline "$work/baseline.json" -s "$work/other.db" >/dev/null
record again --leaks=error --baseline "$work/baseline.json" -- "$work/lost_tree" ||
    complain "what the baseline knows gave $?"
"$trace" leaks --baseline "$work/baseline.json" -s "$work/other.db" >"$work/said" ||
    complain "leaks --baseline gave $?: $(cat "$work/said")"

# Each process of a tree tells of its own leaks; the page names the process.
record child --leaks=1 -- "$work/lost_child" || complain "lost_child gave $?"
grep -q '120 bytes in 2 blocks leaked.*, process [0-9]* lost_child$' "$work/log" ||
    complain "a child's page: $(head -1 "$work/log")"
[ "$("$trace" sql -s "$work/child.db" "SELECT count(*) FROM leak_scan")" = 2 ] ||
    complain "a tree of two processes has not two scans"

# Without a collector the program writes the list itself.
HAKMEM_TRACE=off HAKMEM_LEAKS=1 HAKMEM_COLLECT=/nonexistent HAKMEM_LOG=$work/raw.log \
    LD_PRELOAD=$BUILD/hakmem-debug.so "$work/lost_list" || complain "the raw report gave $?"
grep -q '480 bytes in 10 blocks leaked (raw report: ' "$work/raw.log" &&
    grep -q 'Indirect leak of 432 byte(s) in 9 object(s) allocated from:' "$work/raw.log" &&
    grep -Eq '#[0-9] 0x[0-9a-f]+ \(the program\)\+0x[0-9a-f]+$' "$work/raw.log" ||
    complain "the raw report: $(cat "$work/raw.log")"
