#!/usr/bin/env bash
# More live threads than a small session has rings: nothing is lost, and every event has its thread.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
export leaks=error
ulimit -f 65536 # 64 MiB for a file, hard: the session has no room for more, about 210 rings
story() { "${under[@]}" "$BUILD/tests/programs/many_threads" 400 200; }
under=()
tell plain story
record story trace
[ "$failed" -eq 0 ] || exit 1
ask() { "$trace" sql -s trace.db "$1" | tail -n 1; }
is() {
    local got
    got=$(ask "$2") || fail "hakmem-trace sql failed: $2"
    [ "$got" = "$3" ] || fail "$1: $got; $3 was due"
}
rings=$(ask 'select count(distinct ring) from cursor')
[ "$rings" -lt 300 ] || fail "there were $rings rings, so no thread had to share one"
is 'events lost' 'select coalesce(sum(count), 0) from loss' 0
is 'sizes that one thread was given 200 times' "select count(*) from (select size from event
    where kind = 'MALLOC' and size between 5000 and 5399 group by size
    having count(*) = 200 and count(distinct thread) = 1)" 400
is 'threads that were given them' "select count(distinct thread) from event
    where kind = 'MALLOC' and size between 5000 and 5399" 400
is 'threads that began and ended' "select count(*) from (select thread from event
    where kind in ('THREAD_START', 'THREAD_END') group by thread having count(distinct kind) = 2)" 400
