#!/usr/bin/env bash
# `run --profile-only`: what top, heap, diff, leaks --held, info and check say is what a capture of the same program with its events says; all else is refused with a reason.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/cli
${CC:-cc} -w -fno-builtin -O0 -g -o rows "$here/rows.c" || fail "rows.c does not compile"
"$trace" run --check trace -s log.db -- ./rows 500 child >said 2>&1 || complain "run: status $?: $(cat said)"
"$trace" run --profile-only -s only.db -- ./rows 500 child >said 2>&1 || complain "run --profile-only: status $?: $(cat said)"
[ ! -s said ] || complain "it says: $(cat said)"
[ "$("$trace" sql -s only.db "select value from meta where key = 'check'")" = trace ] || complain 'its level is not trace'
[ "$("$trace" sql -s only.db 'select (select count(*) from chunk), (select count(*) from profile_run) > 0, (select count(*) from profile_peak)')" = $'0\t1\t1' ] ||
    complain 'there are chunks, or no runs'

# same WORDS ...: the two captures say the same of it, but for names and moments
same() {
    for store in log only; do
        "$trace" "$@" -s $store.db 2>errors >page || complain "$* of $store.db: status $?: $(cat errors)"
        sed -E "s/$store\.db/STORE/; s/[0-9,]+\.[0-9]+ s/TIME/g; s/event [0-9,]+/EVENT/g; s/\([0-9,]+ events/(EVENTS/; s/^[0-9]+ \(rows/PID (rows/; s/[0-9.]+ .iB each second/RATE/" page >said.$store
    done
    diff said.log said.only >differ || complain "$*: $(cat differ)"
}
same top
same top --tree
same top --bottom-up --all
same top --at end
same top --by short-lived
same top --by calls --per line
same top --between start end --per file
same top --focus keep --at peak --per stack --stacks
"$trace" diff log.db only.db >page || complain "diff: status $?"
grep -qE '^ +0  4,000,000  4,000,000 +0    keep_rows  cli/rows\.c:11$' page || complain "diff: $(cat page)"
"$trace" heap --json -s only.db >only.json || complain "heap: status $?"
"$trace" heap --json -s log.db >log.json
python3 - <<'EOF' || failed=1
import json
only, log = (json.load(open(name)) for name in ("only.json", "log.json"))
names = ("allocated_blocks", "allocated_bytes", "freed_blocks", "freed_bytes", "short_lived_blocks", "short_lived_bytes", "unknown_blocks")
for name in names:
    if only[name] != log[name]:
        print(f"heap: {name} is {only[name]}, with events {log[name]}")
        raise SystemExit(1)
for name in ("live_blocks", "live_bytes"):
    if only["peak"][name] != log["peak"][name] or only["held"][name] != log["held"][name]:
        print(f"heap: {name} at the peak is {only['peak'][name]}, with events {log['peak'][name]}")
        raise SystemExit(1)
if sorted(p["peak"]["live_bytes"] for p in only["processes"]) != sorted(p["peak"]["live_bytes"] for p in log["processes"]):
    print("heap: peaks of the processes differ")
    raise SystemExit(1)
EOF
"$trace" leaks --held --json -s only.db >held || complain "leaks --held: status $?"
python3 -c 'import json; held = json.load(open("held")); assert held["blocks"] == 3000 and held["bytes"] == 3000000 and held["held"][0]["oldest_ns"] is None, held' || complain 'leaks --held'
"$trace" check -s only.db >said || complain "check: status $?: $(cat said)"
grep -qE '^only\.db: intact; only the profile is kept, so no block.s path is known: [0-9,]+ events of 2 processes\. Nothing was lost in this capture\.$' said || complain "check: $(cat said)"
"$trace" info -s only.db | grep -q '^events .* in the profile, which is all that is kept, from' || complain "info: $("$trace" info -s only.db)"
"$trace" top --at 0.0000001 -s only.db >said || complain "a moment in front: status $?"
grep -q 'live before the first event, the nearest moment that is kept, in only.db' said || complain "a moment in front: $(cat said)"
"$trace" top --at '#100' -s only.db >said || complain "a moment inside: status $?"
grep -q ', the nearest moment that is kept, in only.db' said || complain "a moment inside: $(cat said)"

# Commands that need events are refused.
due="hakmem-trace: $PWD/only.db: of this capture only the profile is kept (run --profile-only), no events: top, heap, diff, leaks --held, view and info answer"
for words in events 'why 0x1000' 'block 0x1000' threads layers 'top --per class' 'top --per thread' 'top --thread 1' 'top --short-lived 3'; do
    # shellcheck disable=SC2086
    "$trace" $words -s only.db >page 2>errors
    got=$?
    [ "$got" -eq 3 ] && [ "$(cat errors)" = "$due" ] && [ ! -s page ] || complain "$words: status $got: $(cat page errors)"
done

"$trace" run --check normal --profile-only -s normal.db -- ./rows 500 >said 2>&1 || complain "level normal: status $?: $(cat said)"
[ "$("$trace" sql -s normal.db "select value from meta where key = 'check'")" = normal ] || complain '--check normal is not taken'
