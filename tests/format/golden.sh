#!/usr/bin/env bash
# The golden store of each format version still reads as it always did, with both readers.
set -u
here=$(cd "$(dirname "$0")" && pwd)
status=0
for folder in "$here"/v*/; do
    cp "$folder/golden.db" golden.db && chmod 600 golden.db || exit 1
    before=$(sha256sum <golden.db)
    "$BUILD/tests/format/dump_store" golden.db >dump 2>dump.err || { cat dump.err; status=1; }
    diff -u "$folder/golden.dump" dump >difference || {
        echo "$folder: hakmem's reader gives another dump:"
        head -n 20 difference
        status=1
    }
    "$BUILD/tests/format/dump_store" --events golden.db | cmp - "$folder/golden.events" || {
        echo "$folder: hakmem's reader gives other events"
        status=1
    }
    "$BUILD/tests/tools/reference_decoder" golden.db | cmp - "$folder/golden.events" || {
        echo "$folder: the reference decoder gives other events"
        status=1
    }
    [ "$before" = "$(sha256sum <golden.db)" ] || { echo "$folder: reading changed the file"; status=1; }
    if [ -e golden.db-wal ] || [ -e golden.db-shm ]; then echo "$folder: reading left files behind"; status=1; fi
done
exit $status
