#!/usr/bin/env bash
# The golden store of each format version still reads as it always did, with both readers: golden.dump is what hakmem's prints of it, and
# golden.sum the sum of the events that both print. golden.db never changes again; tests/format/make_golden.c, gone since bbe2a159, wrote it.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/format
for folder in "$here"/v*/; do
    cp "$folder/golden.db" golden.db && chmod 600 golden.db || exit 1
    before=$(sha256sum <golden.db)
    "$BUILD/tests/format/dump_store" golden.db >dump 2>dump.err || { cat dump.err; failed=1; }
    diff -u "$folder/golden.dump" dump >difference || complain "$folder: hakmem's reader gives another dump:" "$(head -n 20 difference)"
    "$BUILD/tests/format/dump_store" --events golden.db >events
    "$BUILD/tests/tools/reference_decoder" golden.db >events.reference
    diff -u events.reference events >difference || complain "$folder: the reference decoder gives other events:" "$(head -n 20 difference)"
    sha256sum --check --quiet "$folder/golden.sum" || complain "$folder: both readers give other events"
    [ "$before" = "$(sha256sum <golden.db)" ] || complain "$folder: reading changed the file"
    if [ -e golden.db-wal ] || [ -e golden.db-shm ]; then complain "$folder: reading left files behind"; fi
done
