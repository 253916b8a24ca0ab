#!/usr/bin/env bash
# A capture of 400,000 simulated events: legal, the same for the same seed, and tests/bench/answers can ask for its
# addresses; billion.sh says so where there is no room. FULL=1: one of 1.6 million, too, whose seed once gave events in a wrong order.
. "${SOURCE:?}/tests/tools/test.sh"

make_capture=$BUILD/tests/bench/make_capture
"$make_capture" -q -n 400000 -a addresses a.db >line || fail "make_capture ended with status $?"
grep -q '^events 400000 calls [1-9][0-9]* ' line || fail "make_capture said: $(cat line)"
"$make_capture" -q -n 400000 b.db >/dev/null || fail "make_capture ended with status $? the second time"
"$BUILD/hakmem-trace" check -s a.db >checked || fail "check: $(cat checked)"
grep -q 'intact, and every block.s path is legal: 400,000 events .* of 4 processes' checked || fail "check: $(cat checked)"
digest() { "$BUILD/hakmem-trace" sql -s "$1" 'select sum(id * (base % 1000003 + stack + size)), sum(ns), count(*) from event'; }
[ "$(digest a.db)" = "$(digest b.db)" ] || fail 'the same seed made other events'
[ "$("$make_capture" -q -n 400000 -s 2 b.db | cut -d ' ' -f 4)" != "$(cut -d ' ' -f 4 line)" ] || fail 'another seed made as many calls'
# With this seed a thread whose time is behind once took what another one handed over only later.
if [ "${FULL:-0}" = 1 ]; then
    "$make_capture" -q -n 1600000 -s 3 b.db >/dev/null || fail "make_capture ended with status $? with seed 3"
    early=$("$BUILD/hakmem-trace" sql -s b.db 'SELECT count(*) FROM (SELECT generation, lag(generation) OVER (PARTITION BY base ORDER BY id) AS
        before FROM event WHERE process = 1 AND generation > 0 AND base BETWEEN 0x7f1001000000 AND 0x7f1003000000) WHERE generation < before' | tail -n 1)
    [ "$early" = 0 ] || fail "$early events come before those that they follow"
fi

# The store has as many events of an address as the generator counted.
while read -r kind address count; do
    said=$("$BUILD/hakmem-trace" sql -s a.db "select count(*) from event where base = $((address))" | tail -n 1)
    [ "$said" -eq "$count" ] || fail "the $kind address $address has $said events, not $count"
done < <(grep -v ' of ' addresses | sort -k 2 | sed -n '1~1000p')

"$SOURCE/tests/bench/answers" a.db addresses 3 >page || fail "answers ended with status $?: $(tail -n 3 page)"
[ "$(grep -c '^| .* | .* | .* |' page)" -ge 8 ] || fail "answers: rows are missing: $(cat page)"
grep -q '^.check.: [0-9.]* s, [0-9.]* s of CPU, [0-9]* MiB' page || fail 'answers: check was not asked'
EVENTS=900000000000000 bash "$SOURCE/tests/long/billion.sh" >said 2>&1 && fail 'billion.sh began without room'
grep -q 'needs 2700000000 MB in .*, there are [0-9]*; set TMPDIR, or EVENTS' said || fail "billion.sh: $(cat said)"
EVENTS=100000 COUNT=2 bash "$SOURCE/tests/long/billion.sh" >page 2>said || fail "billion.sh: status $?, $(cat said)"
grep -q '^| events a second of the writer.s CPU | [0-9.]* M' page || fail "billion.sh: $(cat page)"
exit 0
