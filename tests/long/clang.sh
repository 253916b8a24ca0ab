#!/usr/bin/env bash
# All that `make tests` makes (GOAL: another one), made by clang without a warning, and the demo with it. `make check-full` only has clang read the sources
# (tests/lint/compilers.sh).
# timeout: 3600
set -u
. "$SOURCE/tests/long/sizes"
build=$PWD/build target=${PWD#"$SOURCE"/}/build # make's own name of the folder
make -s -C "$SOURCE" -j2 --no-print-directory CC=clang BUILD="$build" "$GOAL" >made 2>&1 || { tail -n 20 made; exit 1; }
if find "$build" -name '*.warnings' -exec cat {} + | grep .; then
    echo "these are warnings of clang"
    exit 1
fi
for program in "$SOURCE"/demo/*.c; do
    program=${program#"$SOURCE"/}
    make -s -C "$SOURCE" --no-print-directory CC=clang BUILD="$build" "$target/${program%.c}" || exit 1
done
BUILD=$build "$SOURCE/demo/run" >demo 2>&1 || { cat demo; exit 1; }
