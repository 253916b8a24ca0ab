#!/usr/bin/env bash
# The four programs of examples/heap build as their README says, run without a word of hakmem's, and what their solutions name is what top and heap say.
set -u
unset "${!HAKMEM_@}"
cp -r "$SOURCE/examples/heap" fresh && cd fresh || exit 2
make -s CC="${CC:-cc}" || exit 1
for program in growth churn peak fragmentation; do
    ./$program >due || { echo "$program ends with $?"; exit 1; }
    "$BUILD/hakmem-trace" run --check trace -s $program.db -- ./$program >said 2>err || { echo "$program ends with $? when it is recorded: $(cat err)"; exit 1; }
    cmp due said || { echo "$program says something else when it is recorded"; exit 1; }
    [ ! -s err ] || { echo "$program: $(cat err)"; exit 1; }
done
TRACE=$BUILD/hakmem-trace python3 "$SOURCE/tests/examples/heap.py"
