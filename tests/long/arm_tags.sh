#!/usr/bin/env bash
# 2,000 generated faults and as many good twins with memory tags: tests/arm/tags.sh, in full.
# timeout: 3600
exec "${SOURCE:?}/tests/arm/tags.sh" 4000
