#!/usr/bin/env bash
# 2,000 threads that come and go, joined, detached, by pthread_exit, cancelled, with destructors that allocate
# in every round: memory and mappings are flat, in both libraries and both levels, and every call is stored. FULL=1: 10,000.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
threads=$BUILD/tests/memory/threads

many=2000 some=400
[ "${FULL:-0}" = 0 ] || many=10000 some=1000
for how in join detach exit cancel key; do
    got=$(LD_PRELOAD=$BUILD/libhakmem.so "$threads" $how $many 2>&1)
    [ "$got" = flat ] || fail "libhakmem.so: $got"
done
for run in trace:join:$many normal:key:$((many / 2)) normal:detach:$some trace:exit:$some normal:cancel:$some; do
    IFS=: read -r check how count <<<"$run"
    rm -f calls && truncate -s 1M calls
    got=$(COUNT_CALLS_FILE=calls "$trace" run --check "$check" --store threads.db --force -- \
        "$env" LD_PRELOAD="$BUILD/tests/tools/count_calls.so $BUILD/hakmem-debug.so" "$threads" "$how" "$count" 2>&1)
    [ "$got" = flat ] || fail "hakmem-debug.so, $run: $got"
    "$trace" check -s threads.db >check.out 2>&1 || fail "$run: $(head -n 3 check.out)"
    counted=$(od -A n -t u8 -w64 -v calls | awk 'NR == 2 { print $2, $3, $4 }')
    stored=$("$trace" sql -s threads.db "select total(kind = 'MALLOC') || ' ' || total(kind = 'FREE') || ' ' ||
        total(kind = 'REALLOC') || ' ' from event where process = (select max(id) from process)" |
        sed -nE 's/\.0 / /g; s/^([0-9]+ [0-9]+ [0-9]+) *$/\1/p')
    [ "$counted" = "$stored" ] || fail "$run: counted $counted, stored $stored: MALLOC FREE REALLOC"
    started=$("$trace" sql -s threads.db "select count(*) from event where kind = 'THREAD_START'" | tail -n 1)
    [ "$started" -ge "$count" ] || fail "$run: only $started threads are stored"
done
