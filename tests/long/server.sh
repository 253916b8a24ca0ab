#!/usr/bin/env bash
# A server's mix on 64 threads, for SERVER_SECONDS in the plain library and for SERVER_DEBUG_SECONDS in each level of the debug library:
# every block whole, memory level, nothing lost.
# timeout: 10800
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/collector_first.sh"
server=$BUILD/tests/long/server

LD_PRELOAD=$BUILD/libhakmem.so "$server" 64 "$SERVER_SECONDS" 2>err >out || { cat out err; exit 1; }
[ ! -s err ] || { cat err; exit 1; }
echo "libhakmem.so: $(cat out)"
for check in trace normal; do
    "$BUILD/hakmem-trace" run --check $check --store $check.db -- "$server" 64 "$SERVER_DEBUG_SECONDS" \
        2>err >out || { cat out err; exit 1; }
    [ ! -s err ] || { cat err; exit 1; }
    echo "hakmem-debug.so, $check: $(cat out)"
    "$BUILD/hakmem-trace" check -s $check.db >check.out 2>&1 || { head -n 5 check.out; exit 1; }
    tail -n 1 check.out
    stat --format='%n: %s bytes' $check.db
    rm $check.db
done
