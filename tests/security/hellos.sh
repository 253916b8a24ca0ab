#!/usr/bin/env bash
# User nobody says hello to root's recording, in every way that docs/specs/ring.md allows, and keeps thousands of
# connections, with descriptors that linger: nothing is accepted, recorded, slowed or ended by it.
. "${SOURCE:?}/tests/tools/stranger.sh"
cleanup() { kill $others 2>/dev/null; stop_program words; }
others=

"$trace" run --check trace --store store.db -- "$BUILD/tests/kill/sequence" words 100 2 10000 >run.out 2>run.err &
run=$!
until_true program_started words && until_true worker_of "$PWD/store.db" || exit 1
program=$(od -A n -t u4 -N 4 words | tr -d ' ')
name=$(name_of "$run")
[ -n "$name" ] || fail "the keeper's name is not known"
files() { find "/proc/$run/fd" -mindepth 1 | wc -l; }
before=$(files)

# join: a program of the recording is started; it must be heard as if nobody else spoke.
join() {
    security_case=$1
    local status=0
    timeout 300 env HAKMEM_SESSION="$name" HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=other.db LD_PRELOAD="$BUILD/hakmem-debug.so" \
        "$(type -P echo)" "$1" >joined.out 2>joined.err || status=$?
    [ "$status" -eq 0 ] && [ "$(cat joined.out)" = "$1" ] || fail "a program of the recording ended with $status"
    [ ! -s joined.err ] || fail "something is on stderr: $(cat joined.err)"
    [ ! -e other.db ] || fail "the program was not heard, and made a store of its own"
}

"$stranger" speak "$name" "$program" >spoken || fail "the stranger ended with $?"
security_case=spoken
grep -vE ': (refused: the keeper belongs to another user|closed)$' spoken && fail "that was the answer to a stranger"
[ "$(wc -l <spoken)" -eq 18 ] || { cat spoken; fail "18 lines were due"; }
[ ! -e "/tmp/$name" ] || fail "a stranger made the keeper listen at a path"
join "after words"

"$stranger" leave "$name" 4000 || fail "the stranger ended with $?"
security_case=left
few_files() { [ "$(files)" -le $((before + 2)) ]; }
until_true few_files || fail "the keeper had $before descriptors, and has $(files)"
join "after descriptors"

# The process that ends the last descriptor of a socket that lingers waits for an hour; the keeper is not that process.
"$stranger" linger "$name" 40 >lingering.out &
others=$!
until_true grep -q left lingering.out || exit 1
for number in 1 2 3; do join "after sockets that linger $number"; done

for _ in 1 2; do
    "$stranger" idle "$name" 4000 300 >>idle.out &
    others="$others $!"
done
sleep 2
for number in 1 2 3 4 5; do join "beside idle connections $number"; done
security_case=idle
[ "$(files)" -le $((before + 10)) ] || fail "the keeper had $before descriptors, and has $(files)"

# The end does not wait for strangers either: they are still at it.
security_case=end
stop_program words
wait "$run"
status=$?
[ "$status" -eq 0 ] || { cat run.err; fail "run ended with $status"; }
for one in $others; do kill -0 "$one" || fail "run waited until the strangers had gone"; done
# shellcheck disable=SC2086
kill $others
until_true no_holder "$PWD/store.db" || exit 1
python3 "$SOURCE/tests/tools/sequence_check.py" "$trace" words 2 store.db || fail "something is lost"
programs() { "$trace" sql -s store.db "select count(${2:-*}) from process where $1" | tail -n 1 | tr -d ' '; }
joined="program like '%/echo' and end_kind = 1 and exit_status = 0"
[ "$(programs "$joined" 'distinct pid')" = 10 ] &&
    { left_out single_rows || [ "$(programs "$joined")" = 10 ]; } &&
    [ "$(programs "program not like '%/echo' and program not like '%/timeout' and program not like '%/sequence'")" = 0 ] || {
    "$trace" info -s store.db
    fail "the program and ten that joined it were due, and nobody else"
}
"$trace" info -s store.db 2>&1 | grep -i stranger && fail "what a stranger said is in the store"
"$trace" check -s store.db >check.out 2>&1 || { head -n 20 check.out; fail "the store is not right"; }
exit 0
