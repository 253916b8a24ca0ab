#!/usr/bin/env bash
# A second for each of what tests/long/sh8bench.sh does for ten minutes.
set -u
SH8BENCH_SECONDS=1 exec bash "$SOURCE/tests/long/sh8bench.sh"
