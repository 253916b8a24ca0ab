#!/usr/bin/env bash
# CPython over a JSON-heavy script, recorded: same output, all calls in the store, `why` true.
# timeout: 600
set -u
# shellcheck source=tests/tools/recorded_run.sh
. "$SOURCE/tests/tools/recorded_run.sh"
record_and_compare /dev/null /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" 12
/usr/bin/python3 "$SOURCE/tests/tools/compare_why.py" "$trace" \
    "$BUILD/tests/tools/reference_decoder" store.db 100
