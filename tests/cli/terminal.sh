#!/usr/bin/env bash
# What hakmem-trace does on a terminal: progress, Ctrl-C, the pager, and who does not read to the end.
set -u
cd "$(dirname "$0")" || exit 2
here=$PWD
BUILD=$(realpath -m "${BUILD:-../../build}")
unset "${!HAKMEM_@}" PAGER LESS NO_COLOR LD_PRELOAD
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$BUILD/tests/cli/make_store" "$directory" || { echo "make_store failed"; exit 1; }
"${CC:-cc}" -shared -fPIC -O1 -o "$directory/slow_clock.so" ../tools/slow_clock.c || { echo "no slow_clock.so"; exit 1; }
cd "$directory" || exit 2
export HOME=$directory XDG_STATE_HOME=
TRACE=$BUILD/hakmem-trace python3 "$here/terminal.py"
