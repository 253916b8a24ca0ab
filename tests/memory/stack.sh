#!/usr/bin/env bash
# A thread on a stack of PTHREAD_STACK_MIN makes every call of the allocator: hakmem takes little of the stack, so
# that most of it is the program's.
set -u
unset "${!HAKMEM_@}"
stack=$BUILD/tests/memory/stack

# Stack that a call may take at most; docs/specs/allocator.md tells what it is.
most_bytes=5120
takes() {
    local name=$1 used untouched
    shift
    read -r used untouched < <("$@" "$stack" 2>err) && [ "$used" -gt 0 ] || { echo "$name: $(head -n 3 err)"; exit 1; }
    [ "$used" -le $most_bytes ] || { echo "$name: $used bytes of stack were used; $most_bytes at most were due"; exit 1; }
    [ "$untouched" -ge 4096 ] || { echo "$name: only $untouched bytes of the stack are left to the program"; exit 1; }
}

takes libhakmem.so env LD_PRELOAD="$BUILD/libhakmem.so"
for check in trace normal; do
    for layout in same header; do
        takes "hakmem-debug.so, $check, $layout" \
            "$BUILD/hakmem-trace" run --check $check --layout $layout --store stack.db --force --
    done
done
