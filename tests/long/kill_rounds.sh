#!/usr/bin/env bash
# kill -9 of program, worker, keeper, two or all of them, and copies of file and log, at random moments.
# timeout: 7200
#
# ROUNDS rounds, drawn from SEED (the time). In each the store opens, nothing that was committed before is
# missing, `check` has nothing to say, and what is not there is counted or the capture says that it was cut off.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
rounds=$ROUNDS seed=${SEED:-$(date +%s)}
RANDOM=$seed
. "$SOURCE/tests/tools/processes.sh"
fail() { echo "round $round of seed $seed, $what: $*"; kill -9 "$program" 2>/dev/null; exit 1; }
# The last event of store $1 that is committed; 0 = none yet.
committed() { sqlite3 "file:$1?mode=ro" 'SELECT coalesce(max(id + events - 1), 0) FROM chunk' 2>said || echo broken; }
# A store that has its tables, which come all at once. Before that there is nothing to copy or to lose.
is_made() { [ "$(committed store.db)" != broken ]; }
# Status 4: it is not finished, which a copy cannot be.
no_faults() {
    "$trace" check -s "$1" >check.out 2>&1
    case $? in
    0) ;;
    4) grep -q ': intact, and every block' check.out || fail "check of $1: $(grep -v 'not finished' check.out | head -n 5)" ;;
    *) fail "check of $1: $(head -n 5 check.out)" ;;
    esac
}
# Store $1 opens and has at least $2 events.
is_whole() {
    local there
    there=$(committed "$1")
    [ "$there" != broken ] || fail "$1 does not open: $(cat said)"
    [ "$there" -ge "$2" ] || fail "$1 has $there events; $2 were committed before"
    no_faults "$1"
}
# Copies file and log as they are at one moment, without what only the worker knows.
copy_store() {
    kill -STOP "$worker"
    until [ "$(sed -E 's/.*\) (.).*/\1/' "/proc/$worker/stat" 2>/dev/null)" != R ]; do :; done
    cp store.db copy.db
    cp store.db-wal copy.db-wal 2>/dev/null
    kill -CONT "$worker"
}
settled() {
    no_holder "$PWD/store.db" &&
        [ "$(sqlite3 'file:store.db?mode=ro' "SELECT count(*) FROM meta WHERE key = 'finished'" 2>/dev/null)" = 1 ]
}
kinds=(program worker keeper "worker keeper" "program worker" "program keeper" "program worker keeper")
for round in $(seq "$rounds"); do
    [ "${kinds[round % ${#kinds[@]}]}" != "${without-}" ] || continue # tests/kill/rounds.sh
    rm -rf words store.db* copy.db* program.out
    what="start"
    start_with_keeper $((1000 + RANDOM % 3 * 3000)) "0.$((RANDOM % 10))$((RANDOM % 10))"
    until_true is_made || fail "the store is not made"
    before=$(committed store.db)
    what=copy
    copy_store
    is_whole copy.db "$before"
    before=$(committed store.db)
    what=${kinds[round % ${#kinds[@]}]}
    victims=()
    for name in $what; do victims+=("${!name}"); done
    sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
    kill -STOP "${victims[@]}" # none sees another one die and acts
    kill -9 "${victims[@]}"
    until_true are_dead "${victims[@]}" || fail "killed, but still there"
    case $what in
    "program worker keeper") # nobody is left to go on: what is there is what was committed
        is_whole store.db "$before"
        "$trace" info -s store.db >info.out 2>&1
        grep -q 'ends with its last commit' info.out || fail "info does not say that the capture was cut off: $(head -n 12 info.out)"
        continue
        ;;
    program*) ;;
    *)
        sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
        stop_program words
        wait "$program" || fail "the program ended with $?"
        grep -q '^done ' program.out || fail "the program did not end well: $(cat program.out)"
        ;;
    esac
    until_true settled || fail "nobody brings the store to an end"
    is_whole store.db "$before"
    [ "$what" = "program keeper" ] || [ "$what" = "program worker" ] || [ ! -s program.err ] || fail "on stderr: $(head -n 3 program.err)"
    python3 "$SOURCE/tests/tools/sequence_check.py" "$trace" words 2 store.db >said 2>&1 || fail "$(cat said)"
done
echo "$rounds rounds of seed $seed"
