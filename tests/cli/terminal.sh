#!/usr/bin/env bash
# Tests hakmem-trace on a terminal: progress, Ctrl-C, the pager, and a reader that does not read to the end.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/cli
unset PAGER LESS NO_COLOR
"$BUILD/tests/cli/make_store" . || fail "make_store failed"
for preload in slow_clock interrupt_at_prompt; do
    "${CC:-cc}" -shared -fPIC -O1 -o $preload.so "$here/../tools/$preload.c" || fail "no $preload.so"
done
export HOME=$PWD XDG_STATE_HOME=
TRACE=$BUILD/hakmem-trace python3 "$here/terminal.py"
