#!/usr/bin/env bash
# `replay` of a server that ran already, over jemalloc where that is installed: `record -p`, the play of what it recorded, and
# not the frees of blocks from before, which `info` counts. A capture of `keep` over jemalloc is played, too.
. "${SOURCE:?}/tests/tools/attach_rounds.sh"
export LC_ALL=C
preload=$(/sbin/ldconfig -p | sed -n 's/.*libjemalloc\.so\.2 .*=> //p' | head -n 1)
${CC:-cc} -w -fno-builtin -O1 -o serves "$SOURCE/tests/replay/serves.c" -lpthread && ${CC:-cc} -w -fno-builtin -O1 -o shapes "$SOURCE/tests/replay/shapes.c" ||
    fail 'the programs do not compile'
has_events() { [ "$("$trace" sql -s served.db 'select count(*) > 40000 from event' 2>/dev/null | tail -n 1)" = 1 ]; }

LD_PRELOAD=$preload ./serves 2>served.out &
pid=$!
await_or_fail grep -q ready served.out
"$trace" record -p "$pid" -s served.db >record.out 2>&1 &
record=$!
await_or_fail has_events
kill -INT "$record"
wait "$record" || fail "record: status $?: $(cat record.out)"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
pid=
"$trace" export csv --events -s served.db -o events.csv >/dev/null || fail "export: status $?"
"$trace" replay -s served.db --against glibc,hakmem --json >answer.json 2>errors
status=$?
look_through served.db
[ "$status" -eq $? ] || fail "replay: status $status: $(cat errors)"
[ -z "$preload" ] || "$trace" info -s served.db 2>&1 | grep -q 'libjemalloc' || fail "the allocator of the server is not said: $("$trace" info -s served.db)"
"$trace" info -s served.db 2>&1 | grep -Eq '^ +[4-9],[0-9]{3} frees of blocks that were not seen to be taken, counted only$' || fail "blocks of before: $("$trace" info -s served.db)"
python3 - <<'END' || fail 'another play than the capture has'
import csv, json
live, calls, unknown, threads = set(), 0, 0, set()
for row in csv.DictReader(open("events.csv")):
    threads.add(row["thread"])
    if row["kind"] == "MALLOC":
        live.add(row["address"])
        calls += 1
    elif row["kind"] == "FREE" and row["address"] in live:
        live.remove(row["address"])
        calls += 1
    elif row["kind"] == "FREE":
        unknown += 1
a = json.load(open("answer.json"))
assert unknown == 0, unknown  # their frees are counted, and are no events
assert (a["calls"], a["left_out"], a["threads"]) == (calls, unknown, len(threads)), (a["calls"], a["left_out"], a["threads"], calls, unknown, threads)
assert a["handed_over"] > 1000 and [run["allocator"] for run in a["runs"]] == ["glibc", "hakmem"]
for run in a["runs"]:
    assert (run["calls"], run["end_live_blocks"], run["damaged"], run["failed"]) == (calls, len(live), 0, 0), run
END

LD_PRELOAD=$preload "$trace" run --allocator keep -s kept.db -- ./shapes 2>errors || fail "run --allocator keep: status $?: $(cat errors)"
"$trace" export csv --events -s kept.db -o events.csv >/dev/null || fail "export: status $?"
"$trace" replay -s kept.db --against glibc,hakmem --touch first --json >answer.json || fail "replay of keep: status $?"
python3 "$SOURCE/tests/replay/compare.py" events.csv answer.json ordered || fail 'keep: another play than the capture has'
[ -n "$preload" ] || echo 'skipped: a server over jemalloc: libjemalloc2 is not installed'
