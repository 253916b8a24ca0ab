#!/usr/bin/env bash
# Memory refused at each call that hakmem makes for it, in a program of STEPS steps, which makes several hundred of them.
# timeout: 7200
. "${SOURCE:?}/tests/long/sizes"
EACH=1 exec bash "$SOURCE/tests/memory/refused.sh"
