#!/usr/bin/env bash
# `hakmem-trace core FILE --why ADDR` says of each kind of block what it is and where it lies, in the plain library and in each level,
# for PIE and not, gcc and clang, a stripped program, one that is linked with libhakmem.a, and a core that the kernel wrote.
# timeout: 600
here=$SOURCE/tests/corefile
. "${SOURCE:?}/tests/tools/corefiles.sh"
blocks='live inside beside freed freed_later of_other freed_for_other large kept data stack'

# answers CORE [PROGRAM]: the summary and one answer for each name.
answers() {
    local name status
    "$trace" core "$@" 2>&1 || echo "status $?"
    for name in $blocks; do
        echo "-- $name"
        "$trace" core "$@" --why "$(address_of "$name")" 2>&1
        status=$?
        [ "$status" -eq 0 ] || echo "status $status"
    done
}

compare() { # NAME CORE [PROGRAM]
    answers "${@:2}" | normal >"$1.found"
    if [ -n "${UPDATE-}" ]; then
        cp "$1.found" "$here/$1.expected"
    elif ! diff -u "$here/$1.expected" "$1.found"; then
        fail "$1: answers of a core of ${2##*/}"
    fi
}

program=$BUILD/tests/corefile/blocks
make_core plain.core "$BUILD/libhakmem.so" "$program"
compare plain plain.core
cp plain.core kept.core && cp said kept.said
for level in trace normal light; do
    export HAKMEM_CHECK=$level HAKMEM_GUARD=off
    make_core "$level.core" "$BUILD/hakmem-debug.so" "$program"
    unset HAKMEM_CHECK HAKMEM_GUARD
    compare "$level" "$level.core"
    rm -f "$level.core"
done
# A block of the heap profile is live, too.
HAKMEM_CHECK=light HAKMEM_GUARD=off HAKMEM_HEAP_PROFILE=1 make_core sampled.core "$BUILD/hakmem-debug.so" "$program"
"$trace" core sampled.core --why "$(address_of large)" | normal >found || fail "sampled: status $?"
sed -n '/^-- large$/,/^-- kept$/{/^--/d;p}' "$here/light.expected" | diff -u - found || fail "a sampled block"
rm -f sampled.core
HAKMEM_GUARD=all make_core guarded.core "$BUILD/hakmem-debug.so" "$program"
compare guarded guarded.core
rm -f guarded.core

# Where a process ended by an access to memory: an address that is mapped no more, a freed block whose page is closed, and what is no address.
make_core fault.core "$BUILD/libhakmem.so" "$program" fault
"$trace" core fault.core | normal >found || fail "fault: status $?"
grep -qx 'ended by   SIGSEGV at @page' found || fail "fault: $(cat found)"
[ "$("$trace" core fault.core --why @fault | normal)" = "@page is in no block of hakmem's. Nothing was mapped there, or the core leaves it out." ] ||
    fail "--why @fault of fault: $("$trace" core fault.core --why @fault)"
HAKMEM_GUARD=all make_core fault.core "$BUILD/hakmem-debug.so" "$program" freed
"$trace" core fault.core --why @fault | normal >found || fail "freed: status $?"
grep -qE '^@freed is the start of a block of 100 asked, free in closed pages' found || fail "--why @fault of freed: $(cat found)"
make_core fault.core "$BUILD/libhakmem.so" "$program" wild
"$trace" core fault.core >found || fail "wild: status $?"
grep -qx 'ended by   SIGSEGV' found || fail "wild: $(cat found)"
"$trace" core fault.core --json | grep -q '"fault_address": *null' || fail "wild: $("$trace" core fault.core --json)"
"$trace" core fault.core --why @fault >found 2>&1
status=$?
[ "$status" -eq 2 ] || fail "--why @fault of wild: status $status: $(cat found)"
rm -f fault.core

# JSON says the same, in the form of its schema.
cp kept.said said
"$trace" core kept.core --json >summary.json || fail "--json: status $?"
"$trace" core kept.core --why "$(address_of freed)" --json >block.json || fail "--why --json: status $?"
"$trace" core kept.core --why "$(address_of data)" --json >none.json || fail "--why --json of data: status $?"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" summary.json block.json none.json || fail "--json"
python3 -c 'import json, sys
block = json.load(open("block.json"))["why"]["block"]
assert block["user"] == sys.argv[1] and not block["live"] and block["place"] == "front" and block["order"] == 1, block
assert json.load(open("none.json"))["why"]["block"] is None
' "$(address_of freed)" || fail "--json of a freed block"

# The same answers, however the program was made.
for compiler in gcc clang; do
    for kind in -pie -no-pie; do
        $compiler -g -O1 $kind ${kind/-pie/-fPIE} -w -o "made" "$here/blocks.c" -pthread 2>/dev/null ||
            $compiler -g -O1 $kind -w -o made "$here/blocks.c" -pthread || fail "$compiler $kind"
        strip made
        make_core made.core "$BUILD/libhakmem.so" ./made
        UPDATE='' compare plain made.core
        rm -f made.core
    done
done 2>/dev/null

# Linked with the archive: the table is in the program, which may have been moved away meanwhile.
gcc -g -w -o archive "$here/blocks.c" "$BUILD/libhakmem.a" -pthread || fail "libhakmem.a"
strip archive
make_core archive.core '' ./archive
mv archive elsewhere
address=$(address_of live)
"$trace" core archive.core ./elsewhere --why "$address" | normal >found || fail "archive: status $?"
"$trace" core kept.core --why "$(sed -n 's/^live //p' kept.said)" >/dev/null || fail "plain core again: status $?"
sed -n '/^-- live$/,/^-- inside$/{/^--/d;p}' "$here/plain.expected" | diff -u - found || fail "archive"

# A core of the kernel; where it writes none into the working directory, one of gdb's, cut to what the kernel would keep.
rm -f core core.*
if [ "$(cat /proc/sys/kernel/core_pattern)" = core ] && ulimit -c unlimited 2>/dev/null; then
    { LD_PRELOAD=$BUILD/libhakmem.so "$program" fault >said; } 2>/dev/null
    found=$(find . -maxdepth 1 -name 'core*' | head -n 1)
    [ -n "$found" ] || fail 'the kernel wrote no core'
else
    make_core core.gdb "$BUILD/libhakmem.so" "$program" fault
    as_of_kernel core.gdb
    found=core.gdb
fi
"$trace" core "$found" >summary || fail "a core of the kernel: status $?"
grep -qE '^ended by +SIGSEGV' summary || fail "a core of the kernel: $(cat summary)"
"$trace" core "$found" --why @fault | grep -q "^$(address_of page) is in no block" || fail "--why @fault of a core of the kernel"
"$trace" core "$found" --why "$(address_of freed_later)" | grep -q 'front of heap 2 .*: the next one' ||
    fail "a core of the kernel: $("$trace" core "$found" --why "$(address_of freed_later)")"
exit 0
