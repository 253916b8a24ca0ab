#!/usr/bin/env bash
# The places where threads were created, beyond the exact reports: without a record, and read back from a store when
# the threads are gone.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"

# expect WHAT FILE LINE...: the lines stand in the file, one behind the other.
expect() {
    local what=$1 file=$2
    shift 2
    if ! sed -E 's/ +/ /g; s/^ //' "$file" | grep -qzF "$(printf '%s\n' "$@")"; then complain "$what: not there: $*" "$(cat "$file")"; fi
}

run_program double_free_thread normal auto HAKMEM_TRACE=off
expect 'HAKMEM_TRACE=off' "$printed" 'THREADS thread 2 "double_free_thr" was created by thread 1 at:' \
    '#0 main faults/double_free_thread.c:14'
expect 'HAKMEM_TRACE=off' "$printed" 'FOUND thread 2 "double_free_thr"'

run_program double_free_threads normal auto
store=$(echo "${printed%/*}"/*.db)
address=$(sed -nE 's/.*hakmem-trace why (0x[0-9a-f]+).*/\1/p' "$printed" | head -n 1)
"$BUILD/hakmem-trace" why "$address" -s "$store" >why
expect why why 'THREADS thread 2 "dispatcher" was created by thread 1 "double_free_thr" at main double_free_threads.c:31' \
    'thread 3 "closer" was created by thread 2 "dispatcher" at start_closer double_free_threads.c:17'
"$BUILD/hakmem-trace" sql -s "$store" "SELECT t.number, t.creator, f.function FROM thread t JOIN stack_frame f
    ON f.stack = t.stack AND f.depth = 0 AND f.level = 0 ORDER BY t.number" >rows
expect 'the rows of the store' rows "$(printf '2\t1\tmain')" "$(printf '3\t2\tstart_closer')"
