#!/usr/bin/env bash
# A core of another architecture is read by where that one's notes have the registers: the same memory, as aarch64's, gives the same answers.
# A core of a machine that is not known is refused.
. "${SOURCE:?}/tests/tools/corefiles.sh"
program=$BUILD/tests/corefile/blocks
make_core found.core "$BUILD/libhakmem.so" "$program"
cp found.core other.core
python3 "$SOURCE/tests/tools/as_aarch64.py" other.core || fail "as_aarch64.py"
readelf -h other.core | grep -q AArch64 || fail "$(readelf -h other.core)"

answers() {
    local name
    "$trace" core "$1" || echo "status $?"
    "$trace" core "$1" --top || echo "status $?"
    "$trace" core "$1" --layers || echo "status $?"
    for name in live inside freed freed_later of_other freed_for_other large kept data stack; do
        "$trace" core "$1" --why "$(address_of $name)" || echo "status $?"
    done
}
answers found.core >due 2>&1
answers other.core 2>&1 | sed 's/other\.core/found.core/g' >found
diff -u due found || fail "the same memory as that of another machine"
# The comparison covers the threads, which are found by their thread pointers.
grep -q 'heap 2 of thread [0-9]' due || fail "no answer names a thread: $(cat due)"

printf '\x08\x00' | dd of=other.core bs=1 seek=18 conv=notrunc status=none
"$trace" core other.core >found 2>&1
status=$?
[ "$status" -eq 3 ] && grep -q 'other.core is a core file of another machine than x86-64 and aarch64$' found || fail "status $status: $(cat found)"
exit 0
