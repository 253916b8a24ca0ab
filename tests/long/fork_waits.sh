#!/usr/bin/env bash
# Forks against everything that holds a lock of libc's and allocates, for two minutes in each library and level
# (tests/memory/fork_waits.sh).
# timeout: 3600
set -u
SECONDS_EACH=${SECONDS_EACH:-120} exec bash "$SOURCE/tests/memory/fork_waits.sh"
