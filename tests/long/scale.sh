#!/usr/bin/env bash
# tests/memory/scale.sh, larger: SCALE_OPERATIONS replacements among 100,000 blocks, SCALE_THREADS at once, SCALE_LARGE large blocks.
# timeout: 3600
set -u
. "$SOURCE/tests/long/sizes"
SCALE_ALL=1 exec bash "$SOURCE/tests/memory/scale.sh"
