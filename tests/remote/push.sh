#!/usr/bin/env bash
# push --whole: what is sent once is not sent again, two at once share the work, other content is never mixed in, and each role may do
# what it is for alone; a server without a layout, with a newer one, or full is said in one line.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/await.sh"
. "$SOURCE/tests/remote/sums.sh"
start_postgres

"$trace" run --check normal --on-fault continue -s a.db -- "$BUILD/tests/faults/double_free" >out 2>&1
"$trace" run -s b.db -- python3 -c 'print(len([str(i) * 9 for i in range(30000)]))' >out 2>&1
psql -qXd hakmem -c 'create role w login' -c 'create role r login' || exit 1
writer=postgresql://w@/hakmem reader=postgresql://r@/hakmem

# push STORE URL [WORD...]: 0, and the number and parts in $capture, $sent, $parts.
push() {
    local store=$1 url=$2
    shift 2
    "$trace" push --whole -s "$store" --to "$url" "$@" >out 2>err || { complain "push $store $*: $(cat out err)"; return; }
    read -r capture sent parts <<<"$(sed -n 's/^capture \([0-9]*\): .*; \([0-9]*\) of \([0-9]*\) parts sent$/\1 \2 \3/p' out)"
    [ -n "${parts-}" ] || complain "push $store says: $(cat out)"
}

# refused WORDS STORE URL: status 3, one line on stderr, nothing on stdout.
refused() {
    "$trace" push --whole -s "$2" --to "$3" >out 2>err
    [ $? -eq 3 ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] || complain "due: $1; got $(cat out err)"
    grep -qF -- "$1" err || complain "due: $1; got $(cat err)"
}

# The layout, and who may make it.
refused 'is not laid out for hakmem yet; who keeps the server types `hakmem-trace fleet setup' a.db "$writer"
"$trace" fleet setup --to "$writer" >out 2>err && complain "setup by a role without rights: $(cat out)"
grep -q 'CREATE ROLE hakmem_writer NOLOGIN' err || complain "setup by a role without rights: $(cat err)"
for i in 1 2 3; do "$trace" fleet setup --to "$URL" >"setup$i" 2>&1 & jobs[i]=$!; done
for i in 1 2 3; do wait "${jobs[i]}" || complain "setup at once: $(cat "setup$i")"; done
[ "$(cat setup? | grep -c '^layout 4: 4 migrations')" = 1 ] || complain "migrations ran twice or never: $(cat setup?)"
[ "$(query 'select count(*) from hakmem.migration')" = 4 ] || complain "migrations: $(query 'select * from hakmem.migration')"
[ "$(query "select count(*) from pg_inherits where inhparent = 'hakmem.finding'::regclass")" = 38 ] || complain "partitions"
query 'grant hakmem_writer to w; grant hakmem_reader to r'

# Once, again, and two at once.
push a.db "$writer"
a=$capture
[ "$sent" = "$parts" ] || complain "first push: $(cat out)"
sums >due
push a.db "$writer" -j 3
[ "$capture $sent" = "$a 0" ] || complain "second push: $(cat out)"
cp a.db elsewhere.db
push elsewhere.db "$writer"
[ "$capture $sent" = "$a 0" ] || complain "push of a copy: $(cat out)"
sums >got
cmp -s due got || complain "a second push changed rows: $(diff due got)"
"$trace" push --whole -j 3 -s b.db --to "$writer" >one 2>&1 &
one=$!
"$trace" push --whole -j 2 -s b.db --to "$writer" >two 2>&1 || complain "two at once: $(cat two)"
wait "$one" || complain "two at once: $(cat one)"
push b.db "$writer"
[ "$sent" = 0 ] || complain "after two at once: $(cat out)"
[ "$(sed -n 's/.*; \([0-9]*\) of .*/\1/p' one two | awk '{ n += $1 } END { print n + 0 }')" = "$parts" ] || complain "two at once sent: $(cat one two)"
[ "$(query "select row_count from hakmem.capture_end where capture = $capture")" = \
    "$(query "select sum(row_count) from hakmem.counts($capture)")" ] || complain "rows after two at once: $(query "select * from hakmem.counts($capture)")"
b=$capture

# Each role alone.
denied() {
    psql -qXd hakmem -U "$1" -c "$2" >out 2>&1 && complain "$1 may: $2"
    grep -q 'permission denied' out || complain "$1: $2: $(cat out)"
}
for table in capture part c_chunk c_fault run finding; do
    denied w "select * from hakmem.$table"
    denied w "delete from hakmem.$table"
    denied r "delete from hakmem.$table"
    denied r "insert into hakmem.$table select * from hakmem.$table"
done
denied w "update hakmem.part set checksum = 0"
denied r "update hakmem.part set checksum = 0"
denied w "insert into hakmem.migration values(100, 100)"
denied w "create table hakmem.mine(a int)"
denied w "truncate hakmem.part"
"$trace" why @fault -s a.db >due 2>&1
"$trace" why @fault -s "$reader?capture=$a" >got 2>&1
cmp -s <(sed 's|a\.db|X|g' due) <(sed "s|'$reader?capture=$a'|X|g; s|$reader?capture=$a|X|g" got) || complain "the reader's answer: $(diff due got)"
"$trace" why @fault -s "$writer?capture=$a" >out 2>&1 && complain "a writer reads: $(cat out)"

# Other content under the same number is an error, in a part as in a table.
query "update hakmem.part set checksum = checksum + 1 where capture = $a and number = 3"
refused "capture $a is there with other rows in part 3" a.db "$writer"
query "update hakmem.part set checksum = checksum - 1 where capture = $a and number = 3"
push a.db "$writer"
query "insert into hakmem.c_meta(capture, key, value) values($a, 'x', 'y')"
refused "rows of table meta there" a.db "$writer"
query "delete from hakmem.c_meta where capture = $a and key = 'x'"
push a.db "$writer"

# A newer layout that takes older clients, and one that does not.
query 'insert into hakmem.migration(number, oldest) values(98, 1)'
push a.db "$writer"
query 'insert into hakmem.migration(number, oldest) values(99, 99)'
refused 'has layout 99, and this hakmem knows 4 at most' a.db "$writer"
"$trace" fleet setup --to "$URL" >out 2>err && complain "setup of a newer layout: $(cat out)"
grep -q 'has layout 99' err || complain "setup of a newer layout: $(cat err)"
query 'delete from hakmem.migration where number > 4'

# A server of layout 2.
query 'delete from hakmem.migration where number >= 3; drop table hakmem.pull, hakmem.pull_sum, hakmem.stack; drop index hakmem.finding_sums;
    create index finding_by_fingerprint on hakmem.finding(fingerprint, month)'
refused 'is laid out for an older hakmem; who keeps the server types' a.db "$writer"
"$trace" fleet setup --to "$URL" >out 2>&1 || complain "setup of layouts 3 and 4: $(cat out)"
[ "$(query "select string_agg(relname, ' ') from pg_class where relkind = 'I' and relname like 'finding%'")" = "finding_pkey finding_sums" ] ||
    complain "indexes of findings: $(query "select relname from pg_class where relname like 'finding%'")"
push a.db "$writer"

# A server that was laid out for stores with fewer columns.
query 'alter table hakmem.c_leak drop column process'
refused 'is laid out for an older hakmem; who keeps the server types' a.db "$writer"
"$trace" fleet setup --to "$URL" >out 2>&1 || complain "setup of a column: $(cat out)"
push b.db "$writer"

# A full server: what has come stays.
empty
query "create function full_disk() returns trigger language plpgsql as 'begin raise exception ''no space'' using errcode = ''53100''; end';
    create trigger full_disk before insert on hakmem.c_process for each row execute function full_disk()"
refused 'no space; its disk is full' a.db "$writer"
grep -q '[1-9][0-9]* of [0-9]* parts are there: the same push goes on from them' err || complain "a full server: $(cat err)"
query 'drop trigger full_disk on hakmem.c_process'
push a.db "$writer"
[ "$capture" = "$a" ] && [ "$sent" -gt 0 ] && [ "$sent" -lt "$parts" ] || complain "after a full server: $(cat out)"

# A store that is being written is sent as it is now.
mkfifo in
"$trace" run -s live.db -- cat <in >out.cat 2>&1 &
run=$!
exec 8>in
await "$trace" info -s live.db || complain "the program did not begin"
"$trace" push --whole -s live.db --to "$writer" >out 2>err || complain "a live store: $(cat out err)"
grep -q 'what is committed now is sent' err || complain "a live store: $(cat err)"
now=$(sed -n 's/^capture \([0-9]*\): .*/\1/p' out)
exec 8>&-
wait "$run"
push live.db "$writer"
[ "$capture" != "$now" ] && [ "$b" != "$a" ] || complain "the ended store has the number of the live one"

# A store from elsewhere with a name that is SQL: nothing of it is executed, whoever pushes.
cp a.db evil.db
sqlite3 evil.db 'CREATE TABLE "z"" (capture bigint); CREATE TABLE public.evil(x int); --"(a INTEGER PRIMARY KEY)' || complain "making evil.db"
refused 'has a table that no version of hakmem makes' evil.db "$URL"
[ "$(query "select to_regclass('public.evil')")" = '' ] || complain "a store's SQL was executed"
refused 'has a table that no version of hakmem makes' evil.db "$writer"

"$trace" push --whole -s a.db --to "$writer" -j 0 >out 2>&1
[ $? -eq 2 ] || complain "-j 0: $(cat out)"
stop_postgres
refused 'cannot connect' a.db "$writer"
exit "$failed"
