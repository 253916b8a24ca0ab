#!/usr/bin/env bash
# The hooks leave nothing in the plain library: compiled with hop() and check_*() taken out altogether,
# every function has the same instructions as in the library's own object. And the calls of its short ways begin with a line of the processor's, and ask for
# the next block's line.
. "${SOURCE:?}/tests/tools/test.sh"
cd "$SOURCE" || exit 2
scratch=${TMPDIR:-/tmp}
compiler=${CC:-cc}
compared=0

# The instructions of an object file, without addresses.
instructions() {
    objdump -dr --no-show-raw-insn --no-addresses "$1" | grep -v 'file format'
}

# hop.h, check.h and border.h as they would be if nothing were there to watch, and the headers beside them, each of which would
# find its own neighbours first.
mkdir -p "$scratch/bare" && cp src/*.h "$scratch/bare/" || exit 1
awk '
    /^#include "block.h"/ { print; next }
    inside && /^}/ { inside = 0 }
    inside { next }
    /^static inline .* hop(_note|_count|_all|_all_down)?\(/ { head = 1 }
    head && /\{$/ { head = 0; inside = 1; print; if (/ bool hop/) print "    return true;"; next }
    { print }' src/hop.h >"$scratch/bare/hop.h"
for header in check border; do
    awk '
    /hak_is_debug_build \?/ {
        # "return hak_is_debug_build ? A : B;" becomes "return B;", over as many lines as it takes
        text = $0
        while (text !~ /;[ \t]*$/) { getline; text = text $0 }
        sub(/hak_is_debug_build \?.* : /, "", text); print text; next }
    /if \(hak_is_debug_build\)/ { do getline; while ($0 !~ /;[ \t]*$/); next }
    { print }' src/$header.h >"$scratch/bare/$header.h"
done
if grep -nE '[^a-z_]hak_is_debug_build[^a-z_=]*[^ =]' "$scratch"/bare/{hop,check,border}.h | grep -v 'enum {'; then
    echo "a header still asks for hak_is_debug_build after the hooks were taken out; this test must be taught its new form"
    exit 1
fi

flags=(-std=gnu11 -O2 -D_GNU_SOURCE -DHAK_DEBUG=0 -fPIC -ftls-model=initial-exec -fvisibility=hidden
    -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free -fno-plt
    -fno-stack-protector -fdata-sections -w)
# Files at the top of src/ are compiled from a copy, or they would find the real hop.h beside them.
mkdir -p "$scratch/top" && cp src/*.c "$scratch/top/" || exit 1
for folder in . entry entry/plain route front slab pool large large_map platform; do
    from=$SOURCE/src/$folder
    [ "$folder" != . ] || from=$scratch/top
    mkdir -p "$scratch/without/$folder" && cd "$scratch/without/$folder" || exit 1
    "$compiler" "${flags[@]}" -iquote "$scratch/bare" -iquote "$SOURCE/src" -c "$from"/*.c || exit 1
    for without in *.o; do
        file=src/$folder/${without%.o}.c with=$BUILD/plain/src/$folder/$without
        if [ ! -e "$with" ]; then # not of libhakmem.so
            with=$scratch/with.o
            "$compiler" "${flags[@]}" -iquote "$SOURCE/src" -c -o "$with" "$SOURCE/$file" || exit 1
        fi
        instructions "$with" >"$scratch/with.s"
        instructions "$without" >"$scratch/without.s"
        compared=$((compared + $(grep -c '>:$' "$scratch/with.s")))
        grep -oE '<(__libc_)?(malloc|free|calloc|realloc)>:$' "$scratch/with.s" >>"$scratch/family"
        cmp -s "$scratch/with.s" "$scratch/without.s" && continue
        echo "$file has other instructions with the hooks than without:"
        diff "$scratch/without.s" "$scratch/with.s" | head -n 10
        failed=1
    done
done
[ "$(sort -u "$scratch/family" | wc -l)" -eq 4 ] || { echo "of malloc, free, calloc and realloc only $(sort -u "$scratch/family" | tr '\n' ' ') were compared"; failed=1; }
[ "$compared" -gt 50 ] || complain "only $compared functions compared: the sources were not found"

# And none of what the hooks call is left. The heap profile, which libhakmem.a is without, walks stacks.
for library in libhakmem.so libhakmem.a; do
    left=$(nm "$BUILD/$library" | grep -oE '\bhak_(hop|check|trace|stack|inject|count|counters|metric)_[a-z_]+' |
        if [ $library = libhakmem.a ]; then cat; else grep -vE '^hak_stack_(bounds|memory_[a-z]+)$'; fi | head -n 3 | tr '\n' ' ')
    [ -z "$left" ] || complain "$library still holds $left"
done

# The debug build's free is one frame, not one for each of its layers: all of them would be walked for each stack.
outside=$(nm "$BUILD/hakmem-debug.so" | grep -oE ' t (hak_entry_give|hak_entry_give_back|hak_entry_free|hak_route_give(_own)?)$' | tr '\n' ' ')
[ -z "$outside" ] || complain "hakmem-debug.so has functions of their own for$outside"
# ---- the short ways ----------------------------------------------------------------------------

for name in malloc calloc free _Znwm _ZdlPv; do
    at=$(nm -D "$BUILD/libhakmem.so" | awk -v name=$name '$3 == name { print $1 }')
    [ -n "$at" ] && [ $((0x$at % 64)) -eq 0 ] || complain "$name lies at 0x$at in libhakmem.so: a multiple of 64 was due"
done
for name in __libc_malloc _Znwm; do # objdump knows malloc by that name
    objdump -d --no-show-raw-insn --disassemble=$name "$BUILD/libhakmem.so" | grep prefetch >/dev/null || complain "$name asks for no line of the next block"
done
