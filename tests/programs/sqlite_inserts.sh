#!/usr/bin/env bash
# sqlite3 with 500,000 inserts and sorts, recorded: same output, all calls in the store, `why` true.
# timeout: 900
set -u
# shellcheck source=tests/tools/recorded_run.sh
. "$SOURCE/tests/tools/recorded_run.sh"
/usr/bin/python3 "$SOURCE/tests/tools/make_inserts.py" 500000 >inserts.sql
record_and_compare inserts.sql /usr/bin/sqlite3 -batch :memory:
/usr/bin/python3 "$SOURCE/tests/tools/compare_why.py" "$trace" \
    "$BUILD/tests/tools/reference_decoder" store.db 100
