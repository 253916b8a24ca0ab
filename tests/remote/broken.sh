#!/usr/bin/env bash
# A server that goes in the midst of an answer, whose tables hold what no push made, or that may not be read: each command that asks it
# ends with status 3 and one line, or with the right answer; nothing crashes, and nothing is answered from half of what was asked.
# `TRACE=FILE` is another viewer, as one with sanitizers (sanitized.sh). FULL=1 cuts at each place for each command, and spoils every column,
# where else it is the first of each table and each type there, and one in four of the others; ROUNDS=5 does so in five ways instead of one.
# timeout: 900
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/await.sh"
. "$SOURCE/tests/remote/sums.sh"
trace=${TRACE:-$BUILD/hakmem-trace}
full=${FULL:-0}
start_postgres
XDG_CACHE_HOME=/dev/null # no answer from what came before (cache.sh)

"$BUILD/hakmem-trace" run --check normal --on-fault continue -s double.db -- "$BUILD/tests/faults/double_free" >out 2>&1
"$trace" fleet setup --to "$URL" >out 2>&1 || { cat out; exit 1; }
"$trace" push --whole -s double.db --to "$URL" >out 2>err || { cat out err; exit 1; }
number=$(sed -n 's/^capture \([0-9]*\): .*/\1/p' out)
server="$URL?capture=$number"
"$BUILD/tests/bench/make_capture" -q -n 200000 long.db >out || { cat out; exit 1; } # its chunks do not come at once, as double.db's do
"$trace" push --whole -s long.db --to "$URL" >out 2>err || { cat out err; exit 1; }
long=$(sed -n 's/^capture \([0-9]*\): .*/\1/p' out)

# refused LINE COMMAND...: status 3, nothing on stdout, this line alone on stderr.
refused() {
    "$trace" "${@:2}" >out 2>err
    got=$?
    [ $got -eq 3 ] && [ ! -s out ] && [ "$(cat err)" = "hakmem-trace: $1" ] || complain "${*:2}: status $got: $(cat out err); due: $1"
}

# ---- cut in the midst
mkdir between
cut_after() {
    rm -f between/.s.PGSQL.5432
    "$BUILD/tests/remote/cutter" between/.s.PGSQL.5432 "$PGHOST/.s.PGSQL.5432" "$1" >ready 2>&1 &
    cutter=$!
    await grep -q ready ready || complain "cutter: $(cat ready)"
    "$trace" "${@:2}" >got 2>err
    got=$?
    kill "$cutter" 2>/dev/null
    wait "$cutter" 2>/dev/null
    if [ $got -eq "$due" ]; then
        whole=$((whole + 1))
        cmp -s due got || complain "cut after $*: $(diff due got)"
    elif [ $got -eq 3 ]; then
        refused=$((refused + 1))
        [ ! -s got ] && [ "$(wc -l <err)" = 1 ] && grep -q '^hakmem-trace: .*postgresql:///hakmem: .*; is the server there? Try again later$\|cannot connect: ' err ||
            complain "cut after $*: $(cat got err)"
    else
        complain "cut after $*: status $got: $(cat got err)"
    fi
}
sweep() {
    whole=0 refused=0
    rm -f between/.s.PGSQL.5432
    ln -s "$PGHOST/.s.PGSQL.5432" between/.s.PGSQL.5432
    "$trace" "$@" >due 2>err
    due=$?
    local places=(1 400 800 1200 1700 2500 5000 15000 100000000)
    [ "$full" != 1 ] || places+=(100 600 1000 1400 2000 3500 8000 30000 100000000)
    for bytes in "${places[@]}"; do
        cut_after "$bytes" "$@"
    done
    [ $refused -ge $((full ? 5 : 3)) ] && [ $got -eq $due ] || complain "$*: $refused failed, $whole whole"
}
through="postgresql:///hakmem?host=$PWD/between"
sweep why p:1 -s "$through&capture=$number"
sweep sql 'select * from event' -s "$through&capture=$number"
sweep fleet --to "$through"
# Symbols that are many come in one answer, in the midst of a page.
rm -f between/.s.PGSQL.5432
"$BUILD/tests/remote/cutter" between/.s.PGSQL.5432 "$PGHOST/.s.PGSQL.5432" 1200000 >ready 2>&1 &
cutter=$!
await grep -q ready ready || complain "cutter: $(cat ready)"
"$trace" why "$("$trace" sql "SELECT printf('0x%x', base) FROM event WHERE id = 100000" -s long.db)" -s "$through&capture=$long" >got 2>err
got=$?
kill "$cutter"
wait "$cutter" 2>/dev/null
[ $got -eq 3 ] && [ "$(wc -l <err)" = 1 ] && grep -q 'reading symbols failed: .*; is the server there?' err || complain "cut in the symbols: status $got: $(cat err)"

# ---- rows that no push made: each column of each table in turn holds something else
psql -qXd hakmem <<'MADE' || exit 1
CREATE FUNCTION public.spoil(t text, c text, e text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE hakmem.%I RENAME TO spoilt', t);
    EXECUTE (SELECT format('CREATE TABLE hakmem.%I AS SELECT %s FROM hakmem.spoilt', t, string_agg(CASE WHEN attname = c
        THEN e || ' AS ' || quote_ident(c) ELSE quote_ident(attname) END, ', ' ORDER BY attnum))
        FROM pg_attribute WHERE attrelid = 'hakmem.spoilt'::regclass AND attnum > 0 AND NOT attisdropped);
END $$;
CREATE FUNCTION public.mend(t text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TABLE hakmem.%I', t);
    EXECUTE format('ALTER TABLE hakmem.spoilt RENAME TO %I', t);
END $$;
MADE
columns() {
    query "SELECT c.relname, a.attname, a.atttypid::regtype FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'hakmem'::regnamespace AND c.relkind = 'r' AND (c.relname LIKE 'c\\_%' OR c.relname IN ('part', 'capture_end'))
        AND a.attnum > 0 AND a.attname <> 'capture' AND a.atttypid IN (20, 17, 701) ORDER BY 1, a.attnum" | tr '|' ' '
}
# The words that are asked; a table that has no rows has none to spoil.
# changes SQL: in one session for all, since a start of psql takes longer than a change. It prints nothing where all is well.
coproc session { exec psql -qXAtd hakmem 2>&1; }
changes() {
    local line wrong=0
    printf '%s;\n\\echo it has ended\n' "$1" >&"${session[1]}"
    while read -r line <&"${session[0]}"; do
        [ "$line" != 'it has ended' ] || return $wrong
        [ -z "$line" ] || { echo "$line" && wrong=1; }
    done
    echo 'the session has ended' && return 1
}
ask_spoilt() {
    local what=$1 may_differ=$2
    shift 2
    "$trace" "$@" -s "$server" >got 2>err
    got=$?
    if grep -q 'Sanitizer\|runtime error' err || [ $got -gt 4 ]; then
        complain "$what: $*: status $got: $(head -n 30 err)"
    elif [ $got -ge 2 ]; then
        [ -s err ] && [ "$(wc -l <err)" -le 2 ] || complain "$what: $*: status $got: $(cat err)"
        refusals=$((refusals + 1))
    elif [ "$may_differ" = no ] && ! cmp -s "due.$1" got && ! grep -qi 'damaged\|lost\|incomplete' got err; then
        complain "$what: $*: another answer: $(diff "due.$1" got)$(cat err)"
    fi
    answers=$((answers + 1))
}
"$trace" why p:1 -s "$server" >due.why 2>err
answers=0 refusals=0 turn=0 kind=0 quote=\'
declare -A seen=()
while read -r table column type; do
    turn=$((turn + 1))
    if [ "$full" != 1 ] && [ -n "${seen[$table $type]-}" ] && [ $((turn % 4)) -ne 0 ]; then continue; fi
    seen[$table $type]=1
    case $type in
    bigint) values=("$column::text::bytea" NULL::bigint 9223372036854775807::bigint -1::bigint 5::smallint) ;;
    bytea) values=(77::bigint NULL::bytea "''::bytea" "repeat('x', 70000)::bytea" "substr($column, 1, 5)") ;;
    *) values=("$column::text::bytea" "'NaN'::$type" NULL::"$type" 0::"$type" "'-Infinity'::$type") ;;
    esac
    [ "${#values[@]}" = 5 ] || exit 1
    for ((i = 0; i < ${ROUNDS:-1}; i++)); do
        value=${values[$(((kind + i) % 5))]}
        changes "SELECT spoil('$table', '$column', '${value//$quote/$quote$quote}')" >out 2>&1 || { complain "$table.$column: $(cat out)"; continue; }
        differ=yes
        [ $(((kind + i) % 5)) = 0 ] && differ=no # of another type: never an answer of other values
        ask_spoilt "$table.$column $value" "$differ" why p:1
        [ "${table#c_}" = "$table" ] || ask_spoilt "$table.$column $value" yes sql "select * from \"${table#c_}\" limit 3"
        changes "SELECT mend('$table')" >out 2>&1 || { complain "$table.$column stays: $(cat out)"; exit 1; }
    done
    kind=$((kind + 1))
done < <(columns)
[ "$answers" -ge $((full ? 100 : 50)) ] && [ "$refusals" -ge $((full ? 20 : 10)) ] || complain "only $answers answers, $refusals refusals"
"$trace" why p:1 -s "$server" >got 2>err
cmp -s due.why got || complain "mended again, why p:1 says: $(diff due.why got; cat err)"

# ---- sums of parts that a writer made up: they change no answer
tables_of() { query "SELECT name, sum(row_count) FROM (SELECT convert_from(name, 'UTF8') AS name, row_count FROM hakmem.part WHERE capture = $1) x GROUP BY name ORDER BY 1" | tr '|' ' '; }
pushed=$(tables_of "$long" | sed -n 's/^chunk_data //p')
# made_up COLUMN VALUE COMMAND...
made_up() {
    changes "SELECT spoil('part', '$1', 'CASE WHEN name = ''chunk_data''::bytea THEN $2::bigint ELSE $1 END')" >out 2>&1 || complain "part.$1: $(cat out)"
    "${@:3}" || complain "part.$1 $2: $(cat out err)"
    changes "SELECT mend('part')" >out 2>&1 || { complain "part stays: $(cat out)"; exit 1; }
}
lengths='select length(data) from chunk_data'
"$trace" sql "$lengths" -s long.db >due 2>err
answered() { "$trace" sql "$lengths" -s "$URL?capture=$long" >out 2>err && cmp due out; }
for column in row_count byte_count; do
    made_up "$column" -1 answered
    made_up "$column" NULL answered
done
made_up byte_count 9223372036854775807 answered
query "INSERT INTO hakmem.part SELECT $long, 1000, 'chunk_data', 1 - $pushed, 0, 0" >out # one row of -1 bytes
made_up byte_count -1 answered
query "DELETE FROM hakmem.part WHERE capture = $long AND number = 1000" >out
made_up row_count 9223372036854775807 refused "postgresql:///hakmem: capture $long has $pushed rows of table chunk_data there, and 9223372036854775807 were pushed; who keeps the server removes it, then push again" \
    sql "$lengths" -s "$URL?capture=$long"

# ---- tables that are emptied or dropped: TRUNCATE takes rows from transactions that began before it, too
lost() { echo "postgresql:///hakmem: capture $1 has 0 rows of table $2 there, and $3 were pushed; who keeps the server removes it, then push again"; }
emptied=0
for capture in "$number" "$long"; do
    while read -r table rows; do
        [ "$rows" -gt 0 ] || continue
        turn=$((turn + 1))
        [ "$full" = 1 ] || [ $((turn % 2)) = 0 ] || [ "$table" = chunk_data ] || continue
        changes "ALTER TABLE hakmem.\"c_$table\" RENAME TO spoilt; CREATE TABLE hakmem.\"c_$table\" (LIKE hakmem.spoilt)" >out 2>&1 || complain "$table: $(cat out)"
        refused "$(lost "$capture" "$table" "$rows")" info -s "$URL?capture=$capture"
        emptied=$((emptied + 1))
        changes "SELECT mend('c_$table')" >out 2>&1 || { complain "c_$table stays: $(cat out)"; exit 1; }
    done < <(tables_of "$capture")
done
[ $emptied -ge $((full ? 20 : 10)) ] || complain "only $emptied tables were emptied"
echo '\q' >&"${session[1]}"

# ---- the same while a capture is read: who empties or drops its tables waits, also for those that nothing was read of yet
mkfifo truncates
"$trace" sql - -s "$URL?capture=$long" <truncates >got 2>err &
asker=$!
exec 9>truncates
echo 'select count(*) from meta; ' >&9
# It has looked at all tables: that is its second question.
reads() {
    [ "$(query "select count(*) from pg_stat_activity a join pg_locks l using (pid) where a.application_name = 'hakmem-trace' and a.state = 'idle in transaction'
        and l.relation = (select max(oid) from pg_class where relname = '$1')")" = 1 ]
}
await reads c_chunk_data || complain "sql does not read: $(cat err)"
while read -r table rows; do
    ways=(TRUNCATE 'DROP TABLE')
    [ "$full" = 1 ] || ways=("${ways[turn++ % 2]}")
    for words in "${ways[@]}"; do
        query "SET lock_timeout = '50ms'; $words hakmem.\"c_$table\"" >out 2>&1 && complain "$words of c_$table did not wait for who reads it"
        grep -q 'lock timeout' out || complain "$words of c_$table: $(cat out)"
    done
done < <(tables_of "$long")
echo 'select count(*) from event; select count(*) from chunk_data;' >&9
exec 9>&-
wait "$asker"
got=$?
printf '%s\n' 'select count(*) from meta;' 'select count(*) from event; select count(*) from chunk_data;' | "$trace" sql - -s long.db >due 2>&1
[ $got -eq 0 ] && cmp -s due got || complain "emptied while it is read: status $got: $(diff due got; cat err)"

# ---- and in the moment between the first question and the second
# between LINE STATEMENT: this is done to c_chunk_data when a reader, who has seen that the capture is there, waits for that table.
is_kept() { [ "$(query "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted and relation = 'hakmem.c_chunk_data'::regclass")" = 1 ]; }
reader_waits() { [ "$(query "select count(*) from pg_stat_activity where application_name = 'hakmem-trace' and wait_event_type = 'Lock'")" = 1 ]; }
between() {
    rm -f statements
    mkfifo statements
    psql -qXAtd hakmem <statements >said 2>&1 &
    holder=$!
    exec 8>statements
    echo 'BEGIN; LOCK TABLE hakmem.c_chunk_data IN ACCESS EXCLUSIVE MODE;' >&8
    await is_kept || complain "no lock: $(cat said)"
    "$trace" why p:1 -s "$URL?capture=$long" >got 2>err 8>&- &
    asker=$!
    await reader_waits || complain "nobody waits: $(cat got err)"
    echo "$2; COMMIT;" >&8
    exec 8>&-
    wait "$holder"
    wait "$asker"
    got=$?
    [ $got -eq 3 ] && [ ! -s got ] && grep -q "^hakmem-trace: $1" err && [ "$(wc -l <err)" = 1 ] || complain "$2 in the midst: status $got: $(cat got err said)"
}
"$trace" why p:1 -s "$URL?capture=$long" >due 2>err || complain "why of the long one: $(cat err)"
query 'CREATE TABLE public.saved AS TABLE hakmem.c_chunk_data' >out
between "$(lost "$long" chunk_data "$pushed")" 'TRUNCATE hakmem.c_chunk_data'
query 'INSERT INTO hakmem.c_chunk_data SELECT * FROM public.saved' >out
between 'postgresql:///hakmem: reading its tables failed: relation "hakmem.c_chunk_data" does not exist' 'ALTER TABLE hakmem.c_chunk_data RENAME TO gone'
query 'ALTER TABLE hakmem.gone RENAME TO c_chunk_data' >out
"$trace" why p:1 -s "$URL?capture=$long" >got 2>err
cmp -s due got || complain "with its rows again: $(diff due got; cat err)"

# ---- a capture that is removed while it is read: what was opened sees the moment in which it was opened
mkfifo queries
"$trace" sql - -s "$server" <queries >got 2>err &
asker=$!
exec 9>queries
echo 'select count(*) from meta; ' >&9
await reads c_meta || complain "sql does not read: $(cat err)"
empty
echo 'select count(*) from event;' >&9
exec 9>&-
wait "$asker"
got=$?
printf '%s\n' 'select count(*) from meta;' 'select count(*) from event;' | "$trace" sql - -s double.db >due 2>&1
[ $got -eq 0 ] && cmp -s due got || complain "removed while it is read: status $got: $(diff due got; cat err)"
refused "postgresql:///hakmem: has no capture $number; \`hakmem-trace push -s FILE --to URL\` sends one" why p:1 -s "$server"

# ---- no right, no tables, another layout
"$trace" push --whole -s double.db --to "$URL" >out 2>err || complain "push: $(cat out err)"
query 'CREATE ROLE nobody_here LOGIN' >out 2>&1
refused "postgresql:///hakmem: looking for the capture failed: permission denied for schema hakmem; ask who keeps the server for the role hakmem_reader or hakmem_writer" \
    why p:1 -s "postgresql://nobody_here@/hakmem?capture=$number"
refused "postgresql:///hakmem: asking for its layout failed: permission denied for schema hakmem; ask who keeps the server for the role hakmem_reader or hakmem_writer" \
    fleet --to postgresql://nobody_here@/hakmem
refused "postgresql:///postgres: looking for the capture failed: relation \"hakmem.capture\" does not exist; this database has no captures of hakmem; who keeps the server types \`hakmem-trace fleet setup --to URL\` once" \
    why p:1 -s "postgresql:///postgres?capture=$number"
refused "postgresql:///postgres: asking for its layout failed: relation \"hakmem.migration\" does not exist; this database has no captures of hakmem; who keeps the server types \`hakmem-trace fleet setup --to URL\` once" \
    fleet --to postgresql:///postgres
XDG_STATE_HOME=$PWD/state "$trace" push -s double.db --to postgresql:///postgres >out 2>err
[ $? -eq 3 ] && grep -q 'push: postgresql:///postgres: .* does not exist; this database has no captures of hakmem; who keeps the server types `hakmem-trace fleet setup --to URL` once; 1 document waits' err ||
    complain "push of findings to a database without tables: $(cat out err)"
query 'INSERT INTO hakmem.migration VALUES(99, 99)' >out
for words in "why p:1 -s $server" "fleet --to $URL" "push --whole -s double.db --to $URL" "fleet setup --to $URL"; do
    # shellcheck disable=SC2086
    refused "postgresql:///hakmem: has layout 99, and this hakmem knows 4 at most; install the version that laid it out, or a newer one" $words
done
query 'DELETE FROM hakmem.migration WHERE number > 1; DROP TABLE hakmem.run, hakmem.finding, hakmem.pull, hakmem.pull_sum, hakmem.stack' >out
refused "postgresql:///hakmem: has layout 1, and this hakmem needs 4; who keeps the server types \`hakmem-trace fleet setup --to URL\` with this version" \
    fleet --to "$URL"
exit "$failed"
