#!/usr/bin/env bash
# 10,000 threads leave none of their alternate stacks behind.
. "${SOURCE:?}/tests/tools/test.sh"
for level in trace normal; do
    # Closed pages are mappings, too, and are bounded by themselves.
    HAKMEM_CHECK=$level HAKMEM_CLOSE_PAGES=0 HAKMEM_TRACE_FILE=$level.db LD_PRELOAD=$BUILD/hakmem-debug.so \
        "$BUILD/tests/crash/many_threads" >counts 2>err || fail "$level: the program failed: $(head -n 3 err)"
    { read -r early && read -r late; } <counts || exit 1
    [ "$late" -le $((early + 40)) ] || fail "$level: $early mappings after 400 threads, $late after 10,000"
done

# Threads that live at once cost at most one mapping more each than without: the kernel allows 65,530 in all. (Since glibc 2.42 the
# guard pages of their stacks are no mappings.)
threads=4000
without=$("$BUILD/tests/crash/many_threads" $threads) || exit 1
with=$(HAKMEM_TRACE_FILE=once.db LD_PRELOAD=$BUILD/hakmem-debug.so "$BUILD/tests/crash/many_threads" $threads) || exit 1
[ "$with" -le $((without + threads)) ] || fail "$threads threads at once: $with mappings; $without without hakmem"
