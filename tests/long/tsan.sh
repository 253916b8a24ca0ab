#!/usr/bin/env bash
# The thread sanitizer on the layers, longer than in `make check-full`.
# timeout: 1800
. "${SOURCE:-$(dirname "$0")/../..}/tests/long/sizes"
exec "$(dirname "$0")/../tsan/threads.sh"
