#!/usr/bin/env bash
# Every command that README, DESIGN and docs show is typed, and says what the page shows; what cannot be typed is marked, and counted.
set -u
unset "${!HAKMEM_@}" CC CFLAGS MAKEFLAGS MAKELEVEL MFLAGS NO_COLOR LD_PRELOAD
export PATH=$PWD/here/bin:$BUILD:$PATH LD_LIBRARY_PATH=$BUILD LC_ALL=C.UTF-8 PAGER=cat TERM=xterm
mkdir made && (cd made && "$SOURCE/tests/docs/setup") || exit 1
cd "$SOURCE" || exit 2
pages=(README.md DESIGN.md)
while IFS= read -r page; do pages+=("$page"); done < <(find docs -name '*.md' ! -path 'docs/benchmarks/*' | LC_ALL=C sort)
cd - >/dev/null && python3 "$SOURCE/tests/docs/pages.py" "$SOURCE" "${@:-${pages[@]}}"
