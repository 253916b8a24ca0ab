#!/usr/bin/env bash
# Threads that hand their tables on to successors (larson.c), LARSON_SECONDS for each profile and for both kinds of
# learning, all fronts on, in both libraries: every block whole, and hak_verify finds nothing.
# timeout: 14400
set -u
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/all_fronts.sh"
all_fronts "$BUILD/tests/long/larson" 16 "$LARSON_SECONDS"
