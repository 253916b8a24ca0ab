#!/usr/bin/env bash
# realloc of large blocks of which most pages were never touched: nothing of it becomes resident.
. "${SOURCE:?}/tests/tools/test.sh"
for check in trace normal; do
    for layout in same header; do
        for variable in HAKMEM_GUARD=off HAKMEM_GUARD=all; do
            said=$(env HAKMEM_CHECK=$check HAKMEM_LAYOUT=$layout $variable HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/memory/sparse" 2>&1) &&
                [ -z "$said" ] || complain "$check, $layout, $variable: $said"
        done
    done
done
said=$(LD_PRELOAD="$BUILD/libhakmem.so" "$BUILD/tests/memory/sparse" 2>&1) && [ -z "$said" ] || complain "libhakmem.so: $said"
exit "$failed"
