#!/usr/bin/env bash
# The registry is asked before any header or slab is read: pointers of other mappings are freed, resized and
# measured while each front, mid, BigCache and L2.5 are warm, in both libraries; nothing is taken for a block.
. "${SOURCE:?}/tests/tools/test.sh"
${CC:-cc} -O0 -g -w "$SOURCE/tests/unit/route/domain.c" -o domain || exit 1
# An allocator that cannot be asked may own the mappings: without one they are nobody's, and bad-free.
echo 'void *malloc(unsigned long bytes) { return (void *)(bytes * 0); } void free(void *block) { (void)block; }' >silent.c
${CC:-cc} -w -fno-builtin -shared -fPIC -o silent.so silent.c || exit 1

# due LIBRARY SETTING...
due() {
    local library=$1 status=0
    shift
    env "$@" LD_PRELOAD="$BUILD/$library $PWD/silent.so" ./domain >out 2>err || status=$?
    if [ "$status" -ne 0 ] || [ "$(cat out)" != alive ]; then complain "$library $*: status $status, $(head -n 3 err)"; fi
}

while read -r -a settings; do
    due libhakmem.so "${settings[@]}"
    due hakmem-debug.so HAKMEM_TRACE=off HAKMEM_CHECK=trace "${settings[@]}"
    due hakmem-debug.so HAKMEM_TRACE=off HAKMEM_CHECK=normal "${settings[@]}"
done <<'END'
HAKMEM_TINY_PROFILE=conservative
HAKMEM_TINY_PROFILE=off
HAKMEM_BIGCACHE_MAX=0
HAKMEM_TINY_MAGAZINE_ENABLE=1
HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1 HAKMEM_TINY_FRONT_DISABLE_HEAPV2=0 HAKMEM_TINY_FRONT_ENABLE_FC=1
HAKMEM_TINY_FRONT_ENABLE_SFC=1 HAKMEM_TINY_HOT_RING_ENABLE=1 HAKMEM_SMALLMID_ENABLE=1
END
