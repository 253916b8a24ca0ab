#!/usr/bin/env bash
# tests/tools/rows.py, in a tree of its own: a check that cannot be made is a red case with its traceback, as each check is of a program that is not there;
# `next` is the last check of a row; cases are those that ran; a report that no row has, and too few programs of faults/cxx, are red.
. "${SOURCE:?}/tests/tools/test.sh"
mkdir -p tree/tests/{few,tools,faults/cxx} tree/docs/specs built/tests/few && cp "$SOURCE/tests/tools/"{rows,reports}.py tree/tests/tools && touch tree/tests/tools/variables || exit 2
printf '#!/bin/sh\necho well\n' >built/tests/few/there && chmod +x built/tests/few/there

# rows STATUS LINES [VARIABLE=VALUE...]: the rows that stdin makes end so, with these last lines.
rows() {
    local got
    { cat begin.py && cat; } >few.py
    env SOURCE="$PWD/tree" BUILD="$PWD/built" "${@:3}" /usr/bin/python3 few.py few/rows.sh >out 2>&1
    got=$?
    [ "$got" -eq "$1" ] && [ "$(tail -n "$(wc -l <<<"$2")" out)" = "$2" ] || complain "ended with $got, $1 was due, and: $2; $(cat out few.py)"
}
cat >begin.py <<'END'
import sys
sys.path.insert(0, "tree/tests/tools")
from rows import *
well = prints("well\n")
def row(name, *checks): return Row(name, "few", checks, variables=["LD_PRELOAD="])
END

rows 0 '1 rows, 1 cases, 0 red' <<<'sys.exit(main([row("there", well)]))'
rows 1 $'complained: there.a breaks\ncomplained: there.a stops\n2 rows, 4 cases, 2 red' ROWS='*' <<'END'
def breaks(row): return row.nothing
def stops(row):
    yield from row.ask("true")
    row.store()
sys.exit(main([row("there.a", breaks, stops, well), row("there.b", well)][::-1]))
END
grep -q "^AttributeError: 'Row' object has no attribute 'nothing'" out && grep -q StopIteration out || complain "no traceback: $(cat out)"
rows 1 $'complained: gone prints\n2 rows, 2 cases, 1 red' <<<'sys.exit(main([row("gone", well), row("there", well)]))'
rows 1 $'complained: folder all\n1 rows, 2 cases, 1 red' <<'END'
def ends(row): row.checks.clear()
sys.exit(main([row("there", ends, well)]))
END
grep -qx '1 of 2 cases ran' out || complain "a case that did not run: $(cat out)"
rows 0 $'there prints\nthere next' LIST=1 <<<'sys.exit(main([row("there", next_, well)]))'

# A report without a row; not where a part of the rows is there.
touch tree/tests/few/{there,lost,lost.gcc10,other}.report
all='sys.exit(main([row("there", well), row("other", well)][:1 if os.environ.get("QUICK") else 2]))'
cp built/tests/few/{there,other}
rows 1 $'complained: folder all\n2 rows, 3 cases, 1 red' <<<"$all"
grep -qx "no row has $PWD/tree/tests/few/lost.gcc10.report, $PWD/tree/tests/few/lost.report" out || complain "a report without a row: $(cat out)"
rows 0 '1 rows, 1 cases, 0 red' ROWS='there*' <<<"$all"
rows 0 '1 rows, 1 cases, 0 red' QUICK=1 <<<"$all"

# Of faults/cxx there are 12 programs.
cp "$SOURCE/tests/faults/rows.py" tree/tests/faults
SOURCE=$PWD/tree BUILD=$PWD/built /usr/bin/python3 tree/tests/faults/rows.py faults/cxx.sh >out 2>&1
[ $? -eq 1 ] && grep -qx '0 programs in tests/faults/cxx, 12 or more are due' out || complain "without programs of C++: $(cat out)"
