#!/usr/bin/env bash
# tests/memory/scale.sh at full size: 50 million replacements among 100,000 blocks, 5,000 threads at once, 300,000 large
# blocks.
# timeout: 3600
set -u
export SCALE_OPERATIONS=${SCALE_OPERATIONS:-50000000} SCALE_THREADS=${SCALE_THREADS:-5000} SCALE_LARGE=${SCALE_LARGE:-300000}
SCALE_ALL=1 exec bash "$SOURCE/tests/memory/scale.sh"
