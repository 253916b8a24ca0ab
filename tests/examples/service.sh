#!/usr/bin/env bash
# examples/service does what its README shows, typed line by line, with fewer requests: the profile is pulled while shelf runs, the growth and
# the fault of version 2 are found, and version 1 has neither.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C.UTF-8 PATH=$BUILD:$PATH CC=${CC:-cc} REQUESTS=60000 RATE=0 HAKMEM_GUARD=sample:16
unset MAKEFLAGS MAKELEVEL MFLAGS
export XDG_STATE_HOME=$PWD/state
. "$SOURCE/tests/tools/postgres.sh"
folder=$PWD
cleanup() {
    [ ! -s "$folder/service/shelf.pid" ] || kill "$(cat "$folder/service/shelf.pid")" 2>/dev/null
    end_postgres
}
start_postgres
cp -r "$SOURCE/examples/service" service && cd service || exit 2
[ "$(wc -l <shelf.c)" -le 250 ] || complain "shelf.c is no small server any more"
sed -i "s|/usr/local/lib/hakmem|$BUILD|; s|postgresql://db.example.org/heap|$URL|" README.md
python3 "$SOURCE/tests/docs/pages.py" --here README.md || fail "README.md: above"
[ "$(grep -c '^SUMMARY' shelf-2.err)" = 1 ] || complain "version 2: $(cat shelf-2.err)"
wait_for_end() { ! kill -0 "$(cat shelf.pid)" 2>/dev/null; }
. "$SOURCE/tests/tools/processes.sh"
until_true wait_for_end
[ ! -e shelf.sock ] || complain "the server leaves its socket"
