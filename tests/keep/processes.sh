#!/usr/bin/env bash
# Threads that come and go, forks at any moment, signal handlers, vfork and exec, and no memory left, over allocators that programs keep: they
# behave as without hakmem, and the record is whole. In the quick tier: over glibc and jemalloc, with mappings left. FULL=1: threads end in each way over each allocator.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
. "$SOURCE/tests/tools/mimalloc.sh"

# kept NAME DUE COMMAND...: prints DUE, a regular expression; nothing illegal is in the store. A child of a handler that interrupted the
# making of a record has no ring: its calls are counted as lost.
kept() {
    local name=$1 due=$2 said
    shift 2
    said=$(LD_PRELOAD=${allocator-} timeout 600 "$trace" run --wait --allocator keep -f -s kept.db -- "$@" 2>&1)
    grep -qE "^$due\$" <<<"$said" || fail "$name over '${allocator-}': status $?: $(tail -n 5 <<<"$said")"
    "$trace" check -s kept.db >check 2>&1
    grep -q "every block's path is legal" check || fail "$name over '${allocator-}': check: $(head -n 3 check)"
    grep -qE "/(${allocator:-libc})[^/]*\$" <<<"$("$trace" sql -s kept.db "SELECT value FROM meta WHERE key GLOB 'allocator.*'")" ||
        fail "$name over '${allocator-}': it is not in the store"
}

# The tests that tests/unit/entry makes of any allocator, and threads and forks over it.
for test in malloc realloc aligned thread exhaustion; do
    [ "$test" != exhaustion ] || ! is_quick || continue
    kept "$test" '100%: Checks: [0-9]+, Failures: 0, Errors: 0' "$BUILD/tests/unit/entry/${test}_test"
done

allocators=('' libjemalloc.so.2)
is_quick || allocators+=(libtcmalloc_minimal.so.4 "$mimalloc")
for allocator in "${allocators[@]}"; do
    ways=(join detach exit cancel key)
    [ "${FULL:-0}" = 1 ] || case $allocator in '') ;; *jemalloc*) ways=(detach key) ;; *tcmalloc*) ways=(cancel) ;; *) ways=(join exit) ;; esac
    for how in "${ways[@]}"; do
        rm -f calls && truncate -s 1M calls
        said=$(COUNT_CALLS_FILE=calls "$trace" run --allocator keep -f -s threads.db -- \
            "$env" LD_PRELOAD="$BUILD/tests/tools/count_calls.so $BUILD/hakmem-record.so $allocator" "$BUILD/tests/memory/threads" $how 200 2>&1)
        # Flat memory is the allocator's matter.
        [ "$said" = flat ] || [ -n "$allocator" ] || fail "threads, $how: $said"
        "$trace" check -s threads.db >check 2>&1 || fail "threads, $how, over '$allocator': $(head -n 3 check)"
        # tcmalloc makes an object before anything is recorded.
        [ "$allocator" = libtcmalloc_minimal.so.4 ] && continue
        python3 "$SOURCE/tests/tools/compare_calls.py" "$BUILD/tests/tools/reference_decoder" threads.db calls >compared 2>&1 ||
            fail "threads, $how, over '$allocator': $(cat compared)"
    done
done
# Over glibc alone: jemalloc's fork waits for threads that wait for it, also without hakmem.
allocator=
kept fork_waits '[1-9][0-9]* forks' "$BUILD/tests/memory/fork_waits" 1
kept handler_forks '0 failures' "$BUILD/tests/memory/handler_forks"

# vfork, clone, exec and posix_spawn in all their forms, called well and badly.
timeout 200 "$BUILD/tests/trees/odd_calls" >due 2>&1
[ $? -eq 3 ] || fail "odd_calls alone: $(tail -n 3 due)"
rm -f fifo
timeout 200 "$trace" run --allocator keep -f -s kept.db -- "$BUILD/tests/trees/odd_calls" >said 2>&1
status=$?
[ $status -eq 3 ] && cmp -s due said || fail "odd_calls: status $status: $(diff due said | head -n 8)"
"$trace" check -s kept.db >check 2>&1 || fail "odd_calls: check: $(head -n 3 check)"
exit 0
