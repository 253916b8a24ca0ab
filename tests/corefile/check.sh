#!/usr/bin/env bash
# `core FILE --check` of heaps that are whole: nothing is found, in the plain library, each level and under guarded blocks, beside threads
# that stopped inside the allocator, and in a process that is there.
# timeout: 600
. "${SOURCE:?}/tests/tools/corefiles.sh"
program=$BUILD/tests/corefile/blocks

whole() { # NAME CORE
    "$trace" core "$2" --check >found 2>errors || fail "$1: status $?: $(cat found errors)"
    grep -qE "^no damage found in [0-9]+ SuperSlabs?, [0-9,]+ slots?, [0-9]+ large blocks?$" found || fail "$1: $(cat found)"
    ! grep -qE '^(HKM|verify: (block|slab|SuperSlab))' found || fail "$1: $(cat found)"
}

make_core plain.core "$BUILD/libhakmem.so" "$program"
whole plain plain.core
"$trace" core plain.core --check --json >check.json || fail "--json: status $?"
for level in trace normal light; do
    HAKMEM_CHECK=$level HAKMEM_GUARD=off make_core "$level.core" "$BUILD/hakmem-debug.so" "$program"
    whole "$level" "$level.core"
done
HAKMEM_GUARD=all make_core guarded.core "$BUILD/hakmem-debug.so" "$program"
whole guarded guarded.core
grep -qE '^bytes around [1-9][0-9]* live blocks' found || fail "guarded blocks were not compared: $(cat found)"
compared=$(grep '^bytes around' found)
# Closed pages may be missing, as newer versions of gdb leave them out: nobody can have written to a freed block there.
as_of_kernel guarded.core
whole "guarded, without closed pages" guarded.core

# gdb's own core, before gdb 15, lacks guarded blocks where these are closed by guard markers: nobody is accused, and it is said.
timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -ex "set environment LD_PRELOAD $BUILD/hakmem-debug.so" \
    -ex 'set environment HAKMEM_GUARD all' -ex 'run >said' -ex 'generate-core-file lacks.core' -ex kill "$program" </dev/null >gdb.out 2>&1
"$trace" core lacks.core --check >found 2>errors
case $? in
0) [ "$(grep '^bytes around' found)" = "$compared" ] || fail "gdb's core: guarded blocks are not said to be missing: $(cat found)" ;;
4) grep -q '^hakmem-trace: the core leaves out memory that was asked for' errors || fail "gdb's core: $(cat errors)" ;;
*) fail "gdb's core: $(cat found errors)" ;;
esac
! grep -q '^HKM' found || fail "gdb's core: $(cat found)"
rm -f lacks.core

# Damage in level normal, said in JSON: a byte behind a block of 100.
HAKMEM_CHECK=normal HAKMEM_GUARD=off make_core normal.core "$BUILD/hakmem-debug.so" "$program" overflow
"$trace" core normal.core --check --json >found.json
[ $? -eq 1 ] || fail "damage: $(cat found.json)"
"$trace" core normal.core --check >found && fail "damage: status 0"
grep -qxE 'HKM-301 heap-buffer-overflow: 2 bytes overwritten past the end of a block of 100 bytes' found || fail "damage: $(cat found)"
grep -qE "^  block +$(address_of live), base 0x[0-9a-f]+, live: the program has it$" found || fail "damage: $(cat found)"
grep -qxE '  found +78 79' found && grep -qE '^  expected +[0-9a-f]{2} [0-9a-f]{2}$' found || fail "damage: $(cat found)"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" check.json found.json || fail '--json'

# --top: by class, biggest first; by stack where the process put its stacks into the core.
"$trace" core plain.core --top >found || fail "--top: status $?"
head -n 1 found | grep -qxE '3,0[0-9,]+ bytes in 1 block with pages of their own' || fail "--top: $(cat found)"
tail -n 1 found | grep -qx 'Blocks whose stacks are not in this core are counted by class.' || fail "--top: $(cat found)"
rm -f said stacks.core
HAKMEM_CHECK=normal HAKMEM_GUARD=off in_gdb "$BUILD/hakmem-debug.so" continue 'generate-core-file stacks.core' kill -- "$program"
"$trace" core stacks.core --top >found || fail "--top of a core with stacks: status $?"
head -n 1 found | grep -qx '3,000,000 bytes in 1 block allocated by' && sed -n 2p found | grep -qE '^ +#0 +main ' ||
    fail "--top of a core with stacks: $(cat found)"
"$trace" core stacks.core --top --json >top.json || fail "--top --json: status $?"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" top.json || fail '--top --json'

# Two questions are refused.
"$trace" core plain.core --check --layers >found 2>&1
[ $? -eq 2 ] && grep -q 'are two questions' found || fail "--check --layers: $(cat found)"
exit 0
