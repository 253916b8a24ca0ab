#!/usr/bin/env bash
# A server that goes in the midst of an answer, whose tables hold what no push made, or that may not be read: each command that asks it
# ends with status 3 and one line, or with the right answer; nothing crashes, and nothing is answered from half of what was asked.
# timeout: 900
set -u
unset "${!HAKMEM_@}" LD_PRELOAD
# shellcheck source=tests/tools/postgres.sh
. "$SOURCE/tests/tools/postgres.sh"
# shellcheck source=tests/tools/await.sh
. "$SOURCE/tests/tools/await.sh"
# shellcheck source=tests/remote/sums.sh
. "$SOURCE/tests/remote/sums.sh"
trace=$BUILD/hakmem-trace
status=0
fail() { echo "broken.sh: $*"; status=1; }
start_postgres

"$trace" run --check normal --on-fault continue -s double.db -- "$BUILD/tests/faults/double_free" >out 2>&1
"$trace" fleet setup --to "$URL" >out 2>&1 || { cat out; exit 1; }
"$trace" push --whole -s double.db --to "$URL" >out 2>err || { cat out err; exit 1; }
number=$(sed -n 's/^capture \([0-9]*\): .*/\1/p' out)
server="$URL?capture=$number"

# refused LINE COMMAND...: status 3, nothing on stdout, this line alone on stderr.
refused() {
    "$trace" "${@:2}" >out 2>err
    got=$?
    [ $got -eq 3 ] && [ ! -s out ] && [ "$(cat err)" = "hakmem-trace: $1" ] || fail "${*:2}: status $got: $(cat out err); due: $1"
}

# ---- cut in the midst
mkdir between
cut_after() {
    rm -f between/.s.PGSQL.5432
    "$BUILD/tests/remote/cutter" between/.s.PGSQL.5432 "$PGHOST/.s.PGSQL.5432" "$1" >ready 2>&1 &
    cutter=$!
    await grep -q ready ready || fail "cutter: $(cat ready)"
    "$trace" "${@:2}" >got 2>err
    got=$?
    kill "$cutter" 2>/dev/null
    wait "$cutter" 2>/dev/null
    if [ $got -eq "$due" ]; then
        whole=$((whole + 1))
        cmp -s due got || fail "cut after $*: $(diff due got)"
    elif [ $got -eq 3 ]; then
        failed=$((failed + 1))
        [ ! -s got ] && [ "$(wc -l <err)" = 1 ] && grep -q '^hakmem-trace: .*postgresql:///hakmem: .*; is the server there? Try again later$\|cannot connect: ' err ||
            fail "cut after $*: $(cat got err)"
    else
        fail "cut after $*: status $got: $(cat got err)"
    fi
}
sweep() {
    whole=0 failed=0
    rm -f between/.s.PGSQL.5432
    ln -s "$PGHOST/.s.PGSQL.5432" between/.s.PGSQL.5432
    "$trace" "$@" >due 2>err
    due=$?
    for bytes in 1 100 400 600 800 1000 1200 1400 1700 2000 2500 3500 5000 8000 15000 30000 100000000; do
        cut_after "$bytes" "$@"
    done
    [ $failed -ge 5 ] && [ $got -eq $due ] || fail "$*: $failed failed, $whole whole"
}
through="postgresql:///hakmem?host=$PWD/between"
sweep why p:1 -s "$through&capture=$number"
sweep sql 'select * from event' -s "$through&capture=$number"
sweep fleet --to "$through"

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
has_rows() { [ "$(query "SELECT count(*) > 0 FROM hakmem.\"$1\"")" = t ]; }
ask_spoilt() {
    local what=$1 may_differ=$2
    shift 2
    "$trace" "$@" -s "$server" >got 2>err
    got=$?
    if grep -q 'Sanitizer\|runtime error' err || [ $got -gt 4 ]; then
        fail "$what: $*: status $got: $(head -n 30 err)"
    elif [ $got -ge 2 ]; then
        [ -s err ] && [ "$(wc -l <err)" -le 2 ] || fail "$what: $*: status $got: $(cat err)"
        refusals=$((refusals + 1))
    elif [ "$may_differ" = no ] && ! cmp -s "due.$1" got && ! grep -qi 'damaged\|lost\|incomplete' got err; then
        fail "$what: $*: another answer: $(diff "due.$1" got)$(cat err)"
    fi
    answers=$((answers + 1))
}
"$trace" why p:1 -s "$server" >due.why 2>err
answers=0 refusals=0 turn=0
while read -r table column type; do
    case $type in
    bigint) values=("$column::text::bytea" NULL::bigint 9223372036854775807::bigint -1::bigint 5::smallint) ;;
    bytea) values=(77::bigint NULL::bytea "''::bytea" "repeat('x', 70000)::bytea" "substr($column, 1, 5)") ;;
    *) values=("$column::text::bytea" "'NaN'::$type" NULL::"$type" 0::"$type" "'-Infinity'::$type") ;;
    esac
    [ "${#values[@]}" = 5 ] || exit 1
    for ((i = 0; i < ${HAKMEM_TEST_ROUNDS:-1}; i++)); do
        value=${values[$(((turn + i) % 5))]}
        query "SELECT spoil('$table', '$column', '$(sed "s/'/''/g" <<<"$value")')" >out 2>&1 || { fail "$table.$column: $(cat out)"; continue; }
        differ=yes
        [ $(((turn + i) % 5)) = 0 ] && differ=no # of another type: never an answer of other values
        ask_spoilt "$table.$column $value" "$differ" why p:1
        [ "${table#c_}" = "$table" ] || ask_spoilt "$table.$column $value" yes sql "select * from \"${table#c_}\" limit 3"
        query "SELECT mend('$table')" >out 2>&1 || { fail "$table.$column stays: $(cat out)"; exit 1; }
    done
    turn=$((turn + 1))
done < <(columns)
[ "$answers" -ge 100 ] && [ "$refusals" -ge 20 ] || fail "only $answers answers, $refusals refusals"
"$trace" why p:1 -s "$server" >got 2>err
cmp -s due.why got || fail "mended again, why p:1 says: $(diff due.why got; cat err)"

# ---- a capture that is removed while it is read: what was opened sees the moment in which it was opened
mkfifo queries
"$trace" sql - -s "$server" <queries >got 2>err &
asker=$!
exec 9>queries
echo 'select count(*) from meta; ' >&9
reads() { [ "$(query "select count(*) from pg_stat_activity where application_name = 'hakmem-trace' and state = 'idle in transaction'")" = 1 ]; }
await reads || fail "sql does not read: $(cat err)"
empty
echo 'select count(*) from event;' >&9
exec 9>&-
wait "$asker"
got=$?
printf '%s\n' 'select count(*) from meta;' 'select count(*) from event;' | "$trace" sql - -s double.db >due 2>&1
[ $got -eq 0 ] && cmp -s due got || fail "removed while it is read: status $got: $(diff due got; cat err)"
refused "postgresql:///hakmem: has no capture $number; \`hakmem-trace push -s FILE --to URL\` sends one" why p:1 -s "$server"

# ---- no right, no tables, another layout
"$trace" push --whole -s double.db --to "$URL" >out 2>err || fail "push: $(cat out err)"
query 'CREATE ROLE nobody_here LOGIN' >out 2>&1
refused "postgresql:///hakmem: looking for the capture failed: permission denied for schema hakmem; ask who keeps the server for the role hakmem_reader or hakmem_writer" \
    why p:1 -s "postgresql://nobody_here@/hakmem?capture=$number"
refused "postgresql:///hakmem: asking for its layout failed: permission denied for schema hakmem; ask who keeps the server for the role hakmem_reader or hakmem_writer" \
    fleet --to postgresql://nobody_here@/hakmem
refused "postgresql:///postgres: looking for the capture failed: relation \"hakmem.capture\" does not exist; this database has no captures of hakmem: \`hakmem-trace push\` makes them" \
    why p:1 -s "postgresql:///postgres?capture=$number"
refused "postgresql:///postgres: asking for its layout failed: relation \"hakmem.migration\" does not exist; this database has no captures of hakmem: \`hakmem-trace push\` makes them" \
    fleet --to postgresql:///postgres
query 'INSERT INTO hakmem.migration VALUES(99, 99)' >out
for words in "why p:1 -s $server" "fleet --to $URL" "push --whole -s double.db --to $URL" "fleet setup --to $URL"; do
    # shellcheck disable=SC2086
    refused "postgresql:///hakmem: has layout 99, and this hakmem knows 3 at most; install the version that laid it out, or a newer one" $words
done
query 'DELETE FROM hakmem.migration WHERE number > 1; DROP TABLE hakmem.run, hakmem.finding' >out
refused "postgresql:///hakmem: has layout 1, and this hakmem needs 3; who keeps the server types \`hakmem-trace fleet setup --to URL\` with this version" \
    fleet --to "$URL"
exit "$status"
