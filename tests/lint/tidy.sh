#!/usr/bin/env bash
# clang-tidy (configured in .clang-tidy) finds nothing in src, viewer and tools.
# timeout: 900
set -u
cd "$(dirname "$0")/../.." || exit 2
find src viewer tools -name '*.c' -print0 | LC_ALL=C sort -z |
    xargs -0 -n 4 -P 2 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$@" -- \
        -std=gnu11 -D_GNU_SOURCE -Isrc -Iviewer -DHAK_DEBUG=1 2>/dev/null' tidy
