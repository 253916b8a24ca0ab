#!/usr/bin/env bash
# More stacks than the ring of nodes holds, several times round it, each met again and again; kill -9 of the worker, and of
# keeper and worker at once, in between: each event has its own stack, whole, and each node is in the store once.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
# With 400 MB of address space the session memory has 16 MiB, and its ring 131,072 nodes; a round makes 250,000.
(
    ulimit -v 400000
    HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=store.db LD_PRELOAD=$BUILD/hakmem-debug.so \
        exec "$BUILD/tests/kill/paths" 3 16384 30 >program.out 2>program.err
) &
program=$!
last=0
for step in worker worker both worker; do
    sleep 0.5
    until_true worker_of "$PWD/store.db" "$last" || fail "nobody has the store open"
    case $step in
    worker) kill -9 "$worker" ;;
    both) kill_at_once "$(parent_of "$worker")" "$worker" ;;
    esac
    last=$worker
done
kill -0 "$program" 2>/dev/null || fail "the program ended before all were killed"
wait "$program" || fail "the program ended with $?; 0 was due" "$(cat program.err)"
grep -q '^done$' program.out || fail "the program did not end well: $(cat program.out)"
[ -s program.err ] && fail "something is on stderr:" "$(head -n 5 program.err)"
settled() {
    no_holder "$PWD/store.db" &&
        [ "$("$BUILD/hakmem-trace" sql -s store.db "SELECT value FROM meta WHERE key = 'finished'")" = 1 ]
}
until_true settled || exit 1
python3 "$SOURCE/tests/tools/paths_check.py" "$BUILD/hakmem-trace" store.db /paths 98304 || exit 1
"$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 || { head -n 20 check.out; exit 1; }
no_stack=$("$BUILD/hakmem-trace" sql -s store.db 'select sum(no_stack) from process' | tail -n 1)
[ "$no_stack" = 0 ] || fail "$no_stack events are counted as without a stack; 0 was due"
