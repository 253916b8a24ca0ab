#!/usr/bin/env bash
# Memory refused at each call that hakmem makes for it, in a program that makes several hundred of them.
# timeout: 7200
HAKMEM_TEST_LONG=1 exec bash "$SOURCE/tests/memory/refused.sh"
