#!/usr/bin/env bash
# broken.sh with address and undefined sanitizers in what reads a server's rows and in the store behind it: servers that go, rows that no
# push made, tables that are emptied. FULL=1: in the whole viewer, and all that broken.sh can do.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
made=$BUILD/sanitized
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:exitcode=99:quarantine_size_mb=8:clear_shadow_mmap_threshold=1000000000
if [ "${FULL:-0}" = 1 ]; then
    "$SOURCE/tests/tools/sanitized.sh" hakmem-trace hakmem_postgres.so >made 2>&1 || { tail -n 20 made; exit 1; }
else
    # The viewer's own objects come from BUILD: to compile them once more would take most of the time.
    "$SOURCE/tests/tools/sanitized.sh" libstore.a hakmem_postgres.so >made 2>&1 || { tail -n 20 made; exit 1; }
    mapfile -t needed < <(readelf -d "$BUILD/hakmem-trace" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/-l:\1/p')
    clang -fsanitize=address,undefined -o hakmem-trace "$BUILD/host/viewer/main.o" "$BUILD/libviewer.a" "$BUILD/libcollector.a" \
        "$made/libstore.a" "${needed[@]}" -liberty >made 2>&1 || { tail -n 20 made; exit 1; }
    cp "$made/hakmem_postgres.so" . && made=$PWD || exit 1
fi
nm -D "$made/hakmem-trace" | grep -q __asan_init &&
    nm "$made/hakmem-trace" | grep -q __asan_report && nm -D "$made/hakmem_postgres.so" | grep -q __asan ||
    fail "not built with sanitizers"
mkdir a && cd a || exit 2 # an empty one, with a short name: sockets lie in it
TRACE=$made/hakmem-trace bash "$SOURCE/tests/remote/broken.sh"
