#!/usr/bin/env bash
# Every size from 0 to 40,000 bytes is served at every HAKMEM_TINY_MAX_CLASS and HAKMEM_TINY_PROFILE, in the
# plain library, and in the debug one in both layouts. With QUICK=1 fewer sizes above 3,000 bytes (sizes.c).
. "${SOURCE:?}/tests/tools/test.sh"
${CC:-cc} -O1 -g -w -fno-builtin "$SOURCE/tests/unit/route/sizes.c" -o sizes || exit 1

# due LIBRARY SETTING...
due() {
    local library=$1 out
    shift
    out=$(env "$@" LD_PRELOAD="$BUILD/$library" ./sizes 2>&1)
    [ "$out" = 'all served' ] || fail "$library $*: $out"
}

for profile in hot conservative off full; do
    for class in 0 1 2 3 4 5 6 7; do
        due libhakmem.so HAKMEM_TINY_PROFILE=$profile HAKMEM_TINY_MAX_CLASS=$class
    done
    due hakmem-debug.so HAKMEM_TRACE=off HAKMEM_CHECK=trace HAKMEM_LAYOUT=same \
        HAKMEM_TINY_PROFILE=$profile
done
for class in 0 3 6; do
    due hakmem-debug.so HAKMEM_TRACE=off HAKMEM_CHECK=normal HAKMEM_LAYOUT=header \
        HAKMEM_TINY_MAX_CLASS=$class
done
