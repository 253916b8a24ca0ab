#!/bin/sh
# Builds FILES of BUILD/sanitized, or `tests`, which is all: by clang, with the address and undefined sanitizers in what runs beside a
# program, and no optimiser, which would take most of the time. Warnings are kept there as those of any build. A second caller waits while
# the folder is in use.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
made=$(realpath -m "$BUILD/sanitized")
mkdir -p "$made" && exec 9>"$made/lock" && flock 9 || exit 1
for file; do
    shift
    [ "$file" = tests ] || file=${made#"$top"/}/$file # as make itself names the folder
    set -- "$@" "$file"
done
ASAN_OPTIONS=detect_leaks=0 exec "${MAKE:-make}" -s -C "$top" -j2 --no-print-directory BUILD="$made" CC=clang \
    HOST_MORE='-O0 -gline-tables-only -fsanitize=address,undefined -fno-sanitize-recover=all' "$@"
