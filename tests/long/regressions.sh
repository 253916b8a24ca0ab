#!/usr/bin/env bash
# The regressions whose fault came late, as long as it took: ten million iterations with everything recorded, and
# Larson's server for a minute in both levels, under run --ci.
# timeout: 3600
. "${SOURCE:?}/tests/tools/regression.sh"
mkdir registry larson && cd registry || exit 2
REGISTRY_ITERATIONS=${REGISTRY_ITERATIONS:-10000000} "$SOURCE/tests/regressions/registry.sh" || exit 1
cd ../larson || exit 2
for check in normal trace; do
    clean $check.db --check $check -- "$BUILD/tests/long/larson" 8 "${LARSON_SECONDS:-60}"
done
