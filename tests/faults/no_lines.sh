#!/usr/bin/env bash
# A program without debug information: its report has functions but no lines, and COMPLETENESS says how to get them.
. "${SOURCE:?}/tests/tools/test.sh"
fail() { cat report; echo "no_lines.sh: $*"; exit 1; }
advice='no debug information for app; build with -g'

# report_of CFLAG...: the report of double_free.c, compiled so.
report_of() {
    "${CC:-cc}" -O0 -w "$@" -o app "$SOURCE/tests/faults/double_free.c" || fail "no app"
    "$BUILD/hakmem-trace" run -s app.db --force -- ./app >report 2>&1
    grep -q '^hakmem: HKM-202' report || fail "no report"
}

report_of -g0
grep -q "^  COMPLETENESS .*$advice" report || fail "without -g: no advice"
grep -qE '^ +#0 close_all +app\+0x[0-9a-f]+$' report || fail "without -g: no function"
report_of -g
grep -q "$advice" report && fail "with -g: advice all the same"
grep -qE '^ +#0 close_all .*double_free\.c:9$' report || fail "with -g: no line"
exit 0
