#!/usr/bin/env bash
# Level light samples allocations for the heap profile: the sums of a program that knows its own are no further from it
# than chance allows, small, larger and large blocks, zeroed, aligned, resized, freed by another thread.
# Without a rate there is no profile. malloc_usable_size says of a block in the profile what it says of another one.
. "${SOURCE:?}/tests/tools/test.sh"
export HAKMEM_CHECK=light
run() { LD_PRELOAD=$BUILD/hakmem-debug.so "$BUILD/tests/light/profile" "$@" >out 2>&1; }

# libc allocates some KiB of its own, a sample in about 80 runs.
run 1 1000000 6 || complain "the estimates: status $?: $(cat out)"
grep -q '^others [01] samples, unplaced 0, unsampled 0 of 0 bytes' out || complain "not all samples have their stack: $(tail -n 2 out)"
HAKMEM_GUARD=sample:50 run 2 300000 6 || complain "with guarded blocks: $(cat out)"
HAKMEM_GUARD=off HAKMEM_HEAP_PROFILE=64K run 3 300000 6 || complain "a rate of 64K: $(cat out)"
HAKMEM_HEAP_PROFILE=0 run 4 1000
[ $? -eq 3 ] && grep -q 'there is no heap profile' out || complain "a rate of 0: $(cat out)"

# A block that could become longer where it lies would live on where another is replaced: the profile would count too many.
export HAKMEM_GUARD=off
HAKMEM_HEAP_PROFILE=0 run sizes && mv out due || complain "sizes: $(cat out)"
HAKMEM_HEAP_PROFILE=1 run sizes || complain "sizes, each block in the profile: $(cat out)"
[ "$(wc -l <due)" -gt 50 ] && diff due out >said || complain "blocks in the profile are longer: $(head -n 20 said)"
exit "$failed"
