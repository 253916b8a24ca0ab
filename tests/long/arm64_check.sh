#!/usr/bin/env bash
# make check CROSS=aarch64-linux-gnu-: what tests/arm/suite names of the suite (ONLY: these rows), built for arm64 and run through binfmt_misc. SYSROOT=DIR: a root of
# tools/arm_root that is there.
# timeout: 14400
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/arm.sh"
needs_binfmt
sysroot=${SYSROOT:-$PWD/sysroot}
[ -n "${SYSROOT-}" ] || "$SOURCE/tools/arm_root" "$sysroot" || fail "tools/arm_root"
# shellcheck disable=SC2154 # $cross
env -u CC -u MAKEFLAGS -u MFLAGS make -s -C "$SOURCE" BUILD="$BUILD/aarch64-check" CROSS="$cross" SYSROOT="$sysroot" check >out 2>&1 ||
    complain "make check CROSS=$cross: $(grep -E 'FAILED|^ *\|' out | head -n 60)"
tail -n 1 out
# Tests ran, and those that did not are named.
tail -n 1 out | grep -qE '^[1-9][0-9]* passed, 0 failed' && grep -q '^not run here: attach: ' out || complain "$(tail -n 20 out)"
