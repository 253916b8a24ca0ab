#!/usr/bin/env bash
# kill -9 of the worker, 20 times in one run: nothing is lost and the program does not notice.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
"$BUILD/hakmem-trace" run --check trace --store store.db -- "$BUILD/tests/kill/sequence" words 1500 2 10000 >run.out 2>run.err &
run=$!
until_true program_started words || exit 1
killed=0 last=
while [ "$killed" -lt 20 ]; do
    kill -0 "$run" 2>/dev/null || fail "the run ended after $killed kills" "$(cat run.err)"
    for worker in $(holders_of "$PWD/store.db"); do
        if [ "$worker" = "$run" ] || [ "$worker" = "$last" ]; then continue; fi
        kill -9 "$worker" && killed=$((killed + 1)) last=$worker
        break
    done
    sleep 0.2
done
stop_program words
wait "$run" || fail "run ended with $?; 0 was due" "$(cat run.err)"
grep -q '^done ' run.out || fail "the program did not end well: $(cat run.out)"
[ -s run.err ] && fail "something is on stderr:" "$(head -n 5 run.err)"
until_true no_holder "$PWD/store.db" || exit 1
python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 store.db || exit 1
lost=$("$BUILD/hakmem-trace" sql -s store.db 'select coalesce(sum(count), 0) from loss' | tail -n 1)
[ "$lost" = 0 ] || fail "$lost events are counted as lost; 0 was due"
"$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 || { head -n 20 check.out; exit 1; }
"$BUILD/hakmem-trace" layers -s store.db >layers.out 2>&1 || { tail -n 8 layers.out; exit 1; }
