# shellcheck shell=bash disable=SC2034,SC2154
# Measures the story of a test of tests/programs instead of checking it; sourced by
# tests/tools/real_program.sh when BENCH_RESULTS names a file. Adds a line to it for each run:
#   program round variant elapsed cpu memory cpu_of_program memory_of_program events bytes
# Seconds, KiB, bytes. For what hakmem records, the program's own share is measured inside, too.

measure=$BUILD/tests/bench/measure
heaptrack=/usr/lib/heaptrack/libheaptrack_preload.so

peer_library() {
    case "$1" in
    hakmem) echo "$BUILD/libhakmem.so" ;;
    jemalloc) ls /usr/lib/*/libjemalloc.so.2 ;;
    tcmalloc) ls /usr/lib/*/libtcmalloc_minimal.so.4 ;;
    mimalloc) find /usr/lib -name 'libmimalloc.so.2*' | sort | head -n 1 ;;
    esac
}

# One run of the function $2 as the variant $1; sets events and bytes.
measure_variant() {
    local variant=$1 story=$2 store=$top/measured.db
    events=0 bytes=0
    rm -f "$top"/outer "$top"/inner "$store" "$top"/heap.*
    case "$variant" in
    glibc) under=("$measure" "$top/outer") ;;
    trace | normal)
        under=("$measure" "$top/outer" "$trace" run --wait --pools=malloc --check "$variant" --store "$store" --
            "$measure" "$top/inner")
        ;;
    heaptrack) under=("$measure" "$top/outer" env "LD_PRELOAD=$heaptrack" "DUMP_HEAPTRACK_OUTPUT=$top/heap.\$\$") ;;
    *) under=("$measure" "$top/outer" env "LD_PRELOAD=$(peer_library "$variant")") ;;
    esac
    tell "$variant" "$story"
    [ "$variant" = glibc ] && cp "$top/glibc.out" "$top/due.out"
    cmp -s "$top/due.out" "$top/$variant.out" || echo "$program: under $variant it prints something else" >&2
    case "$variant" in
    trace | normal)
        events=$("$trace" sql -s "$store" 'select coalesce(sum(events), 0) from chunk' | tail -n 1)
        bytes=$(stat -c %s "$store")
        ;;
    heaptrack)
        events=$(cat "$top"/heap.* | grep -c '^[+-]')
        bytes=$(cat "$top"/heap.* | wc -c)
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
            if [ -e "$top/inner" ]; then read -r _ inner_cpu inner_memory <"$top/inner"; else read -r _ inner_cpu inner_memory <"$top/outer"; fi
            printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$program" "$round" "$variant" "$(tr ' ' '\t' <"$top/outer")" \
                "$inner_cpu	$inner_memory" "$events" "$bytes" >>"$BENCH_RESULTS"
        done
    done
}
