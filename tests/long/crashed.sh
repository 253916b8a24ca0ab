#!/usr/bin/env bash
# tests/corefile/crashed.sh with all five programs: redis-server and CPython, too, and the demo whose fault hakmem makes itself.
# timeout: 1800
set -u
CRASHED=all exec "$SOURCE/tests/corefile/crashed.sh"
