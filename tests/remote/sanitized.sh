#!/usr/bin/env bash
# broken.sh with a viewer that is built with address and undefined sanitizers: servers that go, rows that no push made, tables that
# are emptied.
# timeout: 1800
set -u
unset "${!HAKMEM_@}" LD_PRELOAD
made=$BUILD/sanitized
"$SOURCE/tests/tools/sanitized.sh" hakmem-trace hakmem_postgres.so >made 2>&1 || { tail -n 20 made; exit 1; }
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:exitcode=99:quarantine_size_mb=8
nm -D "$made/hakmem-trace" | grep -q __asan_init && nm -D "$made/hakmem_postgres.so" | grep -q __asan || { echo "not built with sanitizers"; exit 1; }
TRACE=$made/hakmem-trace exec bash "$SOURCE/tests/remote/broken.sh"
