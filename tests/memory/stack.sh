#!/usr/bin/env bash
# A thread on a stack of PTHREAD_STACK_MIN makes every call of the allocator: hakmem takes little of the stack, so
# that most of it is the program's.
. "${SOURCE:?}/tests/tools/test.sh"
stack=$BUILD/tests/memory/stack

# Stack that a call may take at most; docs/specs/allocator.md tells what it is.
most_bytes=5120
takes() {
    local name=$1 used untouched
    shift
    read -r used untouched < <("$@" "$stack" 2>err) && [ "$used" -gt 0 ] || fail "$name: $(head -n 3 err)"
    [ "$used" -le $most_bytes ] || fail "$name: $used bytes of stack were used; $most_bytes at most were due"
    [ "$untouched" -ge 4096 ] || fail "$name: only $untouched bytes of the stack are left to the program"
}

takes libhakmem.so env LD_PRELOAD="$BUILD/libhakmem.so"
for check in trace normal; do
    for layout in same header; do
        takes "hakmem-debug.so, $check, $layout" \
            "$BUILD/hakmem-trace" run --check $check --layout $layout --store stack.db --force --
    done
done
