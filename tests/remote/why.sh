#!/usr/bin/env bash
# A capture that was pushed answers `why` as its file does, and a second push sends nothing; without the module, without a server and
# without such a capture a URL gives one clear line.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
start_postgres

"$trace" run --check normal --on-fault continue -s double.db -- "$BUILD/tests/faults/double_free" >out 2>&1
"$trace" push --whole -s double.db --to "$URL" >out 2>err || complain "push: $(cat out err)"
number=$(sed -n 's/^capture \([0-9]*\): .*/\1/p' out)
[ -n "$number" ] || complain "push says: $(cat out)"
[ -s err ] && complain "push says on stderr: $(cat err)"
server="$URL?capture=$number"
for words in 'why @fault' 'why p:1' 'why @fault --json' 'why 0x1'; do
    # shellcheck disable=SC2086
    "$trace" $words -s double.db >due 2>due.err
    due=$?
    # shellcheck disable=SC2086
    "$trace" $words -s "$server" >got 2>got.err
    got=$?
    sed -i "s|double\.db|CAPTURE|g" due due.err
    sed -i "s|'$URL?capture=$number'|CAPTURE|g; s|$URL?capture=$number|CAPTURE|g" got got.err
    [ "$due" = "$got" ] || complain "$words: status $got; due: $due"
    cmp -s due got && cmp -s due.err got.err || complain "$words: $(diff due got; diff due.err got.err)"
done
"$trace" why p:1 -s "$server" | grep -qF -- "--stacks -s '$server'" || complain "the next command's URL is no word of a shell"
grep -q double due || "$trace" why @fault -s "$server" | grep -q HKM- || complain "no fault is told of"
"$trace" push --whole -s double.db --to "$URL" >again 2>&1 || complain "a second push: $(cat again)"
grep -q "^capture $number: .*; 0 of [0-9]* parts sent$" again || complain "a second push: $(cat again)"

# A user who may push says that a table has fewer rows than none: it is asked for all the same.
psql -qXd hakmem -c "INSERT INTO hakmem.part SELECT $number, 1000, 'fault', -1 - sum(row_count), 0, 0 FROM hakmem.part WHERE capture = $number AND name = 'fault'" || complain "inserting a part"
"$trace" why @fault -s double.db 2>&1 | sed 's|double\.db|CAPTURE|g' >due
"$trace" why @fault -s "$server" 2>&1 | sed "s|'$URL?capture=$number'|CAPTURE|g; s|$URL?capture=$number|CAPTURE|g" >got
cmp -s due got || complain "a table of -1 rows: $(diff due got)"

# refused WORDS URL: one line on stderr, nothing on stdout, an unreadable capture.
refused() {
    "$trace" why @fault -s "$2" >out 2>err
    [ $? -eq 3 ] || complain "$2: status; $(cat out err)"
    [ -s out ] && complain "$2: said $(cat out)"
    grep -qF "$1" err || complain "$2: $(cat err); due: $1"
}
refused "has no capture 7" "$URL?capture=7"
refused "names no capture" "$URL"
refused "capture is no number" "$URL?capture=x"
refused "capture is no number" "$URL?capture=0"
refused "the URL has a password" "postgresql://me:secret@/hakmem?capture=$number"
refused "cannot be read" "postgresql://[/hakmem?capture=$number"
refused "cannot connect" "postgresql:///nowhere?capture=$number"
refused "this database has no captures" "postgresql:///postgres?capture=$number"
stop_postgres
refused "cannot connect" "$server"
mkdir bare && cp "$trace" bare/
bare/hakmem-trace why @fault -s "$server" >out 2>err
[ $? -eq 3 ] && [ "$(wc -l <err)" = 1 ] && grep -q "a URL needs hakmem_postgres.so, which is not in $PWD/bare" err || complain "without the module: $(cat out err)"
