#!/usr/bin/env bash
# Memory that the kernel refuses to BigCache, L2.5 and the address map, at each call that they make for it:
# the program goes on with its large blocks. With HAKMEM_BIGCACHE_MAX=0 every block goes through the pool.
. "${SOURCE:?}/tests/tools/test.sh"

# $1 calls fail in a row, beginning at each $2nd; settings behind them.
refuse_each() {
    local count=$1 step=$2 first=1 status
    shift 2
    while :; do
        env "$@" "$BUILD/tests/memory/fail_call" --first "$first" --count "$count" --seen seen \
            --preload "$BUILD/libhakmem.so" "$BUILD/tests/memory/survive" 10 large >out 2>err
        status=$?
        read -r seen <seen
        [ "$status" -eq 0 ] && [ "$(cat out)" = survived ] || fail "$*: call $first of $seen failed, $count in a row: status $status: $(head -n 3 err)"
        [ "$first" -gt "$seen" ] && break
        first=$((first + step))
    done
    [ "$seen" -gt 25 ] || fail "$*: only $seen calls for memory were seen"
}

refuse_each 1 1 HAKMEM_BIGCACHE_MAX=8M
refuse_each 9 7 HAKMEM_BIGCACHE_MAX=8M
refuse_each 1 2 HAKMEM_BIGCACHE_MAX=0
refuse_each 9 7 HAKMEM_BIGCACHE_MAX=0
