#!/usr/bin/env bash
# The answers of top, heap and diff out of a stored profile, as a long log has it, beside those of the same events without one.
. "${SOURCE:?}/tests/tools/test.sh"
"$BUILD/tests/bench/make_capture" -q -n 1000000 -p 65536 stored.db >/dev/null || exit 1
"$BUILD/tests/bench/make_capture" -q -n 1000000 events.db >/dev/null || exit 1
python3 "$SOURCE/tests/profile/stored.py" "$BUILD/hakmem-trace"
