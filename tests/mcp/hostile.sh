#!/usr/bin/env bash
# Nothing that a client sends ends `hakmem-trace mcp`, or makes it write anything but messages: broken JSON, long lines, arguments of every type,
# mutants, more calls than may wait. Its input's end does, with status 0. Nothing is written meanwhile. FULL=1: each value for each argument, 5,000 mutants.
. "${SOURCE:?}/tests/tools/test.sh"
export BUILD LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
mkdir captures && "$BUILD/tests/cli/make_store" captures || fail "make_store failed"
python3 "$SOURCE/tests/mcp/hostile.py" captures
