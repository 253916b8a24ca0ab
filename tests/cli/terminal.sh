#!/usr/bin/env bash
# Tests hakmem-trace on a terminal: progress, Ctrl-C, the pager, and a reader that does not read to the end.
set -u
cd "$(dirname "$0")" || exit 2
here=$PWD
BUILD=$(realpath -m "${BUILD:-../../build}")
unset "${!HAKMEM_@}" PAGER LESS NO_COLOR LD_PRELOAD
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$BUILD/tests/cli/make_store" "$directory" || { echo "make_store failed"; exit 1; }
for preload in slow_clock interrupt_at_prompt; do
    "${CC:-cc}" -shared -fPIC -O1 -o "$directory/$preload.so" "../tools/$preload.c" || { echo "no $preload.so"; exit 1; }
done
cd "$directory" || exit 2
export HOME=$directory XDG_STATE_HOME=
TRACE=$BUILD/hakmem-trace python3 "$here/terminal.py"
