#!/usr/bin/env bash
# The sample project, alone in a fresh folder and with an installed hakmem: its tests pass, the same tests under
# hakmem fail for the seeded fault and pass with the baseline; JUnit and SARIF are valid.
. "${SOURCE:?}/tests/tools/test.sh"
unset MAKEFLAGS MAKELEVEL
here=$SOURCE/tests/ci

make -s -C "$SOURCE" BUILD="$BUILD" CC="${CC:-cc}" PREFIX="$PWD/hakmem" install >install.log 2>&1 || { cat install.log; fail "make install"; }
# A project of its own: the files that SARIF names are told from its top.
cp -r "$SOURCE/examples/tally" fresh && cd fresh && git init -q . || exit 2
export PATH=$PWD/../hakmem/bin:$PATH

make -s check CC="${CC:-cc}" >check.log 2>&1 || { cat check.log; fail "its own tests fail"; }

valid() {
    local file count=0
    for file in heap-results/*.junit.xml; do
        xmllint --noout --schema "$here/junit.xsd" "$file" 2>lint || { cat lint; fail "$file is not valid"; }
        count=$((count + 1))
    done
    python3 "$here/validate.py" "$here/sarif.schema.json" heap-results/*.sarif || fail "SARIF is not valid"
    [ "$count" -eq 3 ] || fail "$count JUnit files for three calls"
}

make -s heap-check CC="${CC:-cc}" >heap.log 2>&1 && { cat heap.log; fail "the seeded fault passes"; }
grep -q 'heap-buffer-overflow in copy_word tally.c:' heap.log || { cat heap.log; fail "the seeded fault is not named"; }
valid
grep -q 'failures="1"' heap-results/*.junit.xml || fail "JUnit knows of no failure"
grep -q '"uri": "src/tally.c"' heap-results/*.sarif || fail "SARIF does not say where"

make -s heap-check CC="${CC:-cc}" BASELINE=ci/heap-baseline.json >known.log 2>&1 ||
    { cat known.log; fail "the baseline does not know the seeded fault"; }
valid
! grep -q 'failures="1"' heap-results/*.junit.xml || fail "JUnit tells of a failure that is known"
grep -q '"baselineState": "unchanged"' heap-results/*.sarif || fail "SARIF does not say that it is known"

# A fault that is not in the baseline fails with it, too.
sed -i 's/^    free(table.list);/    free(table.list);\n    free(table.list);/' src/tally.c
make -s heap-check CC="${CC:-cc}" BASELINE=ci/heap-baseline.json >new.log 2>&1 && fail "a new fault passes"
grep -q 'double-free in main tally.c:' new.log || { cat new.log; fail "the new fault is not named"; }
exit 0
