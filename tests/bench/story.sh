# shellcheck shell=bash disable=SC2034,SC2154
# Measures the story of a test of tests/programs instead of checking it; sourced by
# tests/tools/real_program.sh when BENCH_RESULTS names a file. Adds a line to it for each run:
#   program round variant elapsed cpu memory cpu_of_program memory_of_program events bytes packed_bytes
# Seconds, KiB, bytes. In hakmem's recordings, the program's own share is measured inside, too.
# A run that takes longer than $limit seconds is killed with all that it started, and its figures are nan.
# heaptrack's raw files are packed with zstd -1 after the run, outside the measurement.

measure=$BUILD/tests/bench/measure
limit=${BENCH_LIMIT:-$([ "${FULL:-0}" = 1 ] && echo 1200 || echo 180)}
heaptrack=/usr/lib/heaptrack/libheaptrack_preload.so

peer_library() {
    case "$1" in
    hakmem) echo "$BUILD/libhakmem.so" ;;
    jemalloc) ls /usr/lib/*/libjemalloc.so.2 ;;
    tcmalloc) ls /usr/lib/*/libtcmalloc_minimal.so.4 ;;
    mimalloc) find /usr/lib -name 'libmimalloc.so.2*' | sort | head -n 1 ;;
    esac
}

# One run of the function $2 as the variant $1; sets events, bytes and packed.
measure_variant() {
    local variant=$1 story=$2 store=$top/measured.db
    events=0 bytes=0 packed=0
    rm -f "$top"/outer "$top"/inner "$store" "$top"/heap.*
    case "$variant" in
    glibc) under=("$measure" -l "$limit" "$top/outer") ;;
    trace | normal)
        under=("$measure" -l "$limit" "$top/outer" "$trace" run --wait --pools=malloc --check "$variant" --store "$store" --
            "$measure" "$top/inner")
        ;;
    heaptrack) under=("$measure" -l "$limit" "$top/outer" env "LD_PRELOAD=$heaptrack" "DUMP_HEAPTRACK_OUTPUT=$top/heap.\$\$") ;;
    *) under=("$measure" -l "$limit" "$top/outer" env "LD_PRELOAD=$(peer_library "$variant")") ;;
    esac
    tell "$variant" "$story"
    [ "$variant" = glibc ] && cp "$top/glibc.out" "$top/due.out"
    if grep -q hung "$top/outer"; then
        echo "$program: under $variant it hung and was killed after $limit s" >&2
        rm -rf "$top"/inner "$top"/heap.* "$store"* "${top:?}/$variant"
        return
    fi
    cmp -s "$top/due.out" "$top/$variant.out" || echo "$program: under $variant it prints something else" >&2
    case "$variant" in
    trace | normal)
        events=$("$trace" sql -s "$store" 'select coalesce(sum(events), 0) from chunk' | tail -n 1)
        bytes=$(stat -c %s "$store")
        packed=$bytes
        ;;
    heaptrack)
        events=$(cat "$top"/heap.* | grep -c '^[+-]')
        bytes=$(cat "$top"/heap.* | wc -c)
        packed=$(cat "$top"/heap.* | zstd -q -1 | wc -c)
        ;;
    esac
    rm -rf "$top"/heap.* "$store" "${top:?}/$variant"
}

# measure_program FUNCTION NAME: every variant in every round, in another order each time.
measure_program() {
    local story=$1 program=$2 round place variant
    local variants=(glibc hakmem jemalloc tcmalloc mimalloc trace normal heaptrack)
    for round in $(seq "${BENCH_ROUNDS:-3}"); do
        for place in "${!variants[@]}"; do
            # The first round begins with glibc, whose output is what is due.
            variant=${variants[(place + 3 * (round - 1)) % ${#variants[@]}]}
            measure_variant "$variant" "$story"
            read -r elapsed cpu memory _ <"$top/outer" || fail "$program, $variant: nothing was measured"
            [ "$elapsed" != hung ] || elapsed=nan cpu=nan memory=nan events=nan bytes=nan packed=nan
            inner_cpu=$cpu inner_memory=$memory
            [ ! -e "$top/inner" ] || read -r _ inner_cpu inner_memory _ <"$top/inner"
            printf '%s\t' "$program" "$round" "$variant" "$elapsed" "$cpu" "$memory" "$inner_cpu" "$inner_memory" \
                "$events" "$bytes" >>"$BENCH_RESULTS"
            echo "$packed" >>"$BENCH_RESULTS"
        done
    done
}
