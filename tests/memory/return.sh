#!/usr/bin/env bash
# After a burst of many sizes what is mapped and what is resident come back to within a tenth of before: when threads
# end, with malloc_trim, and while they go on with small requests; both libraries, each level, recorded and not.
# FULL=1 takes each library and way with one thread and with four.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
program=$BUILD/tests/memory/return
full=${FULL:-0} turn=0

# $1 what is run, for people; then HOW THREADS; the rest goes before the program.
comes_back() {
    local name=$1 how=$2 threads=$3 mapped peak out status_of_it=0
    shift 3
    out=$("$@" "$program" "$how" "$threads" 100 300 2>err) || status_of_it=$?
    read -r _ mapped _ _ peak _ <<<"$out"
    if [ -z "$out" ] || [ -s err ] || [ $status_of_it -gt 1 ]; then
        echo "$name, $how, $threads threads: status $status_of_it: $(head -n 3 err)"
        failed=1
    elif [ "$peak" -lt $((mapped + 200000)) ]; then
        echo "$name, $how, $threads threads: there was no burst: $out"
        failed=1
    elif [ $status_of_it -eq 1 ]; then
        echo "$name, $how, $threads threads: KiB mapped and resident do not come back: $out"
        failed=1
    fi
}

for how in end trim calls; do
    for threads in 1 4; do
        turn=$((turn + 1))
        [ $full.$((turn % 2)) = 0.0 ] || comes_back libhakmem.so $how $threads env LD_PRELOAD="$BUILD/libhakmem.so"
        for check in trace normal; do
            turn=$((turn + 1))
            [ $full.$((turn % 2)) = 0.0 ] || comes_back "hakmem-debug.so, $check" $how $threads env HAKMEM_TRACE=off HAKMEM_CHECK=$check \
                LD_PRELOAD="$BUILD/hakmem-debug.so"
        done
    done
    [ $full.$how = 0.trim ] || comes_back 'hakmem-debug.so, recorded' $how 2 "$BUILD/hakmem-trace" run --check trace --store $how.db --force --
done
exit "$failed"
