#!/usr/bin/env bash
# The last lines of `run` on a terminal: peak, whose it was, calls, with the numbers of `top` and `heap`; how much was checked. Elsewhere, and where nothing is recorded, there is none.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/cli
unset NO_COLOR
${CC:-cc} -w -fno-builtin -O0 -g -o rows "$here/rows.c" || fail "rows.c does not compile"
${CC:-cc} -shared -fPIC -O1 -o slow_clock.so "$here/../tools/slow_clock.c" || fail "no slow_clock.so"

# said WORDS ...: what a terminal shows of `run WORDS ...`, moments as TIME
said() {
    COMMAND=$(printf '%q ' "$trace" run --force -s rows.db "$@") script -qec 'eval "$COMMAND"' /dev/null </dev/null 2>&1 |
        tr -d '\r' | sed -E 's/at [0-9.,]+ (us|ms|s)/at TIME/'
}

# expect NAME LINES: of what was said
expect() { [ "$(cat shown)" = "$2" ] || complain "$1: it says:" "$(cat shown)"; }

said --check trace -- ./rows 500 >shown
expect 'a list' "hakmem: $("$trace" sql -s rows.db "select printf('%,d', count(*)) from event") events, rows.db
hakmem: peak 976.6 KiB at TIME, 100 % in keep_rows (cli/rows.c:11); 1,500 calls, 33 % short-lived
hakmem: no fault seen: 1,500 frees checked, no writes and reads (level trace), leaks not looked for (--leaks); level normal checks them"
said --check trace -- ./rows 500 child >shown
grep -qxF 'hakmem: peak 3.8 MiB at TIME, 100 % in keep_rows (cli/rows.c:11); 3,500 calls, 14 % short-lived' shown || complain "a child: $(cat shown)"
"$trace" heap --json -s rows.db | python3 -c 'import json, sys; heap = json.load(sys.stdin); print(heap["peak"]["live_bytes"], heap["allocated_blocks"], heap["short_lived_blocks"])' >numbers
[ "$(cat numbers)" = '4000000 3500 500' ] || complain "heap counts something else: $(cat numbers)"
said --check normal -- ./rows 500 >shown
tail -n 1 shown | grep -qxE 'hakmem: no fault seen: writes checked in all 3,0[0-9]{2} calls, reads in [0-9]+ of 1,50[0-9] blocks, of ([0-9]+) of \1 call stacks? \(padding aside; the rest: too many of a call stack\), leaks not looked for \(--leaks\); hakmem-trace hunt -- ./rows 500 checks reads in all, to the byte' ||
    complain "level normal does not say what was checked: $(cat shown)"
[ "$("$trace" info -s rows.db | sed -n 's/^checked *//p')" = "$(tail -n 1 shown | sed 's/^hakmem: no fault seen: //; s/; hakmem-trace .*//')" ] || complain "info says: $("$trace" info -s rows.db)"
"$trace" run --force --json -s rows.db -- ./rows 500 | python3 -c 'import json, sys; checked = json.load(sys.stdin)["checked"]; assert checked["calls"] == checked["writes_in_calls"] > checked["blocks"] > checked["reads_in_blocks"] > 0, checked' ||
    complain 'JSON does not say what was checked'
said --guard all -- ./rows 50 >shown
tail -n 1 shown | grep -qxE 'hakmem: no fault seen: writes checked in all [0-9,]+ calls, reads in ([0-9,]+) of \1 blocks \(padding aside\).*; hakmem-trace hunt -- .*' || complain "all are guarded: $(cat shown)"
said --check normal -- ./rows 500 >shown
tail -n 2 shown | head -n 1 | grep -qxF 'hakmem: peak 976.6 KiB at TIME, 100 % in keep_rows (cli/rows.c:11); 1,500 calls, 33 % short-lived' || complain "level normal: $(cat shown)"
said --check trace -- ./rows 2000000 >shown
tail -n 2 shown | head -n 1 | grep -qE '^hakmem: (peak .*; 2\.0 M calls, 100 % short-lived|the peak takes longer to find: hakmem-trace top -s rows.db shows it)$' || complain "a long one: $(cat shown)"
LD_PRELOAD=$PWD/slow_clock.so said --check trace -- ./rows 400000 >shown
tail -n 2 shown | head -n 1 | grep -qxF 'hakmem: the peak takes longer to find: hakmem-trace top -s rows.db shows it' || complain "a clock that runs away: $(cat shown)"

said --check trace -- ./rows 0 >shown
[ "$(wc -l <shown)" -eq 2 ] || complain "no call: $(cat shown)"
said --check normal -- sh -c 'kill -SEGV $$' >shown
tail -n 1 shown | grep -q '^hakmem: no fault of the heap seen: writes checked in all ' || complain "a crash: $(cat shown)"
said --check normal --leaks -- ./rows 500 >shown
tail -n 1 shown | grep -q '(padding aside; the rest: too many of a call stack); hakmem-trace hunt ' || complain "leaks were looked for: $(cat shown)"
said --check light -- ./rows 500 >shown
grep -q peak shown && complain "level light: $(cat shown)"
said --check normal --trace off -- ./rows 500 >shown
[ ! -s shown ] || complain "nothing recorded: $(cat shown)"

# A report of a program that is not recorded: its counters are not in the store, and no figure is made up.
printf '#include <stdlib.h>\nint main(void) {\n    char *p = malloc(20);\n    p[20] = 1;\n    free(p);\n    return 0;\n}\n' >over.c
${CC:-cc} -w -fno-builtin -O0 -g -o over over.c || fail "over.c does not compile"
"$trace" run --check normal --trace off --force -s over.db -- ./over >shown 2>&1
"$trace" info -s over.db | grep -qx 'checked       writes checked in all calls, reads in guarded blocks; how many is not recorded, leaks not looked for (--leaks)' ||
    complain "a report alone: $("$trace" info -s over.db)"
"$trace" info --json -s over.db >over.json
python3 -c 'import json; c = json.load(open("over.json"))["checked"]; assert set(c.values()) == {None, 0} and c["leak_scans"] == 0, c' || complain "JSON of a report alone"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" over.json || complain "JSON of a report alone is not of the schema"
"$trace" run --check trace --force -s rows.db -- ./rows 500 >shown 2>&1 || complain "into a file: status $?"
[ ! -s shown ] || complain "into a file: $(cat shown)"
