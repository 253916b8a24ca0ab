#!/usr/bin/env bash
# clang-tidy (configured in .clang-tidy) finds nothing in src, viewer and tools.
# timeout: 1800
# `tidy.sh FILE...` looks at these only, CHANGED=1 at those that differ.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/tools/changed.sh
. tests/tools/changed.sh
{
    if [ $# -gt 0 ]; then
        printf '%s\0' "$@"
    elif [ -n "${CHANGED-}" ]; then
        changed_files | grep -zE '^(src|viewer|tools)/.*\.c$'
    else
        find src viewer tools -name '*.c' -print0 | LC_ALL=C sort -z
    fi
} |
    xargs -0 -r -n 4 -P 2 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$@" -- \
        -std=gnu11 -D_GNU_SOURCE -iquote src -iquote include -iquote . -iquote "${BUILD:-build}" -isystem /usr/include/postgresql -DHAK_DEBUG=1 2>/dev/null' tidy
