#!/usr/bin/env bash
# push --profile, `fleet top` and `fleet diff`: each heap profile that was read is on the server once, the newest of each process counts, and
# the answers of both words are exact. A server of an older layout, captures without such a profile, and hostile ones are refused or shown
# as what they are; `fleet keep` removes old ones.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C TZ=America/New_York XDG_STATE_HOME=$PWD/state
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/findings.sh"
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/obeys.sh"
# does STATUS WORDS...: hakmem-trace's; what it says is in out and err.
does() {
    local due=$1 got
    shift
    timeout 300 "$trace" "$@" >out 2>err
    got=$?
    [ "$got" -eq "$due" ] || complain "$*: status $got, and $due was due: $(head -c 2000 out err)"
}
says() { grep -qF -- "$1" "$2" || complain "due in $2: $1; there is: $(head -c 2000 "$2")"; }
is() { [ "$(asked "$1")" = "$2" ] || complain "$3: $(asked "$1"); due: $2"; }
count='SELECT (SELECT count(*) FROM hakmem.pull), (SELECT count(*) FROM hakmem.pull_sum), (SELECT count(*) FROM hakmem.stack)'

# ---- two pulls of a program whose blocks are so large that each is sampled
start hakmem-debug.so HAKMEM_CHECK=light HAKMEM_HEAP_PROFILE=64K HAKMEM_TRACE_FILE=light.db
obey take a 8000000
obey take b 2000000
does 0 ctl "$program" profile -o one.db
obey take n 6000000
obey give a
does 0 ctl "$program" profile -o two.db
finish

# ---- a server of layout 3, as the last version laid it out: it says what to do, keeps what it has, and takes the profile afterwards
start_postgres
lay_out_findings
asked "DROP TABLE hakmem.pull, hakmem.pull_sum, hakmem.stack; DELETE FROM hakmem.migration WHERE number = 4;
 INSERT INTO hakmem.run(run, month, at, host, pid, program, command, build, version, level, hakmem, rate, labels, summary)
 VALUES(1, '2026-11-01', '2026-11-02 00:00+00', '', 0, '', '', '', '', '', '', 1, '{}', '{}')"
older='has layout 3, and this hakmem needs 4; who keeps the server types `hakmem-trace fleet setup --to URL` with this version'
does 3 push --profile -s one.db --to "$PUSH" --label version=1.0
says "$older" err
says '1 document waits' err
does 3 fleet top --to "$URL"
says "$older" err
does 0 fleet setup --to "$URL"
says 'layout 4: 1 migrations and 76 partitions were made' out
is 'SELECT count(*) FROM hakmem.run' 1 "the rows of layout 3"
does 0 push --queue
says 'pushed 1 stack of 1 heap profile' out
is "$count" '1|1|1' "what waited for its tables"
does 0 fleet setup --to "$URL"
says 'layout 4: 0 migrations and 0 partitions were made' out

# ---- once, whatever it is called; by host; the newest of each process
cp one.db elsewhere.db
does 0 push --profile -s elsewhere.db --to "$PUSH" --label version=2.0
says 'pushed 0 stacks of 0 heap profiles; the server had 1 heap profile already' out
[ -s err ] && complain "a push says: $(cat err)"
is "$count" '1|1|1' "a second push"
does 0 push --profile -s two.db --to "$PUSH" --label version=1.0
HAKMEM_PUSH=$PUSH HAKMEM_HOST='web 2' does 0 push --profile -s two.db --json
cp out pushed.json
is "$count" '3|5|2' "two pulls, and one on another host"
is "SELECT count(DISTINCT run), count(DISTINCT pull) FROM hakmem.pull" '2|2' "processes and pulls"
for i in 1 2 3 4; do "$trace" push --profile -s two.db --to "$PUSH" --host 'at once' >"once$i" 2>&1 & jobs[i]=$!; done
for i in 1 2 3 4; do wait "${jobs[i]}" || complain "four at once: $(cat "once$i")"; done
is "$count" '4|7|2' "four at once"
asked "DELETE FROM hakmem.pull_sum s WHERE EXISTS (SELECT 1 FROM hakmem.pull p WHERE p.run = s.run AND encode(p.host, 'escape') = 'at once');
 DELETE FROM hakmem.pull WHERE encode(host, 'escape') = 'at once'"
is "SELECT encode(version, 'escape'), encode(labels, 'escape'), rate, pid = $program, encode(program, 'escape') = '$BUILD/tests/ctl/obeys',
 abs(extract(epoch FROM now() - at)) < 900, began <= at, month = date_trunc('month', at AT TIME ZONE 'UTC') FROM hakmem.pull ORDER BY at, host LIMIT 1" \
    '1.0|{"version":"1.0"}|65536|t|t|t|t|t' "the pull"
does 0 fleet top --to "$URL"
says '2 processes on 2 hosts, 3 pulls; sampled, one in 64 KiB' out
grep -qE '^ +75.0 % +12,000,000 +0 +6,000,000 +2 +12,000,000 +0 +2 +2 +take_late obeys.c < obey < obey_all < main$' out || complain "top: $(cat out)"
grep -qE '^ +25.0 % +4,000,000 +1 +2,000,000 +2 +20,000,000 +16,000,000 +2 +2 +take_early obeys.c < obey < obey_all < main$' out || complain "top: $(cat out)"
for words in "SELECT * FROM hakmem.pull" "UPDATE hakmem.pull_sum SET live_bytes = 0" "DELETE FROM hakmem.stack" "SELECT frames FROM hakmem.stack"; do
    psql -qXAtd "$PUSH" -c "$words" >out 2>&1 && complain "a writer does: $words"
done

# ---- captures that have none: nothing is sent, nothing waits
"$trace" run -s exact.db --check trace --on-fault continue -- "$BUILD/tests/faults/double_free" >out 2>&1
"$trace" run -s light.db --force --check light --on-fault continue -- "$BUILD/tests/faults/double_free" >out 2>&1
does 2 push --profile -s exact.db --to "$PUSH"
says 'push --profile: exact.db counts every block, so its profile is exact; sampled ones are sent' err
does 2 push --profile -s light.db --to "$PUSH"
says 'push --profile: light.db has no heap profile; `hakmem-trace ctl PID profile -o FILE.db` reads one' err
does 2 push --profile --whole -s one.db --to "$PUSH"
does 2 push --profile --queue
does 2 push --profile -s one.db
does 3 push --profile -s nowhere.db --to "$PUSH"

# ---- hostile captures
for number in 1 2 3 4; do cp two.db "evil$number.db"; done
sqlite3 evil1.db "UPDATE meta SET value = '99999999999999999999x' WHERE key IN ('sampled_rate', 'started', 'monotonic_start_ns');
 UPDATE name SET text = x'1b5b33316d0a0941ff' || printf('%.9000c', 'x') WHERE text IN (SELECT text FROM name WHERE text LIKE 'take%');
 UPDATE process SET program = '/' || x'1b5b324a0aff', pid = -1"
sqlite3 evil2.db "UPDATE profile_run SET data = substr(data, 1, 9)"
sqlite3 evil3.db "DELETE FROM process"
sqlite3 evil4.db "UPDATE meta SET value = 'none' WHERE key = 'sampled_rate'"
does 0 push --profile -s evil1.db --to "$PUSH" --host evil
cat out err >shown
for number in 2 3; do
    does 3 push --profile -s "evil$number.db" --to "$PUSH"
    [ "$(wc -l <err)" = 1 ] || complain "evil$number.db: $(cat err)"
done
does 2 push --profile -s evil4.db --to "$PUSH"
[ "$(waiting)" = 0 ] || complain "hostile captures wait"
does 0 fleet top --host evil --to "$URL"
says '1 process on 1 host, 1 pull' out
cat out err >>shown

# ---- each word's exact answer
asked 'TRUNCATE hakmem.pull, hakmem.pull_sum, hakmem.stack'
python3 "$SOURCE/tests/remote/profile_rows.py" rows | psql -qX hakmem -v ON_ERROR_STOP=1 || complain "rows"
does 0 fleet top --limit 0 --json --to "$URL"
cp out top.json
does 0 fleet diff 1.0 1.1 --program server --json --to "$URL"
cp out diff.json
while read -r words; do
    echo "\$ fleet $words"
    # shellcheck disable=SC2086
    "$trace" fleet $words --to "$URL" 2>&1
    echo "[$?]"
done >got <<'END'
top
top --program server --limit 2
top --program /srv/bin/worker
top --program srv
top --release 1.0
top --release 1.0 --release 1.1 --host web1
top --since 2026-11-02 --label version=1.1
top --until 2026-11-02
diff 1.0 1.1 --program server
diff 1.1 1.0 --program server --limit 1
diff 1.0 1.1
diff 1.0 2.0
diff 1.0 1.0
diff 1.0
diff 1.0 1.1 1.2
END
[ -z "${UPDATE-}" ] || cp got "$SOURCE/tests/remote/profiles.exact"
diff "$SOURCE/tests/remote/profiles.exact" got || complain "answers differ; UPDATE=1 takes them over"

# ---- hostile rows
python3 "$SOURCE/tests/remote/profile_rows.py" hostile | psql -qX hakmem -v ON_ERROR_STOP=1 || complain "hostile rows"
does 0 fleet top --release evil2 --to "$URL"
says '?? (stack 0000000000000008)' out
cat out err >>shown
does 0 fleet top --json --to "$URL"
cp out hostile.json
does 0 fleet diff evil evil2 --program $'/\e[31m' --to "$URL"
says 'new  evil2: 1 process on 1 host, 1 pull' out
cat out err >>shown
does 0 fleet diff evil evil2 --program $'/\e[31m' --json --to "$URL"
cp out hostile2.json
does 2 fleet diff $'\e[2J' "x' OR '%" --program "x' OR '%_\\" --to "$URL"
cat out err >>shown
python3 - shown ./*.json <<'END' || complain "text of hosts comes through"
import sys
for name in sys.argv[1:]:
    odd = sorted({b for b in open(name, "rb").read() if b == 0x7f or (b < 0x20 and b != 10) or (name != "shown" and b > 0x7e)})
    assert not odd, (name, odd)
END

# ---- keep: what was read before goes, with its sums and the stacks of its months
asked "DELETE FROM hakmem.pull WHERE host = 'h'; TRUNCATE hakmem.pull, hakmem.pull_sum, hakmem.stack, hakmem.run;
 INSERT INTO hakmem.pull SELECT n, date_trunc('month', t AT TIME ZONE 'UTC')::date, n, t, t, 'h', 1, 'p', '', '', '1', 1, 0, '{}'
 FROM (SELECT n, now() - n * INTERVAL '30 days' AS t FROM generate_series(0, 19) n) x;
 INSERT INTO hakmem.pull_sum SELECT run, month, pull, k, 1, 1, 1, 1, 0, 0, 0 FROM hakmem.pull, generate_series(1, 2) k;
 INSERT INTO hakmem.stack SELECT 1, month, '' FROM hakmem.pull ON CONFLICT DO NOTHING"
does 0 fleet keep --days 100 --dry-run --to "$URL"
says '16 heap profiles of before that' out
is 'SELECT count(*) FROM hakmem.pull' 20 "a dry run"
does 0 fleet keep --days 100 --json --to "$URL"
cp out keep.json
says '"profiles": 16' out
is "SELECT count(*), (SELECT count(*) FROM hakmem.pull_sum), (SELECT count(*) FROM hakmem.stack WHERE month < date_trunc('month', now() - INTERVAL '100 days'))
 FROM hakmem.pull" '4|8|0' "what stays"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" ./*.json || complain "JSON differs from its schema"
exit "$failed"
