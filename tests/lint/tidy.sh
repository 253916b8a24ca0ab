#!/usr/bin/env bash
# clang-tidy (configured in .clang-tidy) finds nothing in src, viewer and tools, nor does clang with the build's warnings: both read
# them here at once, and compilers.sh leaves them out. A room is read as the unit that BUILD compiles, which takes less than half of the
# time: its headers are read once. Only of a unit's own functions that nobody calls does clang say nothing; gcc does.
# timeout: 1800
# `tidy.sh FILE...` looks at these only; for CHANGED=1 and the quick tier see tests/tools/changed.sh.
set -u
cd "$(dirname "$0")/../.." || exit 2
export BUILD=${BUILD:-build}
# shellcheck source=tests/tools/changed.sh
. tests/tools/changed.sh
# The warnings that BUILD was made with, as -Wextra, but for the linker's words, as -Wl,-O1.
mapfile -t warnings < <(grep -oE -- ' -W[a-z][a-z-]*( |$)' <(sed 's/ / &/g' "$BUILD/flags") | tr -d ' ' | awk '!seen[$0]++')
[ ${#warnings[@]} -ne 0 ] || { echo "no warnings in $BUILD/flags, which make writes"; exit 1; }
units=() apart=("$@")
[ $# -gt 0 ] || find_sources
[ $((${#units[@]} + ${#apart[@]})) -eq 0 ] || printf '%s\0' "${units[@]}" "${apart[@]}" |
    WARNINGS=${warnings[*]} xargs -0 -r -n 20 -P 2 sh -c 'clang-tidy --config-file=.clang-tidy --quiet --warnings-as-errors="*" "$@" -- $WARNINGS \
        -std=gnu11 -D_GNU_SOURCE -iquote src -iquote include -iquote . -iquote "$BUILD" -isystem /usr/include/postgresql -DHAK_DEBUG=1 2>/dev/null' tidy
