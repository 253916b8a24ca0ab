#!/usr/bin/env bash
# gcc and clang both compile everything without a warning. What BUILD was made with has done so there
# (warnings are errors); it is made again only where it is not up to date. clang gives all its warnings before it
# optimises, so that only the libraries, which could not be linked otherwise, are optimised; gcc gives some while it does.
# timeout: 3600
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0
for compiler in gcc clang; do
    build=$BUILD more=()
    if [ "$compiler" != "$CC" ]; then
        build=$BUILD/lint-$compiler
        [ "$compiler" = gcc ] || more=(HOST_MORE='-O0 -g0')
    fi
    make -s -j2 --no-print-directory CC="$compiler" BUILD="$build" "${more[@]}" tests || {
        echo "warnings or errors of $compiler are above"
        status=1
    }
done
exit "$status"
