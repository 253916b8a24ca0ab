#!/usr/bin/env bash
# The four programs of examples/heap build as their README says, run without a word of hakmem's, top and heap say what their solutions name, and the
# diffs beside them repair it.
. "${SOURCE:?}/tests/tools/test.sh"
cp -r "$SOURCE/examples/heap" fresh && cd fresh || exit 2
make -s CC="${CC:-cc}" || exit 1
record() {
    "$BUILD/hakmem-trace" run --check trace -s "$2" -- "./$1" >said 2>err || fail "$1 ends with $? when it is recorded: $(cat err)"
    cmp due said || fail "$1 says something else when it is recorded as $2"
    [ ! -s err ] || fail "$1: $(cat err)"
}
for program in growth churn peak fragmentation; do
    "./$program" >due || fail "$program ends with $?"
    record $program $program.db
    # In a folder that git ignores, it would leave out every file of the diff and say nothing.
    GIT_CEILING_DIRECTORIES=$(dirname "$PWD") git apply "solutions/$program.diff" || exit 1
    make -s -B CC="${CC:-cc}" $program || exit 1
    record $program $program-mended.db
done
TRACE=$BUILD/hakmem-trace python3 "$SOURCE/tests/examples/heap.py" "$SOURCE/README.md" "$SOURCE"/examples/heap/solutions/*.md
