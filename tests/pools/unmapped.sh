#!/usr/bin/env bash
# Pieces whose memory the program unmaps, replaces or moves before it tells of their end: nothing of that memory is read or judged, no leak is
# reported, and the addresses may be handed out anew. Room in memory that is still there is compared as before.
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-cc}" -g -O0 -Wall -I"$SOURCE/include" -o unmapped "$SOURCE/tests/pools/unmapped.c" || exit 2
for level in normal trace; do
    for does in gone again anew replaced moved onto shrunk lost; do
        HAKMEM_LEAKS=1 HAKMEM_CHECK=$level LD_PRELOAD=$BUILD/hakmem-debug.so ./unmapped $does >page 2>&1 && [ ! -s page ] ||
            complain "$does, $level: status $?: $(cat page)"
    done
    for does in beside refused shrunk; do
        HAKMEM_CHECK=$level LD_PRELOAD=$BUILD/hakmem-debug.so ./unmapped kept-$does >page 2>&1
        [ $? -eq 134 ] && grep -q '^hakmem: HKM-505 pool-overflow: ' page || complain "kept-$does, $level: $(cat page)"
    done
done
exit "$failed"
