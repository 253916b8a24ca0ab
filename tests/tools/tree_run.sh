# shellcheck shell=bash
# Helpers for tests of trees of processes: the same output and status as without hakmem, nothing on stderr, and the
# store holds for each process exactly the calls that it made. Sourced; works in the current directory.

. "$SOURCE/tests/tools/test.sh"
debug_library=$BUILD/hakmem-debug.so
counter=$BUILD/tests/tools/count_calls.so
. "$SOURCE/tests/tools/processes.sh"

fail() { echo "${tree_name-}: $*"; exit 1; }

# One line for each counted process image: "pid malloc free realloc", then the calls in which it ended: malloc, free and
# realloc not counted yet, and free that were counted (count_calls.c).
counted_processes() {
    od -A n -t u8 -w64 -v -j 64 calls | awk '$1 > 0 { print $1, $2, $3, $4, $5, $6, $7, $8 }' | sort -n
}

# The same from the store; the first program of `run`, env, is not counted.
stored_processes() {
    "$trace" sql -s "${1:-store.db}" "select p.pid || ' ' || total(kind = 'MALLOC') || ' ' || total(kind = 'FREE') ||
            ' ' || total(kind = 'REALLOC') as row from event e join process p on p.id = e.process
        where not (p.id = 1 and p.program like '%/env') group by p.id" |
        sed -nE 's/^([0-9]+) ([0-9]+)\.0 ([0-9]+)\.0 ([0-9]+)\.0 *$/\1 \2 \3 \4/p' | sort -n
}

# Prints lines of `counted` without one in `stored` (<), and of `stored` without one in `counted` (>). A call in which a
# process ended may have its record or not; without any such call the numbers are the same.
unequal_processes() {
    awk '
        function is_within(i, words,    w) {
            split(line[i], w)
            return words[1] == w[1] && words[2] >= w[2] && words[2] <= w[2] + w[5] && words[3] >= w[3] - w[8] &&
                words[3] <= w[3] + w[6] && words[4] >= w[4] && words[4] <= w[4] + w[7]
        }
        function take(i,    j, words) {
            for (j = 1; j <= stored; j++) {
                split(of_store[j], words)
                if (!is_taken[j] && is_within(i, words))
                    return is_taken[j] = 1
            }
            return 0
        }
        FILENAME == "stored" { of_store[++stored] = $0; next }
        { line[++counted] = $0; underway[counted] = $5 + $6 + $7 + $8; certain[counted] = $2 + $3 - $8 + $4 }
        END {
            for (pass = 0; pass < 2; pass++) # first those that have one line alone
                for (i = 1; i <= counted; i++)
                    if ((underway[i] > 0) == pass && !take(i) && certain[i] > 0)
                        print "< " line[i]
            for (j = 1; j <= stored; j++)
                if (!is_taken[j])
                    print "> " of_store[j]
        }' counted stored
}

# Compares the counts of processes, without those that called nothing: they are in the store only if they ran long enough to say so.
compare_processes() {
    counted_processes | awk '$2 + $3 + $4 + $5 + $6 + $7 > 0' >counted
    stored_processes "$@" | awk '$2 + $3 + $4 > 0' >stored
    [ -s counted ] || fail "the counter counted nothing"
    unequal_processes >unequal
    [ ! -s unequal ] || {
        head -n 20 unequal
        fail "the store (>) holds other numbers of calls of a process than it made (<): pid malloc free realloc"
    }
}

# Value of one SQL expression.
query() {
    "$trace" sql -s store.db "select $1" | tail -n 1 | sed 's/ *$//'
}

# $1 is an SQL expression over the store, $2 its value.
expect() {
    local is
    is=$(query "$1")
    [ "$is" = "$2" ] || fail "$1 is $is; $2 was due"
}

nothing_lost() {
    local lost
    lost=$(query "coalesce(sum(count), 0) from loss")
    [ "$lost" = 0 ] || fail "$lost events are counted as lost; 0 was due"
}

check_store() {
    local found=0
    "$trace" check -s store.db >check.out 2>&1 || found=$?
    [ "$found" -eq 0 ] || { [ "$found" -eq 4 ] && [ "${tree_loss-none}" = some ]; } || {
        head -n 20 check.out
        fail "hakmem-trace check finds something"
    }
    [ "${tree_loss-none}" = some ] || "$trace" layers -s store.db >layers.out 2>&1 || {
        tail -n 8 layers.out
        fail "hakmem-trace layers: the counters of the layers and the log disagree"
    }
}

same_as_plain() {
    [ "$1" -eq "$plain_status" ] || {
        head -n 20 recorded.err
        fail "status $1 when recorded, $plain_status without"
    }
    cmp -s plain.out recorded.out || { diff plain.out recorded.out | head -n 10; fail "stdout differs when recorded"; }
    cmp -s plain.err recorded.err || { head -n 20 recorded.err; fail "stderr differs when recorded"; }
}

# A holder that came while the others were looked through is not among them: the WAL goes when the last one closes the store.
no_wal() { [ ! -e store.db-wal ]; }

# Checks the files that are left when a tree has ended.
compare_store() {
    until_true test -s store.db || fail "no store was written"
    until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
    until_true no_wal || fail "the WAL was left beside the store"
    local stores=(*.db) # no command: some do not start under the limits of limits.sh
    [ ${#stores[@]} -eq 1 ] || fail "more than one store: ${stores[*]}"
    case ${tree_counts-all} in
    all) compare_processes ;;
    some) # of processes that could not reach the counter's file the store knows more
        compare_processes_counted ;;
    none) ;;
    esac
    [ "${tree_loss-none}" = some ] || nothing_lost
    check_store
}

# Every counted process is in the store with its numbers; others may be, too.
compare_processes_counted() {
    counted_processes | awk '$2 + $3 + $4 > 0' >counted
    stored_processes >stored
    [ -s counted ] || fail "the counter counted nothing"
    unequal_processes | grep '^<' >missing
    [ ! -s missing ] || {
        head -n 20 missing
        fail "the store lacks processes with these numbers: pid malloc free realloc"
    }
}

# Without hakmem; the files that the counter needs.
run_plain() {
    rm -f store*.db* calls
    truncate -s 1M calls
    chmod 666 calls
    plain_status=0
    timeout 300 "$@" >plain.out 2>plain.err </dev/null || plain_status=$?
}

# Under `run` with the counter; then compares all there is to compare with the plain run.
run_recorded() {
    local status=0
    COUNT_CALLS_FILE=$PWD/calls timeout 300 "$trace" run --check trace --store store.db -- \
        "$env" LD_PRELOAD="${tree_preload-$counter $debug_library}" "$@" >recorded.out 2>recorded.err </dev/null ||
        status=$?
    same_as_plain "$status"
    compare_store
}

# tree NAME COMMAND...: without hakmem, then under `run` with the counter, then compares all there is to compare.
# The store is left here as store.db.
tree() {
    tree_name=$1
    shift
    run_plain "$@"
    run_recorded "$@"
}

# The same without `run`: the first process starts the keeper itself.
run_alone() {
    local status=0
    timeout --foreground 300 env COUNT_CALLS_FILE="$PWD/calls" HAKMEM_CHECK=trace HAKMEM_TRACE_FILE="$PWD/store.db" \
        LD_PRELOAD="${tree_preload-$counter $debug_library}" "$@" >recorded.out 2>recorded.err </dev/null || status=$?
    same_as_plain "$status"
    compare_store
}

tree_alone() {
    tree_name="$1, alone"
    shift
    run_plain "$@"
    run_alone "$@"
}
