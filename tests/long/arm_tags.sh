#!/usr/bin/env bash
# Generated faults with memory tags, and as many good twins: tests/arm/tags.sh with CASES of small blocks, and as many of large ones and of level light,
# half as many found late.
# timeout: 3600
. "${SOURCE:?}/tests/long/sizes"
exec "$SOURCE/tests/arm/tags.sh" "$CASES"
