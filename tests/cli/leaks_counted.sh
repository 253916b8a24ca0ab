#!/usr/bin/env bash
# Leaks are findings of the kind leak, counted apart from faults, by the same rule in `info`, `faults`, JUnit, SARIF and the page of `html`,
# whether they count as faults (--leaks=error) or are reported only (--leaks=1).
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-cc}" -w -O1 -g -o leaks_counted "$SOURCE/tests/cli/leaks_counted.c" || exit 2
"$trace" run --leaks -s told.db -- ./leaks_counted 3 >said 2>&1 || complain "--leaks: status $?"
"$trace" run --leaks=error -s error.db -- ./leaks_counted 3 >said 2>&1 && complain "--leaks=error: status 0"
"$trace" run --leaks -s none.db -- ./leaks_counted 0 >said 2>&1 || complain "no leak: status $?"
"$trace" run -s unscanned.db -- ./leaks_counted 3 >said 2>&1 || complain "no scan: status $?"

# expect STATUS LINE COMMAND...: the first line that the command prints, without what is recorded
expect() {
    local status=$1 line=$2
    shift 2
    "$trace" "$@" >page 2>&1
    local is=$?
    [ $is = "$status" ] || complain "$*: status $is"
    [ "$(head -n 1 page | sed 's/([0-9]* events of 1 process)/(N)/')" = "$line" ] || complain "$*: $(cat page)"
}
expect 0 'No fault in told.db (N). 1 leak: `hakmem-trace leaks` lists it. Nothing was lost in this capture.' faults -s told.db
expect 0 'No fault in none.db (N). Nothing was lost in this capture.' faults -s none.db
expect 0 'No fault in unscanned.db (N). Nothing was lost in this capture.' faults -s unscanned.db
"$trace" faults -s error.db >page && complain "faults of error.db: status 0"
grep -q '^   L1  HKM-401 memory-leak .* 300 bytes in 3 blocks of lose leaks_counted.c$' page || complain "faults of error.db: $(cat page)"
for store in told error; do
    [ "$("$trace" info -s $store.db | sed -n '/^faults/p; /^leaks/p')" = "faults        0
leaks         1; \`hakmem-trace leaks\` lists them" ] || complain "info of $store.db: $("$trace" info -s $store.db)"
done
[ "$("$trace" info -s none.db | sed -n '/^leaks/p')" = "leaks         0" ] || complain "info of none.db: $("$trace" info -s none.db)"
"$trace" info -s unscanned.db | grep -q '^leaks' && complain "info of unscanned.db counts leaks: nobody looked for them"
for store in told error none unscanned; do
    for command in info faults; do
        "$trace" $command -s $store.db --json >$store.$command.json
        python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" $store.$command.json || complain "$command of $store.db is not as the schema has it"
    done
    for format in junit sarif codequality; do
        "$trace" export $format -s $store.db >$store.$format 2>said || complain "export $format of $store.db: $(cat said)"
    done
    "$trace" html -s $store.db $store.html >said 2>&1 || complain "html of $store.db: $(cat said)"
done
python3 - <<'END' || complain "see above"
import json
import re
import xml.etree.ElementTree as ElementTree

for store, leaks, failures in (("told", 1, 0), ("error", 1, 1), ("none", 0, 0), ("unscanned", None, 0)):
    count = leaks or 0
    assert json.load(open(f"{store}.info.json"))["leaks"] == leaks, store
    faults = json.load(open(f"{store}.faults.json"))
    assert faults["leaks"] == leaks and len(faults["faults"]) == failures, faults
    junit = ElementTree.parse(f"{store}.junit").getroot()
    names = [case.get("name") for case in junit.iter("testcase")]
    assert [name.startswith("memory-leak in lose ") for name in names] == [True] if count else names == ["no heap fault"], names
    assert list(junit.attrib.values())[2:] == [str(failures), "0", str(count - failures)], ElementTree.tostring(junit)
    results = json.load(open(f"{store}.sarif"))["runs"][0]["results"]
    assert [result["level"] for result in results] == ["error" if failures else "note"] * count, results
    assert len(json.load(open(f"{store}.codequality"))) == failures
    page = json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', open(f"{store}.html").read(), re.S)[1])
    assert page["findings_count"] == count and [one["kind"] for one in page["findings"]] == ["leak"] * count, page["findings"]
END
