#!/usr/bin/env bash
# `leaks N` as JSON is that leak of the list; `leaks --held --at` says when the moment lies beyond the end.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/cli

"$trace" run --leaks -s leaks.db -- "$BUILD/tests/faults/memory_leak" 2>report
"$trace" leaks --json -s leaks.db >all
for row in $(python3 -c 'import json; print(*(leak["row"] for leak in json.load(open("all"))["leaks"]))'); do
    "$trace" leaks "$row" --json -s leaks.db >"one $row" || fail "leaks $row --json: status $?"
    "$trace" leaks "$row" -s leaks.db | grep -q 'byte(s) in' || fail "leaks $row: no text"
done
python3 "$here/validate.py" "$here/../../docs/specs/output.schema.json" one\ * || fail "not by the schema"
python3 - <<'END_OF_CHECK' || fail "leaks N --json is not that leak of leaks --json"
import glob, json
every = json.load(open("all"))
leaks = {leak["row"]: leak for leak in every["leaks"]}
assert len(leaks) == 2 == len(glob.glob("one *")), leaks
for row, leak in leaks.items():
    one = json.load(open(f"one {row}"))
    assert one["leaks"] == [leak] and one["left_out"] == 0, one
    assert one["scans"] == every["scans"], one["scans"]
END_OF_CHECK

for at in 1000 '#999999999'; do
    "$trace" leaks --held --at "$at" -s leaks.db >page || fail "--at $at: status $?"
    grep -q " That is beyond its end, event [0-9,]* at [0-9.]* s: the blocks held then are shown\." page ||
        fail "--at $at is beyond the end, and nothing says so: $(tail -n 1 page)"
    "$trace" leaks --held --at "$at" --json -s leaks.db | grep -q '"is_beyond_end": true' || fail "--at $at --json"
done
last=$("$trace" sql -s leaks.db 'select max(id) from event')
"$trace" leaks --held --at "#$last" -s leaks.db | grep -q beyond && fail "the last event is not beyond the end"
"$trace" leaks --held --at "#$((last + 1))" -s leaks.db | grep -q beyond || fail "the event after the last one is"
"$trace" leaks --held --json -s leaks.db | grep -q '"is_beyond_end": false' || fail "the end itself is not beyond it"
exit 0
