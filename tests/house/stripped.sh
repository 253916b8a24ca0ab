#!/usr/bin/env bash
# Libraries that are stripped as a package's are: packaging/keep_names leaves the names of their functions for reports, and what
# `hakmem-trace core` reads is still there.
. "${SOURCE:?}/tests/tools/test.sh"
mkdir bin && cp "$BUILD/hakmem-trace" "$BUILD/hakmem-collect" "$BUILD/hakmem-debug.so" bin/ && cp "$BUILD/libhakmem.so.1.0.0" bin/libhakmem.so.1 || exit 1
(cd bin && "$SOURCE/packaging/keep_names" hakmem-debug.so libhakmem.so.1) || fail "keep_names"
strip --strip-unneeded bin/* && ! nm bin/hakmem-debug.so 2>&1 | grep -q hak_ || fail "not stripped"
readelf -SW bin/hakmem-debug.so | grep -q '\.debug_info' && fail "debug information is left"
"${CC:-cc}" -g -o pairs "$SOURCE/tests/tools/pairs.c" || exit 1
# Found where it is made (level normal), and later (trace): hakmem's own frames begin outside of what found it.
bin/hakmem-trace run --check normal --inject offset16:40 -s made.db -- ./pairs >made 2>&1
bin/hakmem-trace run --check trace --inject offset16:40 -s later.db -- ./pairs >later 2>&1
grep -qE '#[0-9] sll_push +hakmem hakmem-debug.so\+0x' later || { cat later; fail "sll_push has no name"; }
for report in made later; do
    grep -qE '#[0-9] (__libc_)?(malloc|free) +hakmem hakmem-debug.so\+0x' "$report" && ! grep -qE '#[0-9] (\?\?|hak_(trace|report|check|guard)_)' "$report" ||
        { cat "$report"; fail "frames of the stripped library, $report"; }
done
ulimit -c unlimited
gdb -q -nx -batch -iex 'set debuginfod enabled off' -ex 'set startup-with-shell off' -ex "set environment LD_PRELOAD $PWD/bin/libhakmem.so.1" -ex run \
    -ex 'generate-core-file core.pairs' -ex kill ./pairs </dev/null >out 2>&1
bin/hakmem-trace core core.pairs >said 2>&1 && grep -q '^allocator  *libhakmem.so.1 .*without checks$' said && grep -q '^live  *[1-9]' said ||
    { cat out said; fail "core"; }
