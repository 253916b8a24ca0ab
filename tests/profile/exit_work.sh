#!/usr/bin/env bash
# A timeline ends with the program: hakmem's sweep and scan for leaks at the exit are no part of it, whether it is read from the stored profile or
# from the events. A function that fell by more than it rose since is not said to be still growing.
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-cc}" -w -O1 -g -o exit_work "$SOURCE/tests/profile/exit_work.c" || exit 2
for check in normal trace; do
    "$trace" run --check $check --leaks -s $check.db -- ./exit_work >said 2>&1 || complain "$check: run: $(cat said)"
    "$trace" heap -s $check.db --json >$check.heap.json && "$trace" heap -s $check.db --json --process '#1' >$check.events.json &&
        "$trace" top -s $check.db --by growth --json >$check.top.json && "$trace" html -s $check.db $check.html >said 2>&1 || complain "$check: heap, top or html: $(cat said)"
    "$trace" sql -s $check.db --json "SELECT max(ns) AS own, (SELECT max(ns) FROM event) AS last FROM event WHERE kind IN ('MALLOC', 'FREE')" >$check.sql.json || complain "$check: sql"
done
python3 - <<'END' || complain "see above"
import json
import re

for check in ("normal", "trace"):
    own, last = json.load(open(f"{check}.sql.json"))["results"][0]["rows"][0]
    assert own < last, (own, last)
    for name in ("heap", "events"):
        heap = json.load(open(f"{check}.{name}.json"))
        assert heap["to_ns"] == own, (check, name, heap["to_ns"], own, last)
    top = json.load(open(f"{check}.top.json"))
    assert top["at"]["ns"] == own, (check, top["at"], own, last)
    page = json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', open(f"{check}.html").read(), re.S)[1])
    assert page["to_ns"] == own, (check, page["to_ns"], own)
END
"$trace" run --check trace -s fell.db -- ./exit_work fell >said 2>&1 || complain "fell: run: $(cat said)"
"$trace" top -s fell.db --by growth >page || complain "fell: top: status $?"
grep -q 'still growing' page && complain "fell: $(cat page)"
grep -q '^ *97.7 KiB\|grown by [0-9]' page || complain "fell: no growth at all: $(cat page)"
"$trace" heap -s fell.db | grep -q '^Still growing' && complain "fell: $("$trace" heap -s fell.db)"
:
