#!/usr/bin/env bash
# lay_beside.sh BUILD NAME: lays BUILD/NAME out as BUILD is, but for its own hakmem-debug.so: `deaf` is a machine whose debug registers
# never fire (deaf.h), `old` an ld.so before glibc 2.35 (old_loader.h). All else there is a link; hakmem-trace and hakmem-collect find
# their parts beside themselves: they are the files, not names of them. Then `BUILD=build/NAME tests/run PATH...`.
set -eu
SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
own=$2
[ -e "$1/$own/hakmem-debug.so" ] || { echo "lay_beside.sh: $1/$own/hakmem-debug.so is not there" >&2; exit 2; }
cd "$1/$own"
mkdir -p tests
for file in ../*; do
    case ${file##*/} in "$own" | tests | hakmem-debug.so) continue ;; esac
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
