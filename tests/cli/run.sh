#!/usr/bin/env bash
# Every command of hakmem-trace by its exact output: tests/cli/*.exact hold "$ command" lines, what
# stdout then says, what stderr says (each line behind "! "), and "= " with the exit status.
# UPDATE=1 writes the files anew from what is said now.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/cli
unset PAGER LESS NO_COLOR
export LC_ALL=C TZ=UTC PATH="$BUILD:$PATH" TERM=xterm
directory=$PWD
holder=
cleanup() { exec 9>&- 2>/dev/null; }

"$BUILD/tests/cli/make_store" "$directory" || fail "make_store failed"

# Other files that people hand to a viewer.
mkdir none some
head -c 20000 stale.db >cut.db
: >nothing.db
echo 'this is a text' >text.db
sqlite3 foreign.db 'CREATE TABLE t(a); INSERT INTO t VALUES(1);'
cp stale.db newer.db && sqlite3 newer.db 'PRAGMA user_version = 99;'
cp foreign.db some/hakmem.foreign.1.db
cp stale.db some/hakmem.server.1.db && touch -d '2020-01-01' some/hakmem.server.1.db
# A chunk whose bytes were changed on the disk.
cp stale.db flipped.db
sqlite3 flipped.db "UPDATE chunk_data SET data = CAST(substr(data, 1, 40) || x'ffff' || substr(data, 43) AS BLOB);"
# Counters that agree with the log, one malloc too many, none of the end, none but nonsense.
for store in counted miscounted cut_short unfinished nonsense; do cp stale.db "$store.db"; done
sqlite3 counted.db <"$here/layers.sql" && sqlite3 miscounted.db <"$here/layers.sql" &&
    sqlite3 unfinished.db <"$here/layers.sql" || fail "no counters"
sqlite3 miscounted.db "UPDATE metric SET value = value + 9 WHERE name = 'served.FRONT';"
sqlite3 cut_short.db <"$here/layers.sql" &&
    sqlite3 cut_short.db "UPDATE metric SET value = value + 1 WHERE name = 'served.FRONT' AND value = 3;
        UPDATE thread SET end_ns = 0 WHERE id = 1;"
sqlite3 unfinished.db "DELETE FROM metric WHERE ns = 1080000000;"
cp stale.db damaged_json.db && sqlite3 damaged_json.db "UPDATE fault SET json = substr(json, 1, 100);"
# A layer and a count of a later hakmem.
cp counted.db later.db && sqlite3 later.db "UPDATE metric SET name = 'served.OF_TOMORROW' WHERE name = 'served.SLAB';
    INSERT INTO metric SELECT id + 100, ns, process, 'OF_TOMORROW.times', class, 1 FROM metric WHERE name = 'SUPERSLAB_MAP.times';"
sqlite3 nonsense.db "DROP VIEW metric; CREATE TABLE metric(id INTEGER PRIMARY KEY, ns, process, name, class, value REAL);
    INSERT INTO metric VALUES(1, NULL, 1, NULL, -5, 'text'), (2, -1, 99, 'served.FRONT', 4, 1),
    (3, 1, 1, 'served.FRONT', 4, -7), (4, 1, 1, 'served.MAP', 4, 1e300), (5, 9e18, 1, 'given.FRONT', 77, 2),
    (6, 9e18, 1, 'snapshot.since', 255, 3), (7, 5, 1, 'snapshot.since', 255, 1e30), (8, 5, 1, 'snapshot.since', NULL, NULL);"
# Programs that cannot be recorded, and one script that can.
mkdir programs
echo 'int main(void) { return 0; }' >main.c
echo '#include <stddef.h>
void *malloc(size_t n) { static char c[99]; return n < 99 ? c : NULL; } int main(void) { return malloc(1) == NULL; }' >own.c
"${CC:-cc}" -o programs/dynamic main.c && "${CC:-cc}" -static -o programs/static main.c &&
    "${CC:-cc}" -fno-builtin -rdynamic -o programs/own_malloc own.c || fail "no test programs"
head -c 40 programs/dynamic >programs/cut
{ printf '\177ELF\001\001\001'; head -c 45 /dev/zero | tr '\0' '\001'; } >programs/narrow
printf 'data\0data' >programs/text
printf '#!/no/such/interpreter\n' >programs/bad_script
printf '#!%s/programs/static\n' "$directory" >programs/static_script
printf '#!/bin/sh\nprintf "<%%s>" "$@"; echo\n' >programs/script
chmod +x programs/*
export BUILD

# One that is being written, and one whose writer was killed.
mkfifo go go_killed
"$BUILD/tests/cli/make_store" --hold written.db <go >ready &
holder=$!
exec 9>go
"$BUILD/tests/cli/make_store" --hold killed.db <go_killed >ready_killed &
killed=$!
exec 8>go_killed
disown "$killed"
for _ in $(seq 600); do [ -s ready ] && [ -s ready_killed ] && break; sleep 0.1; done
[ -s ready ] && [ -s ready_killed ] || fail "the stores that are held open did not come"
kill -9 "$killed"
exec 8>&-

# Paths and sizes that differ from machine to machine.
settle() {
    sed -E -e '/^\$ /b' -e "s|$directory|DIRECTORY|g" -e "s|$BUILD|BUILD|g" -e 's|/usr/bin/|/bin/|g' \
        -e 's/[0-9.]+ KiB, [0-9.]+ bytes for each event/SIZE/; s/^(size +)[0-9.]+ KiB$/\1SIZE/' \
        -e 's/"bytes": [0-9]+/"bytes": SIZE/' -e 's/(\.(html|xml)  )[0-9.]+ KiB, of/\1SIZE, of/'
}

# Runs the "$ " lines of a file and writes what a file of exact output would hold. A single call of hakmem-trace, as most are, needs no shell of its own.
play() {
    local line status errors
    grep '^\$ ' "$1" | while IFS= read -r line; do
        printf '%s\n' "$line"
        if [[ ${line#??} =~ ^hakmem-trace\ [^\;\&\|\<\>\(\)\$\`]*$ ]]; then
            eval "${line#??}" 2>stderr </dev/null
        else
            bash -c "${line#??}" 2>stderr </dev/null
        fi
        status=$?
        mapfile errors <stderr
        [ ${#errors[@]} -eq 0 ] || printf '! %s' "${errors[@]}"
        printf '= %d\n\n' "$status"
    done | settle
}

wrong=0
for exact in "$here"/*.exact; do
    play "$exact" >said
    if [ -n "${UPDATE-}" ]; then
        cp said "$exact"
    elif ! diff -u --label "due: ${exact##*/}" "$exact" --label 'said now' said; then
        wrong=$((wrong + 1))
    fi
done
exec 9>&-
wait "$holder" 2>/dev/null
[ "$wrong" -eq 0 ] || fail "$wrong of the files of exact output differ"
