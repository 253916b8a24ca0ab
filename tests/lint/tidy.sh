#!/usr/bin/env bash
# clang-tidy (configured in .clang-tidy) finds nothing in src, viewer and tools, nor does clang with the build's warnings: both read
# them here at once, and compilers.sh leaves them out. A room is read as the unit that BUILD compiles, which takes less than half of the
# time: its headers are read once. Only of a unit's own functions that nobody calls does clang say nothing; gcc does.
# timeout: 1800
# `tidy.sh FILE...` looks at these only, CHANGED=1 at those that differ.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/tools/changed.sh
. tests/tools/changed.sh
# The warnings that BUILD was made with, as -Wextra, but for the linker's words, as -Wl,-O1.
mapfile -t warnings < <(grep -oE -- ' -W[a-z][a-z-]*( |$)' <(sed 's/ / &/g' "${BUILD:-build}/flags") | tr -d ' ' | awk '!seen[$0]++')
[ ${#warnings[@]} -ne 0 ] || { echo "no warnings in ${BUILD:-build}/flags, which make writes"; exit 1; }
{
    if [ $# -gt 0 ]; then
        printf '%s\0' "$@"
    elif [ -n "${CHANGED-}" ]; then
        changed_files | grep -zE '^(src|viewer|tools)/.*\.c$'
    else
        # A room that is compiled for both halves is read once.
        mapfile -t units < <(find "${BUILD:-build}/host" "${BUILD:-build}/debug" -name unit.c | LC_ALL=C sort -r |
            xargs awk 'FNR == 1 { is_new = !seen[$0]++ } FNR == 1 && is_new { print FILENAME }')
        printf '%s\0' "${units[@]}"
        find src viewer tools -name '*.c' | grep -vxFf <(sed -n 's/^#include "\(.*\)"$/\1/p' "${units[@]}" /dev/null) |
            LC_ALL=C sort | tr '\n' '\0'
    fi
} |
    WARNINGS=${warnings[*]} xargs -0 -r -n 20 -P 2 sh -c 'clang-tidy --config-file=.clang-tidy --quiet --warnings-as-errors="*" "$@" -- $WARNINGS \
        -std=gnu11 -D_GNU_SOURCE -iquote src -iquote include -iquote . -iquote "${BUILD:-build}" -isystem /usr/include/postgresql -DHAK_DEBUG=1 2>/dev/null' tidy
