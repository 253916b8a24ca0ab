#!/usr/bin/env bash
# Correct programs of threads, children, signals and alignments go as they do without in level light, whichever blocks
# are guarded: calls of the allocator at every moment of a start and an end, forks from the midst of threads, threads
# that come and go, memory that the kernel refuses at every call. Not: malloc in a handler that interrupted malloc, which the
# plain half that serves level light does not survive (docs/specs/allocator.md, Signal handlers). FULL=1 takes each of them
# with each policy.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/many_runs.sh"
export HAKMEM_CHECK=light
full=${FULL:-0} turns=300 rounds=1000
[ "$full" = 0 ] || turns=1500 rounds=2000

# go POLICY DUE COMMAND...: ends with 0, says DUE on stdout and nothing on stderr.
go() {
    local policy=$1 due=$2
    shift 2
    HAKMEM_GUARD=$policy LD_PRELOAD=$BUILD/hakmem-debug.so "$@" >out 2>err
    local status=$?
    [ "$status" -eq 0 ] && [ "$(cat out)" = "$due" ] && [ ! -s err ] || complain "$policy: ${*##*/}: status $status, it says: $(head -n 5 out err)"
}

for policy in sample:0 sample:7 all; do
    go $policy well "$BUILD/tests/guarded/correct" without-handler $turns
    go $policy "0 failures" "$BUILD/tests/memory/handler_forks"
    go $policy flat "$BUILD/tests/memory/forked" $((rounds / 40 + 3))
    for how in join exit cancel key; do
        go $policy flat "$BUILD/tests/memory/threads" $how $rounds
    done
    HAKMEM_GUARD=$policy LD_PRELOAD=$BUILD/hakmem-debug.so "$BUILD/tests/memory/fork_waits" 1 >out 2>&1
    [[ $(cat out) =~ ^[1-9][0-9]*\ forks$ ]] || complain "$policy: fork_waits: $(head -n 5 out)"
    export HAKMEM_GUARD=$policy
    for count in 1 25; do
        case $full.$policy.$count in 0.sample:0.* | 0.sample:7.25 | 0.all.1) continue ;; esac
        first=1
        while :; do
            refuse_at "$first" $count "$BUILD/hakmem-debug.so" 20
            [ "$first" -gt "$seen" ] && break
            first=$((first + count + (first < 40 ? 0 : seen / 20)))
        done
    done
    [ $full = 0 ] && [ $policy != sample:7 ] || limit_each -v 20000 1200 25 "$BUILD/hakmem-debug.so"
    unset HAKMEM_GUARD
done
exit "$failed"
