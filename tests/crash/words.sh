#!/usr/bin/env bash
# A pointer that was read from freed memory, or from behind a block, names its block, whatever the
# compiler made of the code: exactly that block where the register that failed proves it; where it does
# not, candidates stand under GUESS, and no block in the first line and in SUMMARY. The first line guesses no less.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"

# told O CASE PATTERN...: what the case prints, compiled with -O.
told() {
    local level=$1 what=$2 pattern
    shift 2
    rm -f "$level.$what.log" # a run writes behind what is there
    { HAKMEM_TRACE_FILE=$PWD/$level.$what.db HAKMEM_LOG=$PWD/$level.$what.log LD_PRELOAD="$BUILD/hakmem-debug.so" "./words$level" "$what"; } >out 2>&1
    for pattern in "$@"; do
        grep -qE "$pattern" "$level.$what.log" && continue
        echo "-O$level $what: this is not said: $pattern"
        cat "$level.$what.log" out
        failed=1
    done
}

for level in 0 1 2; do
    gcc -g -w "-O$level" -o "words$level" "$SOURCE/tests/crash/words.c" || exit 1
    freed=drop_right
    [ $level -eq 2 ] && freed='main +crash/words.c:[0-9]+' # drop_right jumps to free
    for what in member element length call; do
        told $level $what '^hakmem: HKM-304 use-after-free: [a-z_]+\(\) words.c:[0-9]+ uses a pointer read from a 56-byte block freed by [a-z_]+\(\) words.c:[0-9]+' \
            "^      #0 $freed" "^SUMMARY: hakmem: use-after-free words.c:[0-9]+ $what hop=ACCESS size=56 offset=unknown"
    done
    told $level behind '^hakmem: HKM-301 heap-buffer-overflow: [a-z_]+\(\) words.c:[0-9]+ uses a pointer read past the end of a 56-byte block' \
        "^SUMMARY: hakmem: heap-buffer-overflow words.c:[0-9]+ behind hop=ACCESS size=56 offset=\+56"
    for what in front front_call front_alone; do
        place=$what
        [ $what = front_alone ] && place=either
        told $level $what '^hakmem: HKM-302 heap-buffer-underflow: [a-z_]+\(\) words.c:[0-9]+ uses a pointer read from the bytes before a 56-byte block' \
            "^SUMMARY: hakmem: heap-buffer-underflow words.c:[0-9]+ $place hop=ACCESS size=56 offset=-8"
    done
    told $level front_first '^hakmem: HKM-302 heap-buffer-underflow: [a-z_]+\(\) words.c:[0-9]+ uses a pointer read from the bytes before a 56-byte block' \
        '^SUMMARY: hakmem: heap-buffer-underflow words.c:[0-9]+ front_first hop=ACCESS size=56 offset=-16'
    told $level next_header '^hakmem: HKM-301 heap-buffer-overflow: [a-z_]+\(\) words.c:[0-9]+ uses a pointer read past the end of a 56-byte block' \
        '^SUMMARY: hakmem: heap-buffer-overflow words.c:[0-9]+ next_header hop=ACCESS size=56 offset=\+72'
    told $level next_header_first '^hakmem: HKM-301 heap-buffer-overflow: [a-z_]+\(\) words.c:[0-9]+ uses a pointer read past the end of a 56-byte block' \
        '^SUMMARY: hakmem: heap-buffer-overflow words.c:[0-9]+ next_header_first hop=ACCESS size=56 offset=\+64'
    told $level either '^hakmem: SIGSEGV( in [a-z_]+\(\) words.c:[0-9]+)?: the program crashed; GUESS: by a pointer that was read from bytes of the heap that are not the program.s data$' '^SUMMARY: hakmem: crash words.c:[0-9]+ either signal=SIGSEGV' \
        '^  GUESS +r[a-z0-9]+ was read from the bytes before 0x[0-9a-f]+, which is the start of a live block of 56 bytes: calloc\(56\) by ' \
        '^                    r[a-z0-9]+ was read past the end of 0x[0-9a-f]+, which is the start of a live block of 56 bytes: calloc\(56\) by '
    told $level reused '^hakmem: SIGSEGV( in [a-z_]+\(\) words.c:[0-9]+)?: ' '^SUMMARY: hakmem: crash words.c:[0-9]+ use signal=SIGSEGV' \
        '^  GUESS .*r[a-z0-9]+ was read after a free, or before anything was written there, from 0x[0-9a-f]+, which is the start of a live block of 56 bytes: malloc\(56\) by '
    for guard in off sites:4 all; do
        HAKMEM_GUARD=$guard told $level grown '^hakmem: SIGSEGV( in [a-z_]+\(\) words.c:[0-9]+)?: the program crashed; GUESS: by a pointer that was read from memory that was never written since malloc$' '^SUMMARY: hakmem: crash words.c:[0-9]+ use signal=SIGSEGV' \
            '^  GUESS +r[a-z0-9]+ was read from memory that was never written since malloc: 0x[0-9a-f]+, which is the start of a live block of 72 bytes'
    done
    for check in normal trace; do
        HAKMEM_JUNK=1 HAKMEM_CHECK=$check told $level unwritten '^hakmem: SIGSEGV( in [a-z_]+\(\) words.c:[0-9]+)?: the program crashed; GUESS: by a pointer that was read from memory that was never written since malloc$' '^SUMMARY: hakmem: crash words.c:[0-9]+ use signal=SIGSEGV' \
            '^  GUESS +r[a-z0-9]+ was read from memory that was never written since malloc: 0x[0-9a-f]+, which is the start of a live block of 56 bytes: malloc\(56\) by '
    done
    second='^                    r[a-z0-9]+ was read after the free of 0x[0-9a-f]+'
    [ $level -eq 0 ] && second= # the sum of both is used, and one of them is still there
    told $level two '^hakmem: SIGSEGV( in [a-z_]+\(\) words.c:[0-9]+)?: the program crashed; GUESS: by a pointer that was read from freed memory$' '^SUMMARY: hakmem: crash words.c:[0-9]+ both signal=SIGSEGV' \
        '^  GUESS .* was read after the free of 0x[0-9a-f]+, which is the start of a freed block of 56 bytes: free by ' \
        "$second"
done
# The register alone, where no read of four bytes was made shorter.
told 0 narrow '^hakmem: SIGSEGV( in [a-z_]+\(\) words.c:[0-9]+)? at ' '^SUMMARY: hakmem: crash words.c:[0-9]+ narrow signal=SIGSEGV' \
    '^  GUESS +r[a-z0-9]+ may hold part of the pattern that fills freed memory, from 0x[0-9a-f]+, which is the start of a freed block of 56 bytes: free by '
