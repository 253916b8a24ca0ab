#!/usr/bin/env bash
# A string function that reads bytes which something has overwritten is the victim: hunt goes on to the writer, and says both. A capture of
# another build: its stack is found again by function and line; where no stack is alike the hunt begins from nothing, and what the capture
# named stays in the last line.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export HAKMEM_GUARD_ALIGN=16 # the first run finds damage late
export LC_ALL=C
compile() { ${CC:-cc} -g -O0 -fno-builtin -w "${@:2}" -o "$1" "$SOURCE/tests/hunt/symptom.c" || fail "symptom.c does not compile"; }
# said STATUS ARGUMENT...: hunt ends so; its own lines are in `said`.
said() {
    local status=$1
    shift
    "$trace" hunt -f --show none "$@" >out 2>err
    [ $? -eq "$status" ] || { cat err; echo "hunt $*: not status $status"; failed=1; }
    sed -n 's/^hakmem: //p' err >said
}
has() { grep -qE "$1" said || complain "this is not said: $1" "$(cat said)"; }
writer='HKM-301 heap-buffer-overflow: fill\(\) symptom\.c:14 writes 1 byte right past the end of a 14-byte block from make\(\) symptom\.c:9'
victim='HKM-301 heap-buffer-overflow: strlen, called by measure\(\) symptom\.c:24, reads at least 15 bytes at offset 0 of a 14-byte block from make\(\) symptom\.c:9, past its end; at least 1 byte was overwritten there before'

compile old
compile new -DNEWER
said 1 -o old.db -- ./old
has "^run 1, level normal: $victim\$"
has "^$writer\$"
has "^it showed as: $victim\$"
has '^the instruction is named; seen in [0-9]+ of [0-9]+ runs; run [0-9]+: old.db$'
[ "$("$trace" sql -s old.db "select json_extract(json, '$.fault.access') from fault" | tail -n 1)" = write ] ||
    complain "the store is not the writer's"

# A call that writes past the block's end, or not even that, meets what was written there before: the writer is named.
line_of() { grep -n "$1" "$SOURCE/tests/hunt/symptom.c" | cut -d: -f1; }
memset='HKM-301 heap-buffer-overflow: memset, called by clear\(\) symptom\.c:'$(line_of memset)', writes 15 bytes at offset 0 of a 14-byte block from make\(\) symptom\.c:9, 1 of them past its end; at least 1 byte was overwritten there before'
said 1 -o far.db -- ./old too-far
has "^run 1, level normal: $memset\$"
has "^$writer\$"
has "^it showed as: $memset\$"
said 1 -o within.db -- ./old within
has "^run 1, level normal: HKM-301 heap-buffer-overflow: 1 byte past a 14-byte block from make\(\) symptom\.c:9, found by memset in clear\(\) symptom\.c:$(line_of memset)\$"
has "^$writer\$"
has '^the instruction is named; '

# Of two faults the first, which a run sees alone that guards all blocks.
HAKMEM_GUARD=off said 1 -o twice.db -- ./old twice
has "^run 1, level normal: HKM-202 double-free: .* symptom\.c:$(line_of 'the second')"
has "^run 2, every block guarded, at their end: HKM-301 heap-buffer-overflow: err_twice\(\) symptom\.c:$(line_of 'the first') reads 1 byte right past the end"
has '^the instruction is named; seen in 2 of 2 runs; run 2: twice.db$'

# The same bytes under the same name, another build id.
cp new program
said 1 -s old.db -o new.db -- ./program
has '^old\.db is of another build of the program; its stack is looked for by function and line$'
has "^it showed as: "
has '^the instruction is named; seen in [0-9]+ of [0-9]+ runs; run [0-9]+: new.db$'
said 1 -s old.db -o none.db -- ./program well
has '^run 2, blocks of that stack guarded, '
has '^the instruction is named; seen in 0 of [0-9]+ runs; as in old.db$'
said 1 -s old.db -o none.db -- "$BUILD/tests/hunt/copy" </dev/null
has "^old\.db names a stack that this build does not have; the hunt begins from nothing\$"
has '^run 2, every block guarded'
has '^the instruction is named; seen in 0 of [0-9]+ runs; as in old.db$'
said 1 -s old.db -o same.db -- ./old
! grep -q 'another build' said || complain "the same build is called another one"
