#!/usr/bin/env bash
# A child of a fork holds its parent's blocks, too: that is no growth, however many children there are; what they allocate of their own is.
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-cc}" -O1 -g -o forks "$SOURCE/tests/profile/forks.c" || exit 2
for only in '' --profile-only; do
    for more in '' more; do
        # shellcheck disable=SC2086 # words
        "$trace" run -f $only -s "app$only$more.db" --force -- ./forks $more >said 2>&1 || complain "run $only $more: $(cat said)"
        "$trace" top --by growth --json -s "app$only$more.db" >top.json || complain "top $only $more: status $?"
        python3 - "$only" "$more" <<'END' || complain "top $only $more: see above"
import json
import sys

only, more = sys.argv[1:]
answer = json.load(open("top.json"))
rows = {row["function"]: row for row in answer["rows"]}
grown = {name: row["self"]["grown_bytes"] for name, row in rows.items()}
# Of a capture without events the span is the whole time, and each child has at its end what it kept. In another one the last step may be that
# of the parent's free, and a child may live at either end of the span.
assert grown["hold"] == 0 if only else grown["hold"] <= 0, grown
assert not more or grown["own"] == 60 << 20 if only else abs(grown.get("own", 0)) <= 1 << 20, grown
assert not [name for name, row in rows.items() if row.get("still_growing")], rows
END
    done
done
