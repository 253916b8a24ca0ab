# shellcheck shell=bash
# Helpers for tests of real programs, trees of processes included: a story gives the same output, errors and
# exit status without hakmem, under libhakmem.so, and recorded; and the store is complete and true.
#
# Sourced. A test defines a function that runs its program with "${under[@]}" in front and prints what
# must not change, then calls `check_program FUNCTION`. Each run has a directory of its own, $PWD when
# the function is called. `scale SMALL FULL BENCH` gives one of its arguments: FULL with FULL=1, BENCH (or
# SMALL where there is none) for `make bench`.
# Without FULL=1 a story is recorded in one level: the first one of a test in $first_level (normal), the next in the other, and
# so on.
# With leaks=error in front leaks are looked for, too: in programs that are known to have none (by
# LeakSanitizer's and valgrind's word).
# `check_program FUNCTION NAME` also lets `make bench` measure the story, under that name.

. "${SOURCE:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/tools/await.sh"
debug_library=$BUILD/hakmem-debug.so
record_library=$BUILD/hakmem-record.so
counter=$BUILD/tests/tools/count_calls.so
decoder=$BUILD/tests/tools/reference_decoder
top=$PWD # each run's directory, and its store, lie here
next_level=${first_level:-normal}
export LC_ALL=C PYTHONMALLOC=malloc G_SLICE=always-malloc GLIBCXX_FORCE_NEW=1

scale() {
    if [ "${FULL:-0}" = 1 ]; then
        echo "$2"
    elif [ -n "${BENCH_RESULTS-}" ]; then
        echo "${3-$1}"
    else
        echo "$1"
    fi
}

# Differences that no allocator makes (process ids, times) go through this; a test may have its own.
normalise() { cat; }

free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Runs the function $2 in the directory $1, "${under[@]}" being set; leaves $1.out, .err and .status.
tell() {
    local status=0
    rm -rf "${top:?}/$1" && mkdir -p "$top/$1" || exit 1
    (cd "$top/$1" && "$2") </dev/null >"$top/$1.raw" 2>"$top/$1.raw_err" || status=$?
    echo "$status" >"$top/$1.status"
    normalise <"$top/$1.raw" >"$top/$1.out"
    normalise <"$top/$1.raw_err" >"$top/$1.err"
}

# The run $1 gave what the run without hakmem gave.
compare_with_plain() {
    local part
    for part in status out err; do
        cmp -s "$top/plain.$part" "$top/$1.$part" && continue
        complain "$1: another $part than without hakmem (< without, > with):"
        diff "$top/plain.$part" "$top/$1.$part" | head -n 30
    done
}

# Records the story at level $2, or over the allocator that its programs have (keep); the store is $top/$2.db.
record() {
    local story=$1 level=$2 started=$EPOCHREALTIME store=$top/$2.db library=$debug_library
    local options=(--check "$level" --leaks="${leaks:-0}")
    if [ "$level" = keep ]; then
        library=$record_library options=(--allocator keep)
    fi
    truncate -s 1M "$top/calls" && chmod 666 "$top/calls"
    export COUNT_CALLS_FILE=$top/calls
    # `env` puts the counter between the program and hakmem; it is a recorded program itself.
    under=("$trace" run --wait --pools=malloc "${options[@]}" --store "$store" --
        "$env" LD_PRELOAD="$counter $library ${allocator-}")
    tell "$level" "$story"
    compare_with_plain "$level"
    [ -s "$store" ] || fail "$level: no store was written"
    [ ! -e "$store-wal" ] || complain "$level: the WAL was left beside the store"
    echo "$level: $("$trace" sql -s "$store" 'select sum(events), count(*) from chunk' | tail -n 1 | cut -f 1) events," \
        "$(stat -c %s "$store") bytes, $(seconds_since "$started") s"
    [ -z "$counter" ] || /usr/bin/python3 "$SOURCE/tests/tools/compare_calls.py" "$decoder" "$store" "$top/calls" ||
        complain "$level: the counts differ"
    "$trace" check -s "$store" >"$top/check.out" 2>&1 || complain "$level: hakmem-trace check finds something" "$(head -n 20 "$top/check.out")"
    # The counters that the program kept agree with the log.
    "$trace" layers -s "$store" >"$top/layers.out" 2>&1 || complain "$level: hakmem-trace layers ends with status $?" "$(tail -n 20 "$top/layers.out")"
    (cd "$top" && /usr/bin/python3 "$SOURCE/tests/tools/compare_why.py" "$trace" "$decoder" "$store" "${addresses:-$(scale 40 100)}") ||
        complain "$level: why is wrong"
    rm -f "$top/calls"
}

seconds_since() {
    local micro=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
    printf '%d.%02d' $((micro / 1000000)) $((micro % 1000000 / 10000))
}

check_program() {
    local story=$1 started=$EPOCHREALTIME
    if [ -n "${BENCH_RESULTS-}" ]; then
        [ -z "${2-}" ] || { . "$SOURCE/tests/bench/story.sh" && measure_program "$story" "$2"; }
        return
    fi
    under=()
    tell plain "$story"
    echo "without: $(seconds_since "$started") s"
    [ -s "$top/plain.out" ] || fail "the story printed nothing even without hakmem; the comparison is empty"
    started=$EPOCHREALTIME
    under=("$env" LD_PRELOAD="$BUILD/libhakmem.so")
    tell library "$story"
    echo "libhakmem.so: $(seconds_since "$started") s"
    compare_with_plain library
    if [ "${FULL:-0}" = 1 ]; then
        record "$story" trace
        record "$story" normal
    else
        record "$story" "$next_level"
        if [ "$next_level" = normal ]; then next_level=trace; else next_level=normal; fi
    fi
    [ "$failed" -eq 0 ] || exit 1
    rm -f "$top"/trace.db "$top"/normal.db
}

# The same of a program that keeps its allocator, or has the library "$allocator" in front of it; with counter= in front
# its calls are not counted.
check_kept() {
    under=()
    [ -z "${allocator-}" ] || under=("$env" LD_PRELOAD="$allocator")
    tell plain "$1"
    [ -s "$top/plain.out" ] || fail "the story printed nothing even without hakmem; the comparison is empty"
    record "$1" keep
    [ "$failed" -eq 0 ] || exit 1
    rm -f "$top/keep.db"
}
