#!/usr/bin/env bash
# `why` of a capture on a server asks few times, each time for few rows: of small tables once, all together. The cost of a question over
# a network is the way there and back, so these are counted: what is sent on the socket. In the quick tier: of one small capture.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
start_postgres

${CC:-cc} -w -g -O1 -o mixed "$SOURCE/tests/sqlite/mixed.c" -lpthread || fail "mixed.c does not compile"
"$trace" run --check normal --on-fault continue --leaks -s mixed.db -- ./mixed >out 2>&1
is_quick || "$BUILD/tests/bench/make_capture" -q -n 20000000 long.db >out || complain "make_capture: $(cat out)"
captures=(mixed)
is_quick || captures+=(long)
for name in "${captures[@]}"; do
    "$trace" push --whole -s "$name.db" --to "$URL" >out 2>&1 || complain "push: $(cat out)"
    sed -n 's/^capture \([0-9]*\):.*/\1/p' out >"$name.number"
done
# count NAME MOST WORDS...
count() {
    local name=$1 most=$2 number sent
    shift 2
    number=$(cat "$name.number")
    strace -f -e trace=sendto,sendmsg -o sent "$trace" "$@" -s "$URL?capture=$number" >out 2>&1 || [ $? -eq 1 ] || complain "$name, $*: $(head -n 5 out)"
    sent=$(grep -c ' send[a-z]*(' sent)
    [ "$sent" -le "$most" ] || complain "$name, $*: $sent times something was sent to the server; due: $most at most"
    [ "$sent" -ge 4 ] || complain "$name, $*: $(cat sent)"
    echo "$name, $*: $sent"
}
count mixed 6 why @fault
count mixed 6 info
! is_quick || exit "$failed"
address=$("$trace" sql -s long.db "SELECT printf('0x%x', base) FROM event WHERE id = 10000000")
# A block of 10,628 owners; of its chunks several are one question.
count long 40 why "$address"
count long 6 why "$address" # the cache has all of it
# A table that came with a later version than the server's has no rows of this capture.
psql -qXd hakmem -c 'DROP TABLE hakmem.c_plain_node CASCADE' 2>/dev/null || complain "c_plain_node is not there"
XDG_CACHE_HOME=/dev/null # nothing of it
count long 40 why "$address"
exit "$failed"
