#!/usr/bin/env bash
# tests/tools/reports.py writes a report of its own for g++ 10 where it differs in lines that are compared, and only there.
. "${SOURCE:?}/tests/tools/test.sh"
tool() { python3 "$SOURCE/tests/tools/reports.py" "$@"; }
mkdir old new
printf '#!/bin/sh\necho 10.2.1\n' >old/g++ && printf '#!/bin/sh\necho 12\n' >new/g++ && chmod +x old/g++ new/g++ || exit 1
# with old|new, REPORT...: writes it there; then what stands in one.report and one.gcc10.report.
written() {
    printf "$2" | PATH=$PWD/$1:$PATH tool write one '^  ROOM ' || fail "status $?"
    cat one.report && ! cat one.gcc10.report 2>missing
}
due() { [ "$found" = "$1" ] || complain "$2: $found"; }

found=$(written new 'a\n  ROOM 1\n') && due $'a\n  ROOM 1' "a new report"
found=$(written new 'a\n  ROOM 2\n') && due $'a\n  ROOM 1' "a line that is not compared"
found=$(written old 'a\n') && due $'a\n  ROOM 1' "the same in g++ 10, without that line"
[ "$(PATH=$PWD/old:$PATH tool due one)" = one.report ] || complain "another file is due in g++ 10"
written old 'b\n  ROOM 3\n' >both && complain "no report of g++ 10"
[ "$(tr '\n' , <both)" = 'a,  ROOM 1,b,  ROOM 3,' ] || complain "another report in g++ 10: $(cat both)"
written old 'b\n' >both && complain "the report of g++ 10 went"
[ "$(tr '\n' , <both)" = 'a,  ROOM 1,b,  ROOM 3,' ] || complain "the report of g++ 10 was changed: $(cat both)"
[ "$(PATH=$PWD/old:$PATH tool due one)" = one.gcc10.report ] && [ "$(PATH=$PWD/new:$PATH tool due one)" = one.report ] || complain "not the file that is due"
found=$(written old 'a\n  ROOM 4\n') && due $'a\n  ROOM 1' "the same in g++ 10 again"
found=$(written new 'c\n') && due c "another report"
