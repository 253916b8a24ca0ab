#!/usr/bin/env bash
# broken.sh with a viewer that is built with address and undefined sanitizers: servers that go, rows that no push made, tables that
# are emptied. It is built beside the other one, and only anew where a source changed.
# timeout: 1800
set -u
unset "${!HAKMEM_@}" LD_PRELOAD
made=$(realpath -m "$BUILD/sanitized")
target=${made#"$(realpath "$SOURCE")/"} # make's own name of the folder
"${MAKE:-make}" -s -C "$SOURCE" -j2 BUILD="$made" WARN= HOST_MORE=-O1 CC='gcc -fsanitize=address,undefined -fno-sanitize-recover=all' \
    "$target/hakmem-trace" "$target/hakmem_postgres.so" >made 2>&1 || { tail -n 20 made; exit 1; }
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:exitcode=99
nm -D "$made/hakmem-trace" | grep -q __asan_init && nm -D "$made/hakmem_postgres.so" | grep -q __asan || { echo "not built with sanitizers"; exit 1; }
TRACE=$made/hakmem-trace exec bash "$SOURCE/tests/remote/broken.sh"
