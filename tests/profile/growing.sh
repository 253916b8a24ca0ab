#!/usr/bin/env bash
# Growth is seen without a time being given, of a program that frees everything at its exit and of one that does not: `top --by growth`, `heap`,
# `html` and the last line of `run` name the function that still grows, and none that swings, fills up or started up.
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-cc}" -O1 -g -o growing "$SOURCE/tests/profile/growing.c" || exit 2
for how in frees keeps; do
    words=()
    [ $how = frees ] || words=(no)
    script -qec "$trace run --check trace -s $how.db -- ./growing ${words[*]}" /dev/null >said 2>&1 || complain "$how: run: $(cat said)"
    left_out last_line || grep -q '; still growing: leak (.*growing\.c:[0-9]*)' said || complain "$how: the last line of run: $(cat said)"
    "$trace" top -s $how.db --by growth >page || complain "$how: top: status $?"
    sed -n 2p page | grep -q ' leak .* still growing$' || complain "$how: $(cat page)"
    [ "$(grep -c 'still growing' page)" = 1 ] || complain "$how: more than one still grows: $(cat page)"
    "$trace" heap -s $how.db >page || complain "$how: heap: status $?"
    grep -q '^Still growing: leak (.*growing\.c:[0-9]*) by [0-9.]* KiB' page || complain "$how: $(cat page)"
    "$trace" html -s $how.db $how.html >said 2>&1 || complain "$how: html: $(cat said)"
    "$trace" top -s $how.db --by growth --json >top.json && "$trace" heap -s $how.db --json >heap.json || complain "$how: --json"
    for page in top.json heap.json; do
        python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" $page || complain "$how: $page is not as the schema has it"
    done
    python3 - $how <<'END' || complain "$how: see above"
import json
import re
import sys

how = sys.argv[1]
top, heap = json.load(open("top.json")), json.load(open("heap.json"))
page = json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', open(f"{how}.html").read(), re.S)[1])
rows = {row["function"]: row for row in top["rows"]}
leak = rows["leak"]["self"]["grown_bytes"]
assert 0 < leak <= 600000, leak
assert [name for name in rows if rows[name]["still_growing"]] == ["leak"], rows
grown = heap["growth"]
assert grown["before_teardown"] == (how == "frees"), grown
assert [row["function"] for row in grown["still_growing"]] == ["leak"] and grown["still_growing"][0]["grown_bytes"] == leak, (grown, leak)
assert grown["from_ns"] == top["from"]["ns"] and grown["to_ns"] == top["at"]["ns"], (grown, top["from"], top["at"])
assert page["growth"]["before_teardown"] == (how == "frees") and page["growth"]["from_event"] == top["from"]["event"], page["growth"]
assert len(page["growth"]["still_growing"]) == 1, page["growth"]
END
done
# A time that is given is that time.
"$trace" top -s frees.db --between start end --by growth >page || complain "top --between: status $?"
grep -q 'still growing' page && complain "a span that was given marks: $(cat page)"
grep -q ' grown by 0 bytes and 0 blocks ' page || complain "from start to end: $(cat page)"
