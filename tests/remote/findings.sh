#!/usr/bin/env bash
# push, run --push and HAKMEM_PUSH: what was found is on the server once, whatever it is called and however often it is sent; the program
# keeps its status and output; nothing that must not be sent is; every kill of client, connection and server leaves each finding once.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/findings.sh"
. "$SOURCE/tests/tools/await.sh"
faults=$BUILD/tests/faults
export XDG_STATE_HOME=$PWD/state
# does STATUS WORDS...: hakmem-trace's; what it says is in out and err.
does() {
    local due=$1 got
    shift
    "$trace" "$@" >out 2>err
    got=$?
    [ "$got" -eq "$due" ] || complain "$*: status $got, and $due was due: $(head -c 2000 out err)"
}
says() { grep -qF -- "$1" "$2" || complain "due in $2: $1; there is: $(head -c 2000 "$2")"; }
counts() { [ "$(counted)" = "$1" ] || complain "$2: there are $(counted) runs and findings; due: $1"; }
start_postgres

# Where nothing is laid out it waits; nothing of it is lost.
"$trace" run --on-fault continue -s double.db -- "$faults/double_free" >out 2>&1
does 3 push -s double.db --to "$URL"
says "1 document waits in $PWD/state/hakmem_push" err
lay_out_findings
does 0 push --queue
says 'pushed 1 finding of 1 run' out
counts '1 1' "what waited for its tables"

# Once, with labels and all that a run is known by.
does 0 push -s double.db --to "$PUSH"
says 'pushed 0 findings of 0 runs; the server had 1 run already' out
[ -s err ] && complain "a push says: $(cat err)"
does 0 push -s double.db --to "$PUSH" --json
says '"known_runs": 1' out
fits() { python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" "$1" || complain "push --json differs from its schema: $(cat "$1")"; }
fits out
counts '1 1' "a second push"
asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'
does 0 push -s double.db --to "$PUSH" --label version=1.2 --label 'team=a "b"'
build=$(readelf -n "$faults/double_free" | sed -n 's/.*Build ID: //p')
[ "$(asked "SELECT encode(host, 'escape') = '$(uname -n)', encode(program, 'escape') = '$faults/double_free', encode(build, 'escape') = '$build',
 encode(version, 'escape'), encode(level, 'escape'), rate, convert_from(labels, 'UTF8'), capture IS NULL, month = date_trunc('month', at AT TIME ZONE 'UTC'),
 abs(extract(epoch FROM now() - at)) < 900, (encode(summary, 'escape')::json->>'events')::int > 1 FROM hakmem.run")" = \
    't|t|t|1.2|normal|1|{"version":"1.2","team":"a \"b\""}|t|t|t|t' ] || complain "the run: $(asked 'SELECT * FROM hakmem.run')"
fingerprint=$("$trace" faults -s double.db --json | sed -n 's/.*"fingerprint": "\(.*\)",/\1/p')
headline=$("$trace" faults -s double.db --json | sed -n 's/.*"headline": "\(.*\)",/\1/p')
[ "$(asked "SELECT number, encode(fingerprint, 'escape') = '$fingerprint', code, encode(name, 'escape'), encode(headline, 'escape') = '$headline',
 encode(place, 'escape'), count FROM hakmem.finding")" = '0|t|202|double-free|t|close_all double_free.c:9|1' ] || complain "the finding: $(asked 'SELECT * FROM hakmem.finding')"
[ "$(asked "SELECT convert_from(report, 'UTF8') FROM hakmem.finding")" = "$("$trace" faults 1 -s double.db)" ] || complain "the report is not as it was printed"
address=$(printf '0x%x' "$(asked 'SELECT address FROM hakmem.finding')")
"$trace" why "$address" -s double.db 2>&1 | grep -q 'double_free.c:13' || complain "why $address: the address is another one"

# run --push: the program's status and output, a crash, a leak, the variable, a tree of programs; without a fault only the run.
cat >crash.c <<'END'
#include <stdio.h>
#include <stdlib.h>
int main(void) { puts("a line"); fflush(stdout); return *(volatile int *)8 + (malloc(3) == NULL); }
END
cc -g -O0 -w -o crash crash.c || complain "crash.c"
asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'
for program in ./crash "$faults/memory_leak" "$faults/double_free"; do
    words=(-s run.db --force --leaks=error)
    "$trace" run "${words[@]}" -- "$program" >due 2>due.err
    due=$?
    rm -f run.db
    does $due run "${words[@]}" --push "$PUSH" -- "$program"
    cmp -s out due || complain "$program: its output: $(cat out)"
    [ "$(sed 's/0x[0-9a-f]*/X/g; s/[0-9]*\.[0-9]* s/T/g' err | wc -l)" = "$(wc -l <due.err)" ] || complain "$program: more is said: $(diff due.err err)"
done
counts '3 3' "a crash, a leak, a fault"
[ "$(asked "SELECT string_agg(encode(name, 'escape') || ' ' || code, ',' ORDER BY code) FROM hakmem.finding")" = 'crash 0,double-free 202,memory-leak 401' ] ||
    complain "$(asked "SELECT encode(headline, 'escape') FROM hakmem.finding")"
rm -f run.db
HAKMEM_PUSH=$PUSH "$trace" run -s run.db -- true >out 2>&1 || complain "HAKMEM_PUSH: $(cat out)"
counts '4 3' "a run without a fault"
rm -f run.db
does 1 run -s run.db --on-fault continue --push "$PUSH" --label ci=7 -- sh -c "'$faults/double_free'; '$faults/double_free'; true"
counts '6 5' "a tree: a run for the shell, one for its program"
[ "$(asked "SELECT count(*) FROM hakmem.run WHERE encode(labels, 'escape') = '{\"ci\":\"7\"}'")" = 2 ] || complain "labels of a tree"
does 0 push -s run.db --to "$PUSH"
counts '6 5' "the tree again"

# A host's name of its own, for containers: another run.
does 0 push -s double.db --to "$PUSH" --host 'web 1'
HAKMEM_HOST=web2 "$trace" push -s double.db --to "$PUSH" >out 2>&1 || complain "HAKMEM_HOST: $(cat out)"
HAKMEM_HOST=web2 "$trace" run -s run.db --force --push "$PUSH" --host web3 -- true >out 2>&1 || complain "run --host: $(cat out)"
[ "$(asked "SELECT string_agg(encode(host, 'escape'), ',' ORDER BY host) FROM hakmem.run WHERE encode(host, 'escape') LIKE 'web%'")" = 'web 1,web2,web3' ] ||
    complain "hosts: $(asked "SELECT encode(host, 'escape') FROM hakmem.run")"
asked "DELETE FROM hakmem.finding WHERE run IN (SELECT run FROM hakmem.run WHERE encode(host, 'escape') LIKE 'web%'); DELETE FROM hakmem.run WHERE encode(host, 'escape') LIKE 'web%'"

# The whole capture, behind its findings and before them: the run says its number, which nothing replaces.
captures() { asked "SELECT string_agg(coalesce((capture = (SELECT capture FROM hakmem.capture_end))::text, 'none'), ',') FROM hakmem.run"; }
asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'
does 0 push -s double.db --to "$PUSH"
[ "$(captures)" = none ] || complain "a capture before it was pushed: $(captures)"
does 0 push --whole -s double.db --to "$PUSH" --label version=2
says 'pushed 0 findings of 0 runs; the server had 1 run already' out
[ "$(captures)" = true ] || complain "a capture behind its findings: $(captures)"
asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'
does 0 push --whole -s double.db --to "$PUSH" --json
fits out
says '"findings": 1,' out
[ "$(captures)" = true ] || complain "a capture with its findings: $(captures)"
says "\"capture\": $(asked 'SELECT capture FROM hakmem.run')," out
counts '1 1' "a capture with its findings"
"$trace" fleet show "$fingerprint" --to "$URL" >out 2>&1
says "why $address -s 'postgresql:///hakmem?capture=" out
asked "SELECT hakmem.fill_run(run, month, 7, '{\"events\":7}') FROM hakmem.run" >/dev/null
[ "$(captures)" = true ] || complain "a capture's number is replaced"
for words in "UPDATE hakmem.run SET capture = 7" "DELETE FROM hakmem.run" "SELECT run FROM hakmem.run"; do
    psql -qXAtd "$PUSH" -c "$words" >out 2>&1 && complain "a writer does: $words"
done

# While its programs run, what is there by then; the rest at the end, and each once.
asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'
cat >long.c <<'END'
#include <stdlib.h>
#include <unistd.h>
static void *volatile lost;
int main(void) {
    void *volatile p = malloc(30);
    free(p);
    free(p);
    lost = malloc(40);
    lost = NULL;
    while (access("go", F_OK) != 0) usleep(20000);
    p = malloc(50);
    free(p);
    free(p);
}
END
cc -g -O0 -w -o long long.c || complain "long.c"
"$trace" run -s long.db --on-fault continue --leaks=error -- ./long >long.out 2>&1 &
long=$!
pushed_one() { "$trace" push -s long.db --to "$PUSH" >out 2>&1 && [ "$(counted)" = '1 1' ]; }
await pushed_one || complain "while it runs: $(counted) $(cat out)"
: >go
wait $long
does 0 push -s long.db --to "$PUSH"
says 'pushed 2 findings of 0 runs; the server had 1 run already' out
counts '1 3' "at its end"
[ "$(asked "SELECT string_agg(number || ' ' || code, ',' ORDER BY number), bool_and((encode(summary, 'escape')::json->>'events')::int > 1)
 FROM hakmem.run NATURAL JOIN hakmem.finding")" = '0 202,1 202,1000002 401|t' ] || complain "at its end: $(asked 'SELECT number, code, summary FROM hakmem.run NATURAL JOIN hakmem.finding')"

# Refused before anything is written or started.
rm -rf state
for url in postgresql://me:secret@/hakmem 'postgresql:///hakmem?password=secret' 'postgresql:///hakmem?user=a&p%61ssword=secret' 'postgresql://me:1/secret@/hakmem' 'postgresql://me:secret?1@/hakmem' nowhere "postgresql://$(head -c 3000 /dev/zero | tr '\0' x)"; do
    does 2 push -s double.db --to "$url"
    does 2 run -s never.db --push "$url" -- touch started
    grep -q secret err && complain "the password is printed"
    HAKMEM_PUSH=$url "$trace" run -s variable.db --force -- true >out 2>err || complain "HAKMEM_PUSH=$url: the run fails"
    [ -s err ] || complain "HAKMEM_PUSH=$url: nothing is said"
done
for label in nothing =x 'a b=c' "$(head -c 65 /dev/zero | tr '\0' k)=x" "x=$(head -c 2000 /dev/zero | tr '\0' k)"; do
    does 2 push -s double.db --to "$PUSH" --label "$label"
    does 2 run -s never.db --push "$PUSH" --label "$label" -- touch started
done
does 2 push --queue --to "$PUSH"
does 2 push -s double.db
does 3 push -s nowhere.db --to "$PUSH"
[ -e started ] && complain "a refused run was started"
[ -e state ] && complain "a refused push has written: $(find state)"
counts '1 3' "what was refused"

# A server that wants a password: libpq takes it from .pgpass or a service file; none is asked for, nor kept anywhere.
asked "DELETE FROM hakmem.run; DELETE FROM hakmem.finding; CREATE ROLE known LOGIN PASSWORD 'sesame' IN ROLE hakmem_writer"
sed -i '1i local all known scram-sha-256' "$postgres_folder/data/pg_hba.conf"
asked 'SELECT pg_reload_conf()' >out
echo '*:*:*:known:sesame' >pgpass
printf '[heap]\nhost=%s\ndbname=hakmem\nuser=known\npassword=sesame\n' "$postgres_folder" >services
chmod 600 pgpass services
refused_now() { ! PGPASSFILE=$PWD/nowhere psql -qXd postgresql://known@/hakmem -wc 'SELECT 1'; }
await refused_now || complain "the server wants no password"
PGPASSFILE=$PWD/nowhere does 3 push -s double.db --to postgresql://known@/hakmem </dev/null
says 'no password supplied' err
PGPASSFILE=$PWD/pgpass does 0 push --queue
counts '1 1' "by .pgpass"
PGSERVICEFILE=$PWD/services PGUSER='' does 0 push -s double.db --to 'postgresql:///?service=heap' --host by-service
counts '2 2' "by a service file"
grep -rl sesame state double.db out err && complain "the password is kept"
rm -rf state

# Hostile texts: each byte arrives, escaped where it is no UTF-8; nothing reaches the terminal.
hostile=$'two\nlines \e[31mred\e]0;title\a \xff\xc3 \x27; DROP TABLE hakmem.run; -- \\'
mkdir -p bin && cp "$faults/double_free" "bin/$hostile"
asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'
rm -f run.db
# shellcheck disable=SC2046 # ten thousand words
"$trace" run -s run.db --on-fault continue --push "$PUSH" --label "evil=${hostile#*$'\n'}" -- "bin/$hostile" "$hostile" $(head -c 900000 /dev/zero | tr '\0' w | fold -w 90) >out 2>err
[ $? -eq 1 ] || complain "hostile texts: $(head -c 2000 err)"
grep -qP '\x1b' out err && complain "escape sequences come out"
counts '1 1' "hostile texts"
[ "$(asked "SELECT encode(program, 'escape') LIKE '%DROP TABLE%', octet_length(command) BETWEEN 4096 AND 4200, strpos(encode(labels, 'escape'), 'evil') > 0,
 strpos(convert_from(report, 'UTF8'), E'\\x1b') FROM hakmem.run NATURAL JOIN hakmem.finding")" = 't|t|t|0' ] ||
    complain "hostile texts: $(asked "SELECT octet_length(command), encode(program, 'escape') FROM hakmem.run")"
# A label cannot have a line end: it would be the next label.
does 2 push -s double.db --to "$PUSH" --label $'a=b\nc'

# Nor is it lost among escapes: `fleet` finds the runs of a label that is no ASCII.
does 0 push -s double.db --to "$PUSH" --host koeln --label $'city=K\xc3\xb6ln "\x7f'
does 0 fleet --label $'city=K\xc3\xb6ln "\x7f' --to "$URL"
says '1 finding on' out

# More than a push takes: 1,200 findings, one with a megabyte of report; what is left out is counted, and said.
asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'
cp double.db many.db
sqlite3 many.db "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
 INSERT INTO fault SELECT i, code, event, ns, process, thread, summary, CASE WHEN i = 2 THEN printf('%.1000000c', 'x') ELSE report END, json, fingerprint FROM fault, n WHERE id = 1" || complain "many.db"
does 0 push -s many.db --to "$PUSH"
says 'pushed 1,000 findings of 1 run; 200 findings were left out: a push has 1,000 at most; 1 long text was cut' out
counts '1 1000' "the first thousand"
[ "$(asked 'SELECT max(octet_length(report)), count(DISTINCT number) FROM hakmem.finding')" = '65536|1000' ] || complain "a long report: $(asked 'SELECT max(octet_length(report)) FROM hakmem.finding')"

# Kills, of a push of 200. Each leaves the document in the queue, or the rows on the server, or both; the next push leaves each once.
left_once() { # WHAT: everything that was pushed is there, once
    local tries
    for ((tries = 0; tries < 100; tries++)); do # who was killed may hold a lock for a moment
        "$trace" push --queue >out 2>err && [ "$(waiting)" = 0 ] && break
        sleep 0.05
    done
    [ "$(waiting)" = 0 ] || complain "$1: $(waiting) wait; $(cat err)"
    counts '1 200' "$1"
}
sqlite3 many.db 'DELETE FROM fault WHERE id > 200 OR id = 2; INSERT INTO fault SELECT 2, code, event, ns, process, thread, summary, report, json, fingerprint FROM fault WHERE id = 1'
push_again() { asked 'DELETE FROM hakmem.run; DELETE FROM hakmem.finding'; "$trace" push -s many.db --to "$PUSH" >out 2>&1 & pid=$!; }
for round in {1..4}; do
    push_again
    sleep "0.0$((round * 2 + 10))"
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ "$(waiting)" != 0 ] || [ "$(counted)" != '0 0' ] || "$trace" push -s many.db --to "$PUSH" >/dev/null 2>&1 # it had not begun
    left_once "client killed, round $round"
done
for round in 1 2; do
    push_again
    while kill -0 $pid 2>/dev/null; do # every connection of it, as soon as there is one
        asked "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pusher'" >/dev/null
    done
    wait $pid
    left_once "connection ended, round $round"
done
for round in 1 2; do
    push_again
    sleep "0.0$((round * 3))"
    stop_postgres -m immediate
    wait $pid
    restart_postgres
    left_once "server ended at once, round $round"
done
exit "$failed"
