#!/usr/bin/env bash
# kill -9 of the program, ROUNDS (10) times at random moments: the store misses no block but what it counts as lost.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
RANDOM=4711
rounds=${ROUNDS:-10}
for ((round = 1; round <= rounds; round++)); do
    rm -f words store.db*
    kind=''
    [ $((round % 5)) -ne 0 ] || kind=fork
    "$BUILD/hakmem-trace" run --check trace --store store.db -- "$BUILD/tests/kill/sequence" words 30 2 0 $kind \
        >run.out 2>run.err &
    run=$!
    until_true program_started words || exit 1
    sleep "0.$(printf '%03d' $((RANDOM % 150)))"
    program=$(od -A n -t u8 -N 8 words | tr -d ' ')
    # With a forked child both are killed, the child first: it must not outlive the round.
    read -r -a children <"/proc/$program/task/$program/children"
    [ ${#children[@]} -eq 0 ] || kill -9 "${children[@]}"
    kill -9 "$program"
    wait "$run"
    status=$?
    if [ "$status" -ne 137 ]; then fail "round $round: run ended with $status; 137 (killed by SIGKILL) was due" "$(cat run.err)"; fi
    until_true no_holder "$PWD/store.db" || exit 1
    said=$(python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 store.db 2>&1) || fail "round $round: $said"
done
echo "$rounds rounds; the last: $said"
