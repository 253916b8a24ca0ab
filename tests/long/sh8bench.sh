#!/usr/bin/env bash
# Generations of blocks that pass from thread to thread (sh8bench.c), SH8BENCH_SECONDS for each profile and for both kinds of
# learning, all fronts on, in both libraries: every block whole, and hak_verify finds nothing.
# timeout: 14400
set -u
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/all_fronts.sh"
all_fronts "$BUILD/tests/long/sh8bench" 16 "$SH8BENCH_SECONDS"
