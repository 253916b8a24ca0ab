#!/usr/bin/env bash
# lay_deaf.sh BUILD: lays BUILD/deaf out as BUILD is, for tests of a machine whose debug registers never fire: hakmem-debug.so
# there is its own (deaf.h), all else a link. Then `BUILD=build/deaf tests/run PATH...`. hakmem-trace and hakmem-collect
# find their parts beside themselves: they are the files, not names of them.
set -eu
SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
cd "$1/deaf"
mkdir -p tests
for file in ../*; do
    case ${file##*/} in deaf | tests | hakmem-debug.so) continue ;; esac
    if [ -f "$file" ] && [ ! -L "$file" ] && [ -x "$file" ]; then
        ln -f "$file" . 2>/dev/null || cp -f "$file" .
    else
        ln -sfn "$file" .
    fi
done
for folder in "$SOURCE"/tests/*/; do
    folder=${folder%/}
    mkdir -p "../tests/${folder##*/}" # some tests build what they run
    ln -sfn "../../tests/${folder##*/}" tests/
done
