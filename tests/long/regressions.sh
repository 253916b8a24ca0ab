#!/usr/bin/env bash
# The regressions whose fault came late, as long as it took: REGISTRY_ITERATIONS with everything recorded, and
# Larson's server for LARSON_SECONDS in both levels, under run --ci.
# timeout: 3600
. "${SOURCE:?}/tests/tools/regression.sh"
. "$SOURCE/tests/long/sizes"
mkdir registry larson && cd registry || exit 2
"$SOURCE/tests/regressions/registry.sh" || exit 1
cd ../larson || exit 2
for check in normal trace; do
    clean $check.db --check $check -- "$BUILD/tests/long/larson" 8 "$LARSON_SECONDS"
done
