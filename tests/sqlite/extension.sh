#!/usr/bin/env bash
# hakmem_sqlite.so: every table of the log through sqlite3 and Python as `hakmem-trace sql` has it, the queries of docs/sql.md, and what is no capture is refused.
. "${SOURCE:?}/tests/tools/test.sh"
extension=$BUILD/hakmem_sqlite here=$SOURCE/tests/sqlite
load() { sqlite3 -batch -noheader -cmd ".load $extension" "$@"; }
${CC:-cc} -w -g -O1 -o mixed "$here/mixed.c" -lpthread || fail "mixed.c does not compile"
"$trace" run --check normal --on-fault continue --leaks -s mixed.db -- ./mixed 2>report
[ $? -eq 1 ] || complain "mixed: $(cat report)"
"$trace" run --check trace --start-paused -s paused.db -- ./mixed >paused.out 2>&1
[ $? -eq 1 ] || complain "paused: $(cat paused.out)"

# ---- the queries of the page; Debian's Python is the one whose sqlite3 loads extensions
/usr/bin/python3 "$here/queries.py" "$extension" "$trace" "$SOURCE/docs/sql.md" mixed.db paused.db || failed=1

# ---- what needs no extension: a capture that ended early has no stacks of leaks
cp mixed.db early.db && sqlite3 early.db 'DELETE FROM plain_node' || complain early
"$trace" export sqlite -s early.db -o early.plain >out 2>&1 || complain "early: $(cat out)"
[ "$(sqlite3 early.plain 'SELECT count(*) > 0 FROM leak JOIN stack_frame USING(stack)')" = 1 ] || complain "early: export has no stack of a leak"
"$trace" leaks -s early.db >out 2>&1
"$trace" leaks -s mixed.db 2>&1 | sed s/mixed.db/early.db/g | cmp -s - out || complain "early: leaks: $(cat out)"
"$trace" export sqlite -s mixed.db -o mixed.db.plain >out 2>&1 && complain "a database was overwritten"
grep -q 'mixed.db.plain is a database, and is not overwritten' out || complain "a file that is there: $(cat out)"
sqlite3 mixed.db '.schema leak' | grep -q 'count INTEGER, -- blocks' || complain "no sentences: $(sqlite3 mixed.db '.schema leak')"

# ---- every table, every row
tables=$("$trace" sql -s mixed.db "SELECT DISTINCT table_name FROM table_column WHERE kind = 'log' AND table_name <> 'node'")
[ "$(echo "$tables" | wc -l)" -ge 6 ] || complain "tables of the log: $tables"
for table in $tables stack_frame node table_column; do
    "$trace" sql --header -s mixed.db "SELECT * FROM $table" >due 2>err || complain "$table: $(cat err)"
    sqlite3 -batch -cmd ".load $extension" -cmd '.mode list' -cmd '.separator "\t"' -cmd '.headers on' mixed.db "SELECT * FROM $table" >got 2>&1 || complain "$table: $(head -n 3 got)"
    cmp -s due got || complain "$table differs: $(diff due got | head -n 5)"
    [ "$(wc -l <got)" -gt 1 ] || complain "$table: no row"
done

# ---- profile beside event and live
expect() { # QUERY ROWS
    [ "$(load mixed.db "$1" 2>&1)" = "$2" ] || complain "$1: $(load mixed.db "$1" 2>&1); due: $2"
}
expect "SELECT (SELECT sum(came_blocks) FROM profile WHERE process = 1) = (SELECT count(*) FROM event WHERE kind = 'MALLOC' AND process = 1)" 1
for at in 300 700 1000; do
    expect "SELECT (SELECT sum(live_bytes) FROM profile WHERE at_event = $at) = (SELECT sum(size) FROM live WHERE at_event = $at)" 1
    expect "SELECT sum(before_bytes) = (SELECT sum(live_bytes) FROM profile WHERE at_event = $at), sum(before_blocks + came_blocks - went_blocks) = sum(live_blocks) FROM profile WHERE since_event = $at AND process = 1" '1|1'
    expect "SELECT (SELECT sum(before_bytes) FROM profile WHERE since_event = $at) = (SELECT sum(live_bytes) FROM profile WHERE at_event = $at)" 1
done
peak=$("$trace" top --json -s mixed.db | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["total"]["live_bytes"])')
expect "SELECT sum(live_bytes) FROM profile WHERE at = 'peak'" "$peak"
expect "SELECT count(*) FROM profile WHERE at = 0" 0
expect "SELECT count(DISTINCT process) FROM profile WHERE process = 2" 1
expect "SELECT count(*) FROM profile WHERE process = 99 OR process = -1" 0
expect "SELECT sum(live_blocks) > 0 FROM profile WHERE at = 'peak' AND since = 0" 1
for where in 'at > 5' "at = 'noon'" "since_event = 'peak'" "at_event < 7"; do
    case $(load mixed.db "SELECT * FROM profile WHERE $where" 2>&1) in
    *"profile: give moments as at = NS, at = 'peak', at_event = ID, since = NS or since_event = ID"*) ;;
    *) complain "$where: $(load mixed.db "SELECT * FROM profile WHERE $where" 2>&1)" ;;
    esac
done
case $(load mixed.db 'SELECT * FROM profile WHERE at = 5 AND at_event = 6' 2>&1) in
*'profile: one moment for each end: at or at_event, since or since_event'*) ;;
*) complain "two ends: $(load mixed.db 'SELECT * FROM profile WHERE at = 5 AND at_event = 6' 2>&1)" ;;
esac
# An interval in which nothing happened, at the end too; what is behind another moment.
last=$(load mixed.db 'SELECT max(id) FROM event')
expect "SELECT sum(live_bytes) = sum(before_bytes) AND sum(came_blocks + went_blocks) = 0 FROM profile WHERE since_event = 700 AND at_event = 700" 1
for since in $last $((last + 5)); do
    expect "SELECT sum(live_blocks) > 0, sum(came_blocks + went_blocks) FROM profile WHERE since_event = $since" '1|0'
done
expect "SELECT count(*) FROM profile WHERE since_event = 700 AND at_event = 300" 0
expect "SELECT DISTINCT at_event = (SELECT max(at_event) FROM profile WHERE at = 'peak'), since_event FROM profile WHERE at = 'peak' AND since_event = 5" '1|5'
expect "SELECT count(*) FROM profile WHERE rowid = 1" 1
expect "SELECT count(*) FROM stack_node WHERE rowid = 1" 1
expect "SELECT count(*) FROM event WHERE rowid = 7" 1

# ---- nothing is written, twice loaded, beside a writer
before=$(sha256sum mixed.db)
load -cmd ".load $extension" mixed.db 'SELECT count(*) > 0 FROM event' >got 2>&1 || complain "loaded twice: $(cat got)"
[ "$(cat got)" = 1 ] && [ "$(sha256sum mixed.db)" = "$before" ] && [ ! -e mixed.db-wal ] || complain "the capture has changed, or: $(cat got)"
"$trace" run --check trace --profile-only -s alone.db -- ./mixed >alone.out 2>&1
[ $? -eq 1 ] || complain "alone: $(cat alone.out)"
[ "$(load alone.db 'SELECT sum(came_blocks) > 300 FROM profile' 2>&1)" = 1 ] || complain "profile only: $(load alone.db 'SELECT * FROM profile' 2>&1 | head -n 3)"
peak=$("$trace" top --json -s alone.db | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["total"]["live_bytes"])')
[ "$(load alone.db "SELECT sum(live_bytes) FROM profile WHERE at = 'peak'" 2>&1)" = "$peak" ] || complain "the peak of a profile: $(load alone.db "SELECT sum(live_bytes) FROM profile WHERE at = 'peak'" 2>&1); due: $peak"
"$trace" top --process '#1' -s alone.db 2>&1 | grep -q ', the nearest moment that is kept, in process' || complain "a process's peak is none that is kept: $("$trace" top --process '#1' -s alone.db 2>&1 | head -n 1)"
for before in 0 1; do
    [ "$(load alone.db "SELECT sum(live_blocks) > 0, count(DISTINCT at_event) FROM profile WHERE at_event = (SELECT max(last) - $before FROM profile_run)" 2>&1)" = '1|1' ] || complain "near the end of a profile: $(load alone.db "SELECT * FROM profile WHERE at_event = (SELECT max(last) - $before FROM profile_run)" 2>&1 | head -n 3)"
done
for table in event life live block; do
    case $(load alone.db "SELECT count(*) FROM $table" 2>&1) in *'only the profile is kept'*) ;; *) complain "$table of a profile: $(load alone.db "SELECT count(*) FROM $table" 2>&1)" ;; esac
    case $("$trace" sql -s alone.db "SELECT count(*) FROM $table" 2>&1) in *'only the profile is kept'*) ;; *) complain "sql: $table of a profile: $("$trace" sql -s alone.db "SELECT count(*) FROM $table" 2>&1)" ;; esac
done
"$trace" run --check trace -s living.db -- sh -c 'while ! [ -e enough ]; do sleep 0.1; done' &
for ((i = 0; i < 600; i++)); do
    [ "$(load -readonly living.db 'SELECT count(*) > 0 FROM event' 2>/dev/null)" = 1 ] && break
    sleep 0.1
done
[ "$i" -lt 600 ] || complain "beside the writer: $(load -readonly living.db 'SELECT count(*) FROM event' 2>&1)"
touch enough
wait

# ---- where events were lost `hakmem-trace sql` says so of each table that is made of them
cp mixed.db lossy.db && sqlite3 lossy.db "INSERT INTO loss(process, thread, from_ns, to_ns, count, reason) VALUES(1, 0, 1, 2, 5, 'ring full')"
for table in event life live block profile; do
    "$trace" sql -s lossy.db "SELECT count(*) FROM $table" 2>&1 >/dev/null | grep -q '5 events were lost' || complain "sql: nothing is said of lost events in $table"
done

# ---- what a host writes elsewhere meanwhile stays, and its transactions are its own
for table in profile event live; do
    rm -f copy.db
    load mixed.db "ATTACH 'copy.db' AS o" "CREATE TABLE o.t AS SELECT * FROM $table" "CREATE TEMP TABLE u AS SELECT * FROM $table" 'BEGIN' 'COMMIT' >got 2>&1 || complain "a copy of $table: $(cat got)"
    [ "$(sqlite3 copy.db 'SELECT count(*) FROM t')" = "$(load mixed.db "SELECT count(*) FROM $table")" ] || complain "the copy of $table: $(sqlite3 copy.db 'SELECT count(*) FROM t' 2>&1)"
done

# ---- refusals, in one line each
refused() { # WHAT WORDS FILE...
    local said
    said=$(load "${@:3}" 'SELECT 1' 2>&1)
    case $said in *"$2"*) ;; *) complain "$1: $said" ;; esac
}
refused 'no file' 'no capture is open here; expected one as the main database: sqlite3 CAPTURE.db, and then .load' :memory:
sqlite3 other.db 'CREATE TABLE a(b)'
refused 'another program' 'other.db: a database of another program; expected a capture of hakmem' other.db
cp mixed.db newer.db && sqlite3 newer.db 'PRAGMA user_version = 99'
refused 'a newer one' 'newer.db: written in format 99; this hakmem_sqlite reads format 3: take that of the hakmem that wrote it' newer.db
cp mixed.db nameless.db && sqlite3 nameless.db "DELETE FROM meta WHERE key = 'slab_bytes'"
refused 'a damaged one' 'the store is damaged: copy it again from where it was made' nameless.db
cp mixed.db flipped.db && sqlite3 flipped.db "UPDATE chunk_data SET data = substr(data, 1, 100)"
case $(load flipped.db 'SELECT count(*) FROM event' 2>&1) in *"flipped.db: "*) ;; *) complain "a broken chunk: $(load flipped.db 'SELECT count(*) FROM event' 2>&1)" ;; esac
nm -D --defined-only "$extension.so" >names && [ -s names ] || complain "nm shows no names of the extension"
grep -v ' sqlite3_hakmemsqlite_init$' names && complain "names that others may see"
nm -D --undefined-only "$extension.so" >names && [ -s names ] || complain "nm shows nothing that the extension needs"
! grep sqlite3 names || complain "it asks for an SQLite of its own"
