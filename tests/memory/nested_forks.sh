#!/usr/bin/env bash
# A fork out of a signal handler that interrupted a nested call of the malloc family: the child's heap has one owner.
. "${SOURCE:?}/tests/tools/test.sh"
for check in trace normal; do
    said=$(HAKMEM_CHECK=$check HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/memory/nested_forks" 2>&1) && [ "$said" = '0 failures' ] ||
        complain "$check: $said"
done
exit "$failed"
