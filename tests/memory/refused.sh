#!/usr/bin/env bash
# Memory that the kernel refuses at each call that hakmem makes for it, one after the other: the program goes
# on, in both libraries and both levels, and what it did is recorded call by call. With HAKMEM_TEST_LONG=1
# the program is a longer one.
# timeout: 600
set -u
long=${HAKMEM_TEST_LONG:-0}
[ "${1-}" = --recorded ] || unset "${!HAKMEM_@}"
trace=$BUILD/hakmem-trace
fail_call=$BUILD/tests/memory/fail_call
survive=$BUILD/tests/memory/survive
steps=$((30 * (1 + 3 * long)))
export COUNT_CALLS_FILE=calls

# $1 calls fail in a row, beginning at each $2nd; the rest comes before the program. Sets `seen`.
refuse_each() {
    local in_a_row=$1 stride=$2 first=1 status
    shift 2
    while :; do
        rm -f calls && truncate -s 1M calls
        "$fail_call" --first "$first" --count "$in_a_row" --seen seen "$@" "$survive" "$steps" >out 2>err
        status=$?
        read -r seen <seen
        [ "$status" -eq 0 ] && [ "$(cat out)" = survived ] || {
            echo "call $first of $seen failed, $in_a_row in a row, $*: status $status: $(head -n 3 err)"
            exit 1
        }
        if [ -s err ]; then
            # Nothing is said but that nothing is recorded.
            [ "$(wc -l <err)" -eq 1 ] && grep -q '^hakmem: nothing is recorded: ' err || {
                echo "call $first failed, $*: it says $(head -n 3 err)"
                exit 1
            }
        elif [ "${recorded-}" ]; then
            # pid, MALLOC, FREE, REALLOC of each process image
            od -A n -t u8 -w64 -v calls | awk 'NR == 1 { n = $1 } NR > 1 && NR <= n + 1 { print $1, $2, $3, $4 }' >>counted
        fi
        [ "$first" -gt "$seen" ] && break
        first=$((first + stride))
    done
}

if [ "${1-}" = --recorded ]; then
    recorded=1
    refuse_each 1 1 --preload "$BUILD/tests/tools/count_calls.so $BUILD/hakmem-debug.so"
    refuse_each 25 7 --preload "$BUILD/tests/tools/count_calls.so $BUILD/hakmem-debug.so"
    exit 0
fi

refuse_each 1 1 --preload "$BUILD/libhakmem.so"
[ "$seen" -gt 50 ] || { echo "only $seen calls for memory were seen in libhakmem.so"; exit 1; }
refuse_each 25 3 --preload "$BUILD/libhakmem.so"

for check in trace normal; do
    rm -f counted
    "$trace" run --check $check --store $check.db -- env HAKMEM_TEST_LONG="$long" bash "$SOURCE/tests/memory/refused.sh" --recorded || exit 1
    [ "$(wc -l <counted)" -gt 150 ] || { echo "$check: only $(wc -l <counted) processes were counted"; exit 1; }
    "$trace" check -s $check.db >check.out 2>&1 || { echo "$check: $(head -n 5 check.out)"; exit 1; }
    "$trace" sql -s $check.db "select p.pid || ' ' || total(kind = 'MALLOC') || ' ' || total(kind = 'FREE') || ' ' ||
            total(kind = 'REALLOC') || ' ' as row from event e join process p on p.id = e.process
            where p.program like '%/survive' group by p.pid" | sed -nE 's/\.0 / /g; s/^([0-9]+ [0-9]+ [0-9]+ [0-9]+) *$/\1/p' |
        sort >stored
    sort counted | cmp -s - stored || {
        echo "$check: the store (>) holds other numbers of calls than were made (<): pid malloc free realloc"
        sort counted | diff - stored | head -n 10
        exit 1
    }
done
