#!/usr/bin/env bash
# kill -9 of the keeper that the program started itself: nothing is lost and the program does not notice. The worker
# starts a new keeper, which does a keeper's work: when that worker is killed, too, it starts another.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
start_with_keeper
kill -9 "$keeper"
# Sets new_keeper to the keeper that is a child of the worker.
has_new_keeper() {
    new_keeper=$(pgrep -P "$worker" -f -- 'hakmem-collect --keeper --revived' | head -n 1)
    [ -n "$new_keeper" ]
}
until_true has_new_keeper || exit 1
killed_worker=$worker
kill -9 "$killed_worker"
has_new_worker() {
    worker_of "$PWD/store.db" "$killed_worker" && [ "$(parent_of "$worker")" = "$new_keeper" ]
}
until_true has_new_worker || fail "the new keeper is $new_keeper"
counted() { od -A n -t u8 -j 8 -N 8 words | tr -d ' '; }
before=$(counted)
has_gone_on() { [ "$(counted)" -gt $((before + 2048)) ]; }
until_true has_gone_on || exit 1
stop_program words
wait "$program" || fail "the program ended with $?; 0 was due" "$(cat program.err)"
grep -q '^done ' program.out || fail "the program did not end well: $(cat program.out)"
[ -s program.err ] && fail "something is on stderr:" "$(head -n 5 program.err)"
settled() { local s; for s in *.db; do no_holder "$PWD/$s" || return 1; done; }
until_true settled || exit 1
python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 ./*.db || exit 1
for store in *.db; do
    "$BUILD/hakmem-trace" check -s "$store" >check.out 2>&1 || fail "$store:" "$(head -n 20 check.out)"
done
