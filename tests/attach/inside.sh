#!/usr/bin/env bash
# hakmem-attach.so, loaded by the program itself: recordings begin and end while threads allocate, come and go, fork and load
# a library. Each store is whole, what came before is counted, and all imports lead back; also in a program at a fixed place.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/await.sh"
rounds=8
top=$PWD
export HAKMEM_COLLECT=$BUILD/hakmem-collect

has_stores() { [ "$(find . -name 'hakmem.*.db' | wc -l)" -ge "$rounds" ]; }
is_closed() { [ ! -e "$1-wal" ]; }

# PROGRAM: each recording has a store of its own, beside the others; what a keeper says of that stands on stderr.
recordings_of() {
    local count=0 store calls
    "$1" "$BUILD/hakmem-attach.so" "$rounds" "$BUILD/tests/tools/count_calls.so" >out 2>err || fail "$1 ended with $?: $(cat err)"
    printf 'imports lead to us: no\nstate: idle\n' >due
    cmp due out || fail "$1: $(diff due out)"
    await has_stores || fail "$1: the stores did not come"
    for store in hakmem.*.db; do
        await is_closed "$store" || fail "$1: $store is still open"
        "$BUILD/hakmem-trace" check -s "$store" >checked 2>&1 || fail "$1: $store: $(cat checked)"
        grep -q 'intact' checked || fail "$1: $store: $(cat checked)"
        "$BUILD/hakmem-trace" info -s "$store" >info 2>&1
        grep -q '^complete  *Nothing was lost' info || fail "$1: $store: $(cat info)"
        grep -q '^allocator .*libc.so.6, kept by 1 process' info || fail "$1: $store: $(cat info)"
        calls=$("$BUILD/hakmem-trace" sql -s "$store" "select count(*) > 1000 from event where kind in ('MALLOC', 'FREE', 'REALLOC')" | tail -n 1)
        [ "$calls" -eq 1 ] || fail "$1: $store has few calls: $(cat info)"
        grep -q '^No fault' <("$BUILD/hakmem-trace" faults -s "$store" 2>&1) || fail "$1: $store has a fault"
        count=$((count + 1))
    done
    [ "$count" -eq "$rounds" ] || fail "$1: $count stores; due: $rounds"
}

recordings_of "$BUILD/tests/attach/inside"
"${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -O1 -fno-pic -no-pie -o fixed "$SOURCE/tests/attach/inside.c" -lpthread -ldl || fail 'no program at a fixed place'
mkdir second && cd second || exit 1
recordings_of "$top/fixed"
