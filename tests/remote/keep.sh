#!/usr/bin/env bash
# `fleet keep`: what is older than so many days or runs goes, with its findings, months and whole captures; what is younger stays, with
# the captures that it names; who does not own the server removes nothing, nor does --dry-run; it can be pushed to afterwards.
. "${SOURCE:?}/tests/tools/test.sh"
export TZ=America/New_York
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/findings.sh"
. "$SOURCE/tests/tools/await.sh"
export XDG_STATE_HOME=$PWD/state
# keeps STATUS TEXT WORDS...: fleet keep ends so, and says so.
keeps() {
    local due=$1 text=$2 got
    shift 2
    "$trace" fleet keep "$@" --to "$URL" >out 2>err
    got=$?
    [ $got -eq "$due" ] || complain "$*: status $got, due $due: $(cat out err)"
    cat out err | grep -qF -- "$text" || complain "$*: $(cat out err); due: $text"
}
is() { [ "$(asked "$1")" = "$2" ] || complain "$3: $(asked "$1"); due: $2"; }
start_postgres
lay_out_findings
keeps 2 'how long? --days N, --count N (runs), or both'
keeps 2 '--days is 1 to 36,500, --count 1 or more' --days 0
keeps 2 '--days is 1 to 36,500, --count 1 or more' --count 0
keeps 0 'would remove 0 runs' --days 5 --dry-run
keeps 0 'there are no runs: nothing was removed' --count 5 --dry-run

# Twenty runs, one each 30 days, with two findings each; runs 3 and 15 name whole captures, 300 and 1500; of 999 no run knows.
fill() {
    psql -qX hakmem -v ON_ERROR_STOP=1 <<'SQL' || complain "rows"
TRUNCATE hakmem.run, hakmem.finding, hakmem.capture, hakmem.capture_end, hakmem.part, hakmem.c_meta;
INSERT INTO hakmem.run(run, month, at, host, pid, program, command, build, version, level, hakmem, rate, labels, capture, summary)
    SELECT n, date_trunc('month', t AT TIME ZONE 'UTC')::date, t, 'h', n, 'p', 'p', 'b', '', 'normal', '1', 1, '{}',
    CASE WHEN n IN (3, 15) THEN n * 100 END, '{}' FROM (SELECT n, now() - n * INTERVAL '30 days' AS t FROM generate_series(0, 19) n) x;
INSERT INTO hakmem.finding(run, month, number, fingerprint, code, name, headline, place, count, report)
    SELECT run, month, k, 'HKM-202:1', 202, 'n', 'h', 'p', 1, 'r' FROM hakmem.run, generate_series(0, 1) k;
INSERT INTO hakmem.capture(capture, host, file, pushed) SELECT c, 'h', 'f', now() - INTERVAL '500 days' FROM unnest(ARRAY[300, 1500, 999]) c;
INSERT INTO hakmem.capture_end(capture, part_count, row_count, byte_count) SELECT capture, 1, 1, 1 FROM hakmem.capture;
INSERT INTO hakmem.part(capture, number, name, row_count, byte_count, checksum) SELECT capture, 0, 'meta', 1, 1, 1 FROM hakmem.capture;
INSERT INTO hakmem.c_meta(capture, key, value) SELECT capture, 'k', 'v' FROM hakmem.capture;
SQL
}
all="SELECT (SELECT count(*) FROM hakmem.run), (SELECT count(*) FROM hakmem.finding), (SELECT count(*) FROM hakmem.capture),
 (SELECT count(*) FROM hakmem.capture_end), (SELECT count(*) FROM hakmem.part), (SELECT count(*) FROM hakmem.c_meta)"
fill
is "$all" '20|40|3|3|3|3' "what is there"

# Roles without the right.
PGUSER=pusher keeps 3 'only the role that laid out the server may remove runs' --days 1
psql -qX hakmem -c 'CREATE ROLE asker LOGIN IN ROLE hakmem_reader'
PGUSER=asker keeps 3 'only the role that laid out the server may remove runs' --days 1
PGUSER=asker keeps 0 'would remove 10 runs' --count 10 --dry-run
is "$all" '20|40|3|3|3|3' "who may not"

# By count: the same said before and done; 300 is named by run 3, which stays; 1500 and 999 are old.
keeps 0 'would remove 10 runs' --count 10 --dry-run
grep -q 'with 20 findings, and 2 whole captures' out || complain "dry run: $(cat out)"
is "$all" '20|40|3|3|3|3' "a dry run"
keeps 0 'removed 10 runs' --count 10
grep -q 'with 20 findings, and 2 whole captures' out || complain "count: $(cat out)"
is "$all" '10|20|1|1|1|1' "--count 10"
is 'SELECT max(run) FROM hakmem.run' 9 "the newest stay"
is 'SELECT capture FROM hakmem.capture' 300 "a capture that is named"
keeps 0 'would remove 0 runs' --count 10 --dry-run
keeps 0 'would remove 0 runs' --count 100000 --dry-run

# By age, and both: what is stricter. Whole months are dropped, and made again where they can still be pushed to.
keeps 0 'removed 6 runs' --days 100
is "$all" '4|8|1|1|1|1' "--days 100"
keeps 0 'removed 1 run ' --days 80 --count 100
keeps 0 'removed 1 run ' --days 800 --count 2
is "$all" '2|4|0|0|0|0' "both"
fill
asked "CREATE TABLE hakmem.run_1999_02 PARTITION OF hakmem.run FOR VALUES FROM ('1999-02-01') TO ('1999-03-01');
 CREATE TABLE hakmem.finding_odd PARTITION OF hakmem.finding FOR VALUES FROM ('1999-02-01') TO ('1999-03-01')"
count_parts="SELECT count(*) FROM pg_inherits WHERE inhparent IN ('hakmem.run'::regclass, 'hakmem.finding'::regclass)"
before=$(asked "$count_parts")
"$trace" fleet keep --days 100 --json --to "$URL" >document || complain "--json: $(cat document)"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" document || complain "JSON differs from its schema: $(cat document)"
read -r dropped made < <(python3 -c 'import json; d = json.load(open("document")); print(d["partitions_dropped"], d["partitions_made"]); assert (d["runs"], d["findings"], d["captures"], d["dry_run"]) == (16, 32, 2, False), d')
[ $((before - dropped + made)) -eq "$(asked "$count_parts")" ] || complain "of $before partitions $dropped dropped, $made made; there are $(asked "$count_parts")"
[ "$made" -ge 14 ] || complain "$dropped dropped, $made made"
is "SELECT to_regclass('hakmem.run_1999_02'), to_regclass('hakmem.finding_odd')" '|hakmem.finding_odd' "partitions that are empty and old"

# A host's clock, or its malice: years to come are not the newest runs.
asked "INSERT INTO hakmem.run(run, month, at, host, pid, program, command, build, version, level, hakmem, rate, labels, summary)
 SELECT 5000 + n, '2090-01-01', TIMESTAMPTZ '2090-01-01 00:00+00' + n * INTERVAL '1 hour', '', 0, '', '', '', '', '', '', 1, '{}', '{}' FROM generate_series(1, 50) n"
keeps 0 'removed 0 runs' --count 4
is 'SELECT count(*) FROM hakmem.run WHERE run < 5000' 4 "runs of today"

# Without a run, while a month has come nearer: what was read is not locked while its partition is made.
asked "DELETE FROM hakmem.finding; DELETE FROM hakmem.run; DROP TABLE hakmem.run_$(date -u -d "$(date -u +%Y-%m-15) +20 months" +%Y_%m)"
timeout 300 "$trace" fleet keep --count 4 --to "$URL" >out 2>&1 || complain "without a run: status $?, $(cat out)"
grep -q 'there are no runs' out || complain "without a run: $(cat out)"

# Pushed to afterwards; and JSON of setup.
"$trace" run -s double.db -- "$BUILD/tests/faults/double_free" >/dev/null 2>&1
"$trace" push -s double.db --to "$PUSH" >out 2>&1 || complain "push: $(cat out)"
is "SELECT count(*) FROM hakmem.run WHERE at BETWEEN now() - INTERVAL '1 hour' AND now()" 1 "a push"
"$trace" fleet setup --json --to "$URL" >document || complain "setup --json"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" document || complain "setup: JSON differs from its schema: $(cat document)"

# A capture that is being pushed stays, also an old one; the push goes on and is whole. It waits for a part that another seems to send.
waits() { [ "$(asked "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' and query like 'INSERT INTO hakmem.part%'")" = t ]; }
begun() { grep -q 'INSERT 0 1' held; }
old() { asked "UPDATE hakmem.capture SET pushed = now() - INTERVAL '500 days'; DELETE FROM hakmem.run" >out; }
asked 'TRUNCATE hakmem.run, hakmem.finding, hakmem.capture, hakmem.capture_end, hakmem.part, hakmem.c_meta' >out
"$trace" run -f -s pushed.db -- "$BUILD/tests/faults/double_free" >out 2>&1
"$trace" push --whole -s pushed.db --to "$URL" >pushing 2>&1 || complain "the first push: $(cat pushing)"
number=$(sed -n 's/^capture \([0-9]*\):.*/\1/p' pushing)
old
keeps 0 'and 1 whole capture' --days 30
psql -Xtd hakmem -c begin -c "INSERT INTO hakmem.part(capture, number, name, row_count, byte_count, checksum) VALUES($number, 0, 'meta', 1, 1, 1)" \
    -c 'SELECT pg_sleep(600)' >held 2>&1 &
holder=$!
await begun || complain "no part: $(cat held)"
"$trace" push --whole -s pushed.db --to "$URL" >pushing 2>&1 &
pusher=$!
await waits || complain "the push does not wait: $(cat pushing)"
old
keeps 0 '1 old capture is being pushed, and stays' --days 30
asked "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()" >out
wait "$holder" 2>/dev/null
wait "$pusher" || complain "the push: $(cat pushing)"
"$trace" why @fault -s "$URL?capture=$number" >out 2>&1
grep -q double-free out || complain "a capture that keep found half pushed: $(head -n 3 out)"
old
keeps 0 'and 1 whole capture' --days 30
is "SELECT count(*) FROM hakmem.capture" 0 "the push has ended"
exit "$failed"
