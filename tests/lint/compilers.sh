#!/usr/bin/env bash
# gcc and clang both compile everything without a warning.
# timeout: 3600
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0
for compiler in gcc clang; do
    make -s -j2 --no-print-directory CC="$compiler" BUILD="$BUILD/lint-$compiler" tests || {
        echo "warnings or errors of $compiler are above"
        status=1
    }
done
exit "$status"
