#!/usr/bin/env bash
# A block that is freed while the kernel waits to write into it, or to read it, for another thread: EFAULT is a use after free, with all stacks.
. "${SOURCE:?}/tests/tools/test.sh"
program=$BUILD/tests/strings/freed_meanwhile
for call in recv read readv recvmsg write writev; do
    HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$program" $call >out 2>&1
    case $call in w*) did='read' ;; *) did='write' ;; esac
    head -n 1 out | grep -qE "^hakmem: HKM-304 use-after-free: $call, called by call\(\) freed_meanwhile.c:[0-9]+, could not $did \(EFAULT\) 200,000 bytes at offset 0 of a 200,000-byte block freed by main\(\) freed_meanwhile.c:[0-9]+$" &&
        grep -q "^      $call failed (EFAULT): the kernel could not $did 200,000 bytes at 0x[0-9a-f]*, in a block that had been freed" out ||
        complain "$call: $(head -n 5 out)"
    # Nothing is closed in level trace: the call is done as it is natively.
    HAKMEM_CHECK=trace HAKMEM_GUARD=off HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$program" $call >out 2>&1 || complain "$call, trace: $(head -n 5 out)"
done
exit "$failed"
