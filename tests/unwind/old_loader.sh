#!/usr/bin/env bash
# Runs tests as with glibc 2.28 to 2.34: tests of stacks, faults, trees, level light and attach over the hakmem-debug.so that finds no
# _dl_find_object (build/old, tests/tools/old_loader.h), so that every address's module comes from its own table.
set -u
"$SOURCE/tests/tools/lay_beside.sh" "$BUILD" old || exit 1
strings -a "$BUILD/old/hakmem-debug.so" | grep -q '_dl_find_object of no ld.so' || { echo "build/old asks ld.so"; exit 1; }
BUILD=$BUILD/old "$SOURCE/tests/run" --jobs 1 tests/unwind/kinds.sh tests/unwind/generations.sh tests/faults/cxx.sh tests/trees/daemons.sh \
    tests/light/rows.sh tests/attach/inside.sh
