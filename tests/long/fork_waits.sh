#!/usr/bin/env bash
# Forks against everything that holds a lock of libc's and allocates, for SECONDS_EACH in each library and level
# (tests/memory/fork_waits.sh).
# timeout: 3600
set -u
. "$SOURCE/tests/long/sizes"
exec bash "$SOURCE/tests/memory/fork_waits.sh"
