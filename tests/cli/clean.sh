#!/usr/bin/env bash
# `info --clean` lists and removes old captures of this folder, and nothing else.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/cli
export TZ=UTC LC_ALL=C
holder=
cleanup() { exec 9>&-; wait; }

mkdir stores folder && "$BUILD/tests/cli/make_store" stores || fail "make_store failed"
cd folder || exit 2
"$trace" info --clean >../page 2>../errors || fail "an empty folder: status $?"
grep -q '^No old capture here: of 0 files hakmem\.\*\.db, 0 are stores of hakmem\.$' ../page || fail "an empty folder: $(cat ../page ../errors)"

cp ../stores/stale.db hakmem.server.1.db
cp ../stores/hostile.db hakmem.hostile.2.db
cp ../stores/lost.db hakmem.new.3.db
cp ../stores/tree.db kept.db
cp ../stores/tree.db elsewhere.db && ln -s elsewhere.db hakmem.link.4.db
sqlite3 hakmem.foreign.5.db 'CREATE TABLE t(a)'
echo 'a text' >hakmem.text.6.db
mkdir hakmem.folder.7.db
printf 'waste' >hakmem.server.1.db-shm
printf 'waste' >hakmem.server.1.db.log
mkfifo go
"$BUILD/tests/cli/make_store" --hold hakmem.held.8.db <go >../ready &
holder=$!
exec 9>go
for _ in $(seq 600); do [ -s ../ready ] && break; sleep 0.1; done
[ -s ../ready ] || fail "the store that is held open did not come"
touch -d '5 days ago' hakmem.server.1.db hakmem.held.8.db
touch -d '3 hours ago' hakmem.hostile.2.db
find . | LC_ALL=C sort >../before

"$trace" info --clean >../page 2>../errors || fail "status $?: $(cat ../errors)"
sed -E 's/[0-9.]+ KiB/SIZE/g' ../page >../settled
cat >../due <<'END'
capture                size  age  program
hakmem.hostile.2.db  SIZE  3 h  /home/user/\x1b[2Jevil\nname
hakmem.server.1.db   SIZE  5 d  /home/user/app/server
2 old captures of SIZE; `hakmem-trace info --clean --yes` removes them.
Kept: hakmem.new.3.db (the newest), hakmem.held.8.db (being written).
END
diff -b ../due ../settled || fail "the list differs"
find . | LC_ALL=C sort >../after
cmp ../before ../after || fail "listing changed the folder: $(diff ../before ../after)"
"$trace" info --clean --json >../list.json || fail "--json: status $?"
python3 "$here/validate.py" "$here/../../docs/specs/output.schema.json" ../list.json || fail "not by the schema"

# The newest that is finished stays while a newer one is written.
touch -d '1 minute ago' hakmem.new.3.db && touch hakmem.held.8.db
"$trace" info --clean >../page 2>../errors || fail "a newer one is written: status $?: $(cat ../errors)"
grep -qF 'Kept: hakmem.held.8.db (being written), hakmem.new.3.db (the newest).' ../page || fail "a newer one is written: $(cat ../page)"
touch -d '5 days ago' hakmem.held.8.db

"$trace" info --clean --yes >../page 2>../errors || fail "--yes: status $?: $(cat ../errors)"
grep -q '^2 captures were removed, ' ../page || fail "--yes: $(cat ../page)"
find . | LC_ALL=C sort >../left
grep -v -E '^./(hakmem.hostile.2.db|hakmem.server.1.db|hakmem.server.1.db-shm)$' ../before | cmp - ../left ||
    fail "--yes removed something else: $(diff ../before ../left)"
"$trace" info --clean --yes >../page || fail "again: status $?"
grep -q '^No old capture here: of 6 files' ../page || fail "again: $(cat ../page)"
"$trace" info --yes 2>../errors
[ $? -eq 2 ] || fail "--yes alone: a usage error is due"
"$trace" info --clean -s kept.db 2>../errors
[ $? -eq 2 ] || fail "--clean with -s: a usage error is due"
exec 9>&-
wait "$holder"
"$trace" info -s hakmem.held.8.db >../page 2>&1 || fail "the store that was written is damaged: $(cat ../page)"
exit 0
