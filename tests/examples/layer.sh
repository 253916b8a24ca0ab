#!/usr/bin/env bash
# examples/layer fits the sources as they are: its changes apply, and what they touch compiles in both builds. tests/long/layer.sh runs it.
set -u
cp -r "$SOURCE/src" "$SOURCE/include" . && cp "$SOURCE"/examples/layer/tray.[ch] src/front/ || exit 2
GIT_CEILING_DIRECTORIES=$(dirname "$PWD") git apply "$SOURCE/examples/layer/tables.diff" || { echo "tables.diff does not apply"; exit 1; }
for debug in 0 1; do
    for file in front/{tray,array,cache,plan,decay} guard/state; do
        "${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -DHAK_DEBUG=$debug -Wall -Wextra -Werror -Wno-unused-parameter -fsyntax-only -Isrc -iquote src -iquote include "src/$file.c" || exit 1
    done
done
