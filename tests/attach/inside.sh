#!/usr/bin/env bash
# hakmem-attach.so, loaded by the program itself: recordings begin and end while threads allocate, come and go, fork and load
# a library. Each store is whole, what came before is counted, and all imports lead back.
set -u
unset "${!HAKMEM_@}"
rounds=8
inside=$BUILD/tests/attach/inside
export HAKMEM_COLLECT=$BUILD/hakmem-collect
fail() {
    echo "$*"
    exit 1
}

"$inside" "$BUILD/hakmem-attach.so" "$rounds" "$BUILD/tests/tools/count_calls.so" >out 2>err || fail "it ended with $?: $(cat err)"
cat >due <<END
imports lead to us: no
state: idle
END
cmp due out || fail "$(diff due out)"

# Each recording has a store of its own, beside the others; what a keeper says of that stands on stderr.
count=0
for store in hakmem.inside.*.db; do
    for ((i = 0; i < 300; i++)); do
        [ -e "$store-wal" ] || break
        sleep 0.1
    done
    "$BUILD/hakmem-trace" check -s "$store" >checked 2>&1 || fail "$store: $(cat checked)"
    grep -q 'intact' checked || fail "$store: $(cat checked)"
    "$BUILD/hakmem-trace" info -s "$store" >info 2>&1
    grep -q '^complete  *Nothing was lost' info || fail "$store: $(cat info)"
    grep -q '^allocator .*libc.so.6, kept by 1 process' info || fail "$store: $(cat info)"
    calls=$("$BUILD/hakmem-trace" sql -s "$store" "select count(*) > 1000 from event where kind in ('MALLOC', 'FREE', 'REALLOC')" | tail -n 1)
    [ "$calls" -eq 1 ] || fail "$store has few calls: $(cat info)"
    illegal=$("$BUILD/hakmem-trace" faults -s "$store" 2>&1)
    grep -q '^No fault' <<<"$illegal" || fail "$store: $illegal"
    count=$((count + 1))
done
[ "$count" -eq "$rounds" ] || fail "$count stores; due: $rounds"
