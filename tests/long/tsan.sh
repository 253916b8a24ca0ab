#!/usr/bin/env bash
# The thread sanitizer on the layers, thirty times as long as in `make check`.
# timeout: 1800
HAKMEM_TEST_LONG=1 exec "$(dirname "$0")/../tsan/threads.sh"
