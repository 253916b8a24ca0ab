#!/usr/bin/env bash
# make check CROSS=...: a row of tests/arm/suite runs a test but for the cases, or a script's parts, that it names, each of which is named at the end with its
# reason; a row of a case that is not there is refused, and so is a machine without the tools of that architecture. The programs that a script runs are built.
. "${SOURCE:?}/tests/tools/test.sh"
mkdir -p tree/tests/{tools,arm,unit} built/tests/unit root || exit 2
ln -s /usr /lib /lib64 root || exit 2 # of this machine: programs are compiled with it
cp "$SOURCE/tests/run" tree/tests/ && cp "$SOURCE/tests/tools/cross_check.sh" tree/tests/tools/ && cp "$SOURCE/tests/unit/suite.h" tree/tests/unit/ || exit 2
cat >tree/tests/unit/some_test.c <<'END'
#include "suite.h"
TEST(one_passes) {
    ck_assert(true);
}
TEST(another) {
    ck_assert(false);
}
TEST(another_one, .until = 2) {
    ck_assert(true);
}
RUN_TESTS()
END
${CC:-gcc} -w -D_GNU_SOURCE -o built/tests/unit/some_test tree/tests/unit/some_test.c -lcheck_pic -lsubunit -lrt -lm -lpthread ||
    fail "some_test.c does not compile"
printf '#!/bin/sh\n' >built/hakmem-trace && chmod +x built/hakmem-trace

# checks STATUS TABLE [CC]: cross_check.sh of this table ends so; what it says is in `out`.
checks() {
    local got
    printf '%s\n' "$2" >tree/tests/arm/suite
    env -u CASES_LEFT_OUT SYSROOT="$PWD/root" BUILD="$PWD/built" CC="${3-gcc}" tree/tests/tools/cross_check.sh >out 2>&1
    got=$?
    [ "$got" -eq "$1" ] || complain "$2: ended with $got, $1 was due: $(cat out)"
}

checks 1 'unit run'
built/tests/cross/true || complain "no program that does nothing: $(ls built/tests/cross)"
checks 0 'unit/some_test.c run but another: no such machine: none'
[ "$(tail -n 2 out)" = $'skipped: unit/some_test: another: no such machine: none\n3 passed, 0 failed, 1 skipped' ] || complain "one case: $(cat out)"
checks 0 'unit/some_test.c run but another,another_one: no such machine'
[ "$(tail -n 2 out)" = $'skipped: unit/some_test: another_one: no such machine\n1 passed, 0 failed, 2 skipped' ] || complain "two cases: $(cat out)"
checks 2 'unit/some_test.c run but anoth: no such machine'
grep -q 'leaves the case anoth out of unit/some_test.c, which does not have it' out || complain "a case that is not there: $(cat out)"
# A script, and what it and its helper run.
cp "$SOURCE/tests/tools/test.sh" tree/tests/tools/ && mkdir -p tree/tests/{faults,parts} || exit 2
cat >tree/tests/parts/parts.sh <<'END'
PROGRAMS=faults/more
. "$SOURCE/tests/tools/test.sh"
. "$SOURCE/tests/tools/helper.sh"
left_out first || "$BUILD/tests/kill/none"
left_out second || [ -n "$env" ]
END
echo 'of_helper() { "$BUILD/tests/tools/count.so" "$BUILD/tests/faults/$1"; }' >tree/tests/tools/helper.sh
mkdir tree/tests/faults/more && touch tree/tests/faults/{c.c,cpp.cpp} tree/tests/faults/more/deep.{cpp,report} tree/tests/parts/own.c
parts=$'unit none\nparts/parts.sh run but'
checks 0 "$parts first: no such machine: none"
[ "$(tail -n 2 out)" = $'skipped: parts/parts.sh: first: no such machine: none\n1 passed, 0 failed, 1 skipped' ] || complain "a part: $(cat out)"
checks 0 "$parts deep: no such machine"
checks 2 "$parts third: no such machine"
grep -q 'leaves the case third out of parts/parts.sh, which does not have it' out || complain "a part that is not there: $(cat out)"
printf '%s\n' "$parts first: no such machine" >tree/tests/arm/suite
programs=$(tree/tests/tools/cross_check.sh programs | xargs)
[ "$programs" = 'tests/faults/c tests/faults/cpp tests/faults/more/deep tests/kill/none tests/parts/own tests/tools/count.so' ] || complain "programs: $programs"
checks 2 $'unit run\nparts none' /nowhere/gcc
grep -q 'no /nowhere/ar for the scripts' out || complain "no tools: $(cat out)"
exit "$failed"
