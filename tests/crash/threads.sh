#!/usr/bin/env bash
# 10,000 threads leave none of their alternate stacks behind.
set -u
unset "${!HAKMEM_@}"
for level in trace normal; do
    HAKMEM_CHECK=$level HAKMEM_TRACE_FILE=$level.db LD_PRELOAD=$BUILD/hakmem-debug.so \
        "$BUILD/tests/crash/many_threads" >counts 2>err || {
        echo "$level: the program failed: $(head -n 3 err)"
        exit 1
    }
    { read -r early && read -r late; } <counts || exit 1
    if [ "$late" -gt $((early + 40)) ]; then
        echo "$level: $early mappings after 400 threads, $late after 10,000"
        exit 1
    fi
done
