#!/usr/bin/env bash
# Commands that read a store more than once while it grows answer for one moment.
set -u
BUILD=$(realpath -m "${BUILD:-build}")
here=$(cd "$(dirname "$0")" && pwd)
unset "${!HAKMEM_@}"
trace=$BUILD/hakmem-trace
fail() { echo "growing.sh: $*"; exit 1; }
${CC:-cc} -w -fno-builtin -O0 -g -o growing "$here/growing.c" || fail "growing.c does not compile"

mkfifo in out
"$trace" run --check trace -s growing.db -- ./growing 3000000 <in >out 2>errors &
run=$!
exec 8>in 9<out
read -r -u 9 line && [ "$line" = begun ] || fail "the program did not begin: $(cat errors)"
address=$("$trace" sql -s growing.db "select printf('0x%x', base) from block order by mallocs desc limit 1" 2>/dev/null)
for _ in 1 2 3 4 5; do
    "$trace" block "$address" --last 2 -s growing.db >page 2>said || fail "block: status $?; $(cat said)"
    told=$(grep -c 'malloc(24)' page)
    [ "$told" -eq 2 ] || fail "--last 2 tells $told lives of a store that is being written"
    "$trace" check -s growing.db >page 2>said || fail "check: status $?; $(cat page said)"
done
for ((tries = 0, named = 0; tries < 100 && !named; tries++)); do
    named=$("$trace" sql -s growing.db "select count(*) > 0 from frame where function = 'main'")
    [ "$named" = 1 ] || sleep 0.1
done
[ "$named" = 1 ] || fail "main has no name while the store is being written"
echo 'done' >&8
wait "$run" || fail "run: status $?; $(cat errors)"
[ ! -s errors ] || fail "run: $(cat errors)"
lives=$("$trace" sql -s growing.db "select max(mallocs) from block")
[ "$lives" -ge 3000000 ] || fail "$lives lives are there at the end"
exit 0
