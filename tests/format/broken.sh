#!/usr/bin/env bash
# Every broken store has its exact, clear error, and none makes a reader crash, hang or grow.
#
# For each store: what opening and reading all events says, and what `check` finds (first lines).
# UPDATE=1 writes broken/expected anew, to be read before it is committed.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export LC_ALL=C
here=$SOURCE/tests/format
mkdir stores || exit 1
for golden in "$here"/v*/golden.db; do
    "$BUILD/tests/format/make_broken" "$golden" stores || exit 1
done
mkdir stores/directory.db
for store in stores/*.db stores/missing.db; do
    name=$(basename "$store" .db)
    (ulimit -v 1000000 && timeout 200 "$BUILD/tests/format/dump_store" --events "$store") >/dev/null 2>said
    status=$?
    [ -s said ] || echo "reads" >said
    echo "$name: status $status: $(sed "s|$PWD/||g; s|^stores/||" said)"
    if [ $status -eq 0 ] || grep -q 'chunk' said; then
        (ulimit -v 1000000 && timeout 200 "$BUILD/tests/format/dump_store" --check "$store") 2>&1 |
            grep -v 'not allowed by hops.def$' | # as in the sound one
            sed "s|$PWD/||g; s|^|    |" | head -n 4
    fi
done >said.all
if [ -n "${UPDATE-}" ]; then
    cp said.all "$here/broken/expected"
    exit
fi
if grep -vE '^ |status [01]:' said.all; then
    echo "a reader crashed or hung"
    exit 1
fi
diff -u "$here/broken/expected" said.all || fail "broken stores give other errors than tests/format/broken/expected says"
