#!/usr/bin/env bash
# A program may close pages of its own blocks, or unmap some: nothing of hakmem's faults there, in no level, guarded
# or not, beside another thread; nothing is said, a live block's pages stay as they are, and the recording is whole.
set -u
unset "${!HAKMEM_@}"
ulimit -c 0
program=$BUILD/tests/guarded/pages
failed=0

# run WHAT VARIABLE=VALUE...
run() {
    local what=$1 status
    shift
    env "$@" HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$program" "$what" >said 2>&1
    status=$?
    [ $status -eq 0 ] && [ ! -s said ] && return
    echo "$what, $*: status $status: $(head -n 3 said)"
    failed=1
}

for level in normal trace light; do
    run kept HAKMEM_CHECK=$level
    run given HAKMEM_CHECK=$level
    run beside HAKMEM_CHECK=$level HAKMEM_GUARD=off
    run at_end HAKMEM_CHECK=$level HAKMEM_GUARD=all
done
run kept HAKMEM_GUARD=all
run given HAKMEM_GUARD=all
run given HAKMEM_GUARD=off
run beside HAKMEM_SWEEP_EVERY=500

for level in normal trace; do
    "$BUILD/hakmem-trace" run --check $level --leaks --wait -s $level.db -- "$program" at_end >said 2>&1
    status=$?
    [ $status -eq 0 ] && [ ! -s said ] || { echo "recorded, $level: status $status: $(head -n 3 said)" && failed=1; }
    "$BUILD/hakmem-trace" info -s $level.db >info 2>&1
    grep -q ' exited with 0 ' info || { echo "info of $level:" && cat info && failed=1; }
done
exit $failed
