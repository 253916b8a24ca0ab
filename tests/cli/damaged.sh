#!/usr/bin/env bash
# Each command that reads a capture says of a damaged one that it cannot be read, and ends with status 3: also where the damage lies in what its
# options ask for.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
golden=$SOURCE/tests/format/v3/golden.db
mkdir stores && "$BUILD/tests/format/make_broken" "$golden" stores || fail "no broken stores"
cp "$golden" no-pid.db
sqlite3 no-pid.db "PRAGMA writable_schema = 1;
    UPDATE sqlite_schema SET sql = replace(sql, ', pid INTEGER', ', gone INTEGER') WHERE name = 'process'" || fail 'no damage'

# unreadable STORE COMMAND...
unreadable() {
    local store=$1 status
    shift
    "$trace" "$@" -s "$store" >out 2>err </dev/null
    status=$?
    [ $status = 3 ] || complain "$*, $store: status $status: $(head -n 3 err)"
    grep -q "$store: " err || complain "$*, $store: $(head -n 3 err)"
}
for command in "export csv" "export junit" "export pprof" faults info modules threads layers leaks "leaks --held" top "top --by growth" heap events html replay; do
    # shellcheck disable=SC2086 # words
    unreadable no-pid.db $command --process 4711
done
for query in 'SELECT function FROM event' 'SELECT * FROM stack_frame'; do
    unreadable stores/nodes-flipped.db sql "$query"
    unreadable stores/nodes-flipped.db sql --json "$query"
done
