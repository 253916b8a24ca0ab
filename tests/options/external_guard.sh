#!/usr/bin/env bash
# Pointers of other allocators: glibc's own go back to it, others are left alone where one is loaded that cannot be asked, else they are bad-free;
# what is said of them.
. "${SOURCE:?}/tests/tools/test.sh"
export HAKMEM_TRACE=off
program=$BUILD/tests/options/external
# glibc's own word for 4 MiB of its malloc: how much of the mapping is the program's differs from release to release.
huge=$("$program" usable huge 1) || failed=1
. "$SOURCE/tests/tools/mimalloc.sh"

# due BUILD STDOUT [KIND COUNT...] < stderr that is due
due() {
    local library=$1 out=$2 code=0
    shift 2
    LD_PRELOAD="$BUILD/$library ${beside-}" "$program" "$@" >out 2>err || code=$?
    sed -i -E 's/0x[0-9a-f]+ is/ADDRESS is/; s/external\+0x[0-9a-f]+/external+OFFSET/' err
    if [ "$code" -ne 0 ] || [ "$(cat out)" != "$out" ] || ! diff - err >difference; then
        complain "$library, $*: status $code, stdout \"$(cat out)\" (due \"$out\"), stderr (< due):" "$(cat difference)"
    fi
}

silent=libjemalloc.so.2 # cannot be asked whose a pointer is
for library in libhakmem.so hakmem-debug.so; do
    beside=$silent
    # Nothing is said unless it is asked for.
    due "$library" "glibc had it back" glibc 20 </dev/null
    due "$library" "" mapping 5 arena 5 reserved 1 </dev/null

    HAKMEM_EXTERNAL_GUARD_LOG=1 due "$library" "glibc had it back" \
        glibc 2 aligned 1 huge 1 thread 1 arena 1 reserved 1 <<END
hakmem: external-guard: ADDRESS is a block of glibc's, 104 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of glibc's, 104 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of glibc's, 72 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of glibc's, $huge bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of glibc's, 200 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is mapped, its owner not known: left alone; freed by external+OFFSET
hakmem: external-guard: ADDRESS is mapped, its owner not known: left alone; freed by external+OFFSET
END

    # mimalloc and tcmalloc are asked and have theirs back, whether they were opened or loaded at the start, in
    # front of libc; a block of another namespace's libc is none of ours to give back.
    for beside in "" "$mimalloc libtcmalloc_minimal.so.4"; do
        HAKMEM_EXTERNAL_GUARD_LOG=1 due "$library" "glibc had it back" \
            glibc 1 mimalloc 1 tcmalloc 1 namespace 1 symbol 1 <<'END'
hakmem: external-guard: ADDRESS is a block of glibc's, 104 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is mapped, its owner not known: left alone; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of mimalloc's, 112 bytes: passed on; freed by external+OFFSET
hakmem: external-guard: ADDRESS is a block of tcmalloc's, 112 bytes: passed on; freed by external+OFFSET
END
    done
    beside=$silent
    HAKMEM_EXTERNAL_GUARD_STATS=1 due "$library" "" jemalloc 3 tcmalloc 2 mimalloc 1 <<'END'
hakmem: external-guard: 6 pointers of other allocators were freed
hakmem:   passed on to glibc 0, to mimalloc 1, to tcmalloc 2, left alone 3; mincore: 6 mapped
hakmem:   loaded, and cannot be asked whose a pointer is: libjemalloc.so.2
hakmem:   sizes: C4 3, not known 3
hakmem:   6 freed by external+OFFSET
END

    # realloc moves the block to us: all of it, also where nobody knows how large it is.
    HAKMEM_EXTERNAL_GUARD_STATS=1 due "$library" "glibc had it back" realloc \
        glibc 1 aligned 1 thread 1 namespace 1 symbol 1 edge 1 mapping 1 arena 1 mimalloc 1 tcmalloc 1 <<'END'
hakmem: external-guard: 9 pointers of other allocators were freed
hakmem:   passed on to glibc 3, to mimalloc 1, to tcmalloc 1, left alone 4; mincore: 9 mapped
hakmem:   loaded, and cannot be asked whose a pointer is: libjemalloc.so.2
hakmem:   sizes: C4 4, C5 1, not known 4
hakmem:   9 freed by external+OFFSET
END
    due "$library" $'104\n'"$huge"$'\n200\n0\n0\n112\n112\nglibc had it back' \
        usable glibc 1 huge 1 thread 1 arena 1 namespace 0 reserved 1 mimalloc 1 tcmalloc 1 </dev/null

    HAKMEM_EXTERNAL_GUARD_STATS=1 beside='' due "$library" "" <<'END'
hakmem: external-guard: 0 pointers of other allocators were freed
END
    HAKMEM_EXTERNAL_GUARD_STATS=1 due "$library" "" mapping 1 <<'END'
hakmem: external-guard: 1 pointer of another allocator was freed
hakmem:   passed on to glibc 0, left alone 1; mincore: 1 mapped
hakmem:   loaded, and cannot be asked whose a pointer is: libjemalloc.so.2
hakmem:   sizes: not known 1
hakmem:   1 freed by external+OFFSET
END
    HAKMEM_EXTERNAL_GUARD_STATS=1 due "$library" "glibc had it back" glibc 3 aligned 2 arena 20 <<'END'
hakmem: external-guard: 25 pointers of other allocators were freed
hakmem:   passed on to glibc 5, left alone 20; mincore: 25 mapped
hakmem:   loaded, and cannot be asked whose a pointer is: libjemalloc.so.2
hakmem:   sizes: C4 5, not known 20
hakmem:   20 freed by external+OFFSET
hakmem:   5 freed by external+OFFSET
END
done

# The debug build reports by itself at the hundredth that is left alone, once; libhakmem when it is asked to.
due hakmem-debug.so "glibc had it back" glibc 150 arena 50 </dev/null
due libhakmem.so "glibc had it back" glibc 80 arena 220 </dev/null
cat >at_100 <<'END'
hakmem: external-guard: 180 pointers of other allocators were freed
hakmem:   passed on to glibc 80, left alone 100; mincore: 180 mapped
hakmem:   loaded, and cannot be asked whose a pointer is: libjemalloc.so.2
hakmem:   sizes: C4 80, not known 100
hakmem:   100 freed by external+OFFSET
hakmem:   80 freed by external+OFFSET
END
due hakmem-debug.so "glibc had it back" glibc 80 arena 220 <at_100
cat at_100 - >at_100_and_end <<'END'
hakmem: external-guard: 300 pointers of other allocators were freed
hakmem:   passed on to glibc 80, left alone 220; mincore: 300 mapped
hakmem:   loaded, and cannot be asked whose a pointer is: libjemalloc.so.2
hakmem:   sizes: C4 80, not known 220
hakmem:   220 freed by external+OFFSET
hakmem:   80 freed by external+OFFSET
END
for library in libhakmem.so hakmem-debug.so; do
    HAKMEM_EXTERNAL_GUARD_STATS=1 due "$library" "glibc had it back" glibc 80 arena 220 <at_100_and_end
done

# They are counted, each of them.
HAKMEM_TINY_FRONT_DUMP=1 due hakmem-debug.so "glibc had it back" glibc 30 arena 12 </dev/null
counted=$(cat hakmem.external.*.csv | sed -n 's/^FOREIGN_FREE.times,,,//p')
[ "$counted" = 42 ] || complain "FOREIGN_FREE counts '$counted', 42 were freed"

# Where each allocator can be asked, what none of them owns is no block.
unset beside
for kind in mapping arena reserved edge; do
    for library in libhakmem.so hakmem-debug.so; do
        LD_PRELOAD=$BUILD/$library "$program" $kind 1 >out 2>err
        [ $? -eq 134 ] && grep -qE '^hakmem: (HKM-201 )?bad-free: ' err || complain "$library, $kind: no bad-free: $(head -n 3 err)"
    done
done
