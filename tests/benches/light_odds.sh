#!/usr/bin/env bash
# The formula of docs/light.md, how often level light finds a fault, agrees with a simulation of the sampler; what the script takes from
# the sampler is what stands there.
set -u
timeout 600 "$SOURCE/tests/bench/light_odds" 20 1 >page || { echo "formula and simulation are apart:"; cat page; exit 1; }
[ "$(grep -c '^| [0-9]' page)" -eq 6 ] || { echo "no six rows:"; cat page; exit 1; }
sampler=$SOURCE/src/guard/choose/sample.c
grep -q '\.share = 200}' "$sampler" && grep -q '^SHARE = 1 / 200 ' "$SOURCE/tests/bench/light_odds" || { echo "another share in $sampler"; exit 1; }
grep -Eq 'HAK_SAMPLE_INTERVAL *= *256' "$SOURCE/src/guard/choose/sample.h" || { echo "another interval in sample.h"; exit 1; }
