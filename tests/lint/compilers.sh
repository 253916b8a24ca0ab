#!/usr/bin/env bash
# gcc and clang both compile everything without a warning. What BUILD was made with has done so there
# (warnings are errors); it is made again only where it is not up to date.
# timeout: 3600
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0
for compiler in gcc clang; do
    build=$BUILD
    [ "$compiler" = "$CC" ] || build=$BUILD/lint-$compiler
    make -s -j2 --no-print-directory CC="$compiler" BUILD="$build" tests || {
        echo "warnings or errors of $compiler are above"
        status=1
    }
done
exit "$status"
