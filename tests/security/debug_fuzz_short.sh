#!/usr/bin/env bash
# The first rounds of tests/long/debug_fuzz.sh, the same ones each time.
SECONDS_OF_FUZZ=15 FUZZ_SEED=1000 exec "$SOURCE/tests/long/debug_fuzz.sh"
