#!/usr/bin/env bash
# Commands that read a store more than once while it grows answer for one moment.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/cli
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

# A store of some length says what takes its room; the parts together are the file.
"$trace" info -s growing.db >page || fail "info: status $?"
grep -q '^ *events [0-9.]* [KM]iB, postings .*, live checkpoints .*, stacks .*, the rest ' page ||
    fail "info names no parts: $(cat page)"
"$trace" info --json -s growing.db >page || fail "info --json: status $?"
coded=$("$trace" sql -s growing.db "select sum(length(data)) from chunk_data")
python3 - "$coded" <<'END' || fail "info --json: $(cat page)"
import json, os, sys
info = json.load(open("page"))
parts = info["bytes_by_part"]
assert sum(parts.values()) == info["bytes"] == os.path.getsize("growing.db"), parts
assert parts["events"] == int(sys.argv[1]) and parts["postings"] and parts["stacks"], parts
END
held=$("$trace" leaks --held --json -s growing.db | python3 -c 'import json, sys; d = json.load(sys.stdin)
print(d["blocks"], d["bytes"], sum(r["count"] for r in d["held"]), sum(r["bytes"] for r in d["held"]), sep="\t")')
due=$("$trace" sql -s growing.db "select count(*), sum(size), count(*), sum(size) from live")
[ "$held" = "$due" ] || fail "leaks --held tells $held; table live: $due"
exit 0
