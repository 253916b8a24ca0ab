# shellcheck shell=bash
# For tests that record a real program: same output and status as without, nothing on stderr, and the
# store holds exactly the calls that the program made. Sourced; works in the current directory.

trace=$BUILD/hakmem-trace
debug_library=$BUILD/hakmem-debug.so
unset "${!HAKMEM_@}"

fail() {
    echo "$*"
    exit 1
}

# Runs a command three times: plain, under the counting preload and hakmem (leaving store.db here).
# $1 is a file for stdin, the rest the command.
record_and_compare() {
    local input=$1 status=0 recorded=0
    shift
    PYTHONMALLOC=malloc "$@" <"$input" >plain.out 2>plain.err || status=$?
    head -c 4096 /dev/zero >calls
    # `env` puts the counter between the program and hakmem; it is a recorded program itself.
    COUNT_CALLS_FILE=$PWD/calls "$trace" run --pools=malloc --check trace --store store.db -- \
        /usr/bin/env LD_PRELOAD="$BUILD/tests/tools/count_calls.so $debug_library" "$@" \
        <"$input" >recorded.out 2>recorded.err || recorded=$?
    [ "$status" -eq "$recorded" ] || {
        head -n 40 recorded.err
        fail "status $recorded when recorded, $status without"
    }
    cmp plain.out recorded.out || fail "stdout differs when recorded"
    cmp plain.err recorded.err || {
        head -n 20 recorded.err
        fail "stderr differs when recorded"
    }
    [ ! -e store.db-wal ] || fail "the WAL was left beside the store"
    compare_counts
    "$trace" check -s store.db >check.out 2>&1 || {
        head -n 20 check.out
        fail "hakmem-trace check finds something"
    }
}

# The store's numbers of calls of the last program of the tree against those of the counter.
compare_counts() {
    local counted stored
    counted=$(od -A n -t u8 -N 24 calls | awk '{ n[NR] = $0 } { for (i = 1; i <= NF; i++) v[++k] = $i }
        END { print "MALLOC " v[1]; print "FREE " v[2]; print "REALLOC " v[3] }')
    stored=$("$trace" sql -s store.db "select k.name || ' ' || (select count(*) from event e where
            e.kind = k.name and e.process = (select max(id) from process))
        from (select 1 o, 'MALLOC' name union all select 2, 'FREE' union all select 3, 'REALLOC') k order by k.o") ||
        fail "hakmem-trace sql failed"
    stored=$(grep -E '^(MALLOC|FREE|REALLOC) [0-9]+$' <<<"$stored")
    echo "counted: $(tr '\n' ' ' <<<"$counted")"
    echo "stored:  $(tr '\n' ' ' <<<"$stored")"
    [ "$counted" = "$stored" ] || fail "the store holds other numbers of calls than the program made"
}
