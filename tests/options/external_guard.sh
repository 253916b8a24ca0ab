#!/usr/bin/env bash
# Pointers of other allocators: glibc's own go back to it, others are left alone; what is said of them.
set -u
status=0
export HAKMEM_TRACE=off
program=$BUILD/tests/options/external

# due BUILD STDOUT [KIND COUNT...] < stderr that is due
due() {
    local library=$1 out=$2 code=0
    shift 2
    LD_PRELOAD=$BUILD/$library "$program" "$@" >out 2>err || code=$?
    sed -i -E 's/0x[0-9a-f]+ is/ADDRESS is/; s/external\+0x[0-9a-f]+/external+OFFSET/' err
    if [ "$code" -ne 0 ] || [ "$(cat out)" != "$out" ] || ! diff - err >difference; then
        echo "$library, $*: status $code, stdout \"$(cat out)\" (due \"$out\"), stderr (< due):"
        cat difference
        status=1
    fi
}

for library in libhakmem.so hakmem-debug.so; do
    # Nothing is said unless it is asked for.
    due "$library" "glibc had it back" glibc 20 </dev/null
    due "$library" "" mapping 5 arena 5 reserved 1 </dev/null

    HAKMEM_EXTERNAL_GUARD_LOG=1 due "$library" "glibc had it back" \
        glibc 2 aligned 1 huge 1 thread 1 arena 1 reserved 1 <<'END'
hakmem: external-guard: ADDRESS is a block of glibc's, 104 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of glibc's, 104 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of glibc's, 72 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of glibc's, 4198384 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of glibc's, 200 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is mapped, its owner not known: left alone; freed by external+OFFSET
hakmem: external-guard: ADDRESS is mapped, its owner not known: left alone; freed by external+OFFSET
END

    HAKMEM_EXTERNAL_GUARD_STATS=1 due "$library" "" <<'END'
hakmem: external-guard: 0 pointers of other allocators were freed
END
    HAKMEM_EXTERNAL_GUARD_STATS=1 due "$library" "" mapping 1 <<'END'
hakmem: external-guard: 1 pointer of another allocator was freed
hakmem:   passed on to glibc 0, left alone 1; mincore: 1 mapped
hakmem:   sizes: not known 1
hakmem:   1 freed by external+OFFSET
END
    HAKMEM_EXTERNAL_GUARD_STATS=1 due "$library" "glibc had it back" glibc 3 aligned 2 arena 20 <<'END'
hakmem: external-guard: 25 pointers of other allocators were freed
hakmem:   passed on to glibc 5, left alone 20; mincore: 25 mapped
hakmem:   sizes: C4 5, not known 20
hakmem:   20 freed by external+OFFSET
hakmem:   5 freed by external+OFFSET
END
done

# The debug build reports by itself at the hundredth that is left alone, once.
due hakmem-debug.so "glibc had it back" glibc 150 arena 50 </dev/null
due libhakmem.so "glibc had it back" glibc 80 arena 220 </dev/null
due hakmem-debug.so "glibc had it back" glibc 80 arena 220 <<'END'
hakmem: external-guard: 180 pointers of other allocators were freed
hakmem:   passed on to glibc 80, left alone 100; mincore: 180 mapped
hakmem:   sizes: C4 80, not known 100
hakmem:   100 freed by external+OFFSET
hakmem:   80 freed by external+OFFSET
END

# They are counted, each of them.
HAKMEM_TINY_FRONT_DUMP=1 due hakmem-debug.so "glibc had it back" glibc 30 arena 12 </dev/null
counted=$(cat hakmem.external.*.csv | sed -n 's/^FOREIGN_FREE.times,,,//p')
[ "$counted" = 42 ] || { echo "FOREIGN_FREE counts '$counted', 42 were freed"; status=1; }
exit "$status"
