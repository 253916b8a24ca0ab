#!/usr/bin/env bash
# tests/trees/import_broken.sh, with IMPORT_TIMES files, on a hakmem-trace that is built with the address and undefined sanitizers.
# timeout: 1800
set -u
. "$SOURCE/tests/long/sizes"
"$SOURCE/tests/tools/sanitized.sh" hakmem-trace >made 2>&1 || { tail made; exit 1; }
mkdir run && cd run || exit 2
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
IMPORT_TRACE=$BUILD/sanitized/hakmem-trace "$SOURCE/tests/trees/import_broken.sh"
