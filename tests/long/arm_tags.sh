#!/usr/bin/env bash
# Generated faults with memory tags, and as many good twins: tests/arm/tags.sh, in full. 4,000 cases of small blocks, and 4,000 of large ones and of level light,
# 2,000 that are found late.
# timeout: 3600
exec "${SOURCE:?}/tests/arm/tags.sh" 4000
