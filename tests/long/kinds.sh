#!/usr/bin/env bash
# All generated programs of tests/kinds; the table by kind goes into docs/benchmarks/DATE-kinds.md. EVERY=N: each Nth
# program of a kind, and no page.
# timeout: 3600
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
page=$SOURCE/docs/benchmarks/$(date +%Y-%m-%d)-kinds.md
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SOURCE/tests/kinds/kinds.py" "$EVERY" table || failed=1
[ "$EVERY" -eq 1 ] || exit "$failed"
{
    echo "# Faults found by kind, $(date +%Y-%m-%d)"
    echo
    echo "\`tests/long/kinds.sh\`: small programs as suites for static analysers have them, written by"
    echo "\`tests/kinds/generate.py\` (which says what they are), each with a bad and a good variant. *Named*: the first"
    echo "report has the fault's own code. A bare signal is as good as missed. Reads past the end and in front of a block"
    echo "change nothing, so level normal finds them only where they touch an inaccessible page. The second column holds"
    echo "the kind's share in such suites."
    echo
    cat table
} >"$page"
