#!/usr/bin/env bash
# A second for each of what tests/long/larson.sh does for ten minutes.
set -u
LARSON_SECONDS=1 exec bash "$SOURCE/tests/long/larson.sh"
