#!/usr/bin/env bash
# top --mapped and heap say what a program mapped, reserved, opened and unmapped itself, in each process, by who did it.
. "${SOURCE:?}/tests/tools/test.sh"
cc -O1 -g -o mapped "$SOURCE/tests/profile/mapped.c" || exit 2
for check in trace normal; do
    "$BUILD/hakmem-trace" run --check $check -s $check.db -- ./mapped || fail "$check: the run ended with $?"
    TRACE=$BUILD/hakmem-trace python3 "$SOURCE/tests/profile/mapped.py" $check.db || exit 1
done
"$BUILD/hakmem-trace" top --mapped --per class -s trace.db 2>err
[ $? -eq 2 ] && grep -q 'mappings have no size classes' err || fail "--per class: $(cat err)"
"$BUILD/hakmem-trace" top --mapped --by short-lived -s trace.db 2>err
[ $? -eq 2 ] && grep -q 'by short-lived: with --mapped there are' err || fail "--by short-lived: $(cat err)"
