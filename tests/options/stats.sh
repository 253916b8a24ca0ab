#!/usr/bin/env bash
# HAKMEM_STATS, HAKMEM_STATS_DUMP and HAKMEM_DEBUG_LEVEL: exactly what is said, and where.
. "${SOURCE:?}/tests/tools/test.sh"
export HAKMEM_TRACE=off
program=$BUILD/tests/options/holds

# run BUILD VARIABLE=VALUE... [-- ARGUMENT...]: the program's stderr into err, ids taken out.
run() {
    local library=$1 code=0 variables=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        variables+=("$1")
        shift
    done
    [ $# -gt 0 ] && shift
    env "${variables[@]}" LD_PRELOAD="$BUILD/$library" "$program" "$@" >out 2>err.whole || code=$?
    sed -E 's/process [0-9]+/process N/' err.whole >err
    [ "$code" -eq 0 ] || complain "$library ${variables[*]}: status $code"
}
# says WHAT < lines that are due
says() {
    diff - err >difference || complain "$1 (< due): $(cat difference)"
}

for library in libhakmem.so hakmem-debug.so; do
    run "$library"
    says "$library without variables" </dev/null

    # 100 blocks of 1,000 bytes (slots of 1,024; in layout header of 1,280), one mapping of 10 MiB.
    slots=102400
    [ "$library" = libhakmem.so ] || export HAKMEM_LAYOUT=same HAKMEM_CHECK=trace
    run "$library" HAKMEM_STATS=1
    grep -vE '^hakmem:   SuperSlabs: [1-9][0-9]* bytes, of these [0-9]+ not in use$' err >rest && mv rest err
    sed -i -E 's/cached: [0-9]+/cached: N/; s/(blocks: 1, )10[45][0-9]{5} bytes/\110 MiB/' err
    says "$library, HAKMEM_STATS=1" <<END
hakmem: stats of process N
hakmem:   slots of the program: $slots bytes; cached: N bytes
hakmem:   large blocks: 1, 10 MiB
hakmem:   other allocators' pointers: 0 passed on, 0 left alone
hakmem:   learning: 0 windows, 0 changes
END
    rm -f stats.*
    run "$library" HAKMEM_STATS_DUMP=stats.%e.%p.100%%
    says "$library, HAKMEM_STATS_DUMP" </dev/null
    files=(stats.*)
    [[ ${#files[@]} -eq 1 && ${files[0]} =~ ^stats\.holds\.[0-9]+\.100%$ ]] || complain "$library wrote ${files[*]}"
    python3 - "$slots" "${files[0]}" <<'END' || complain "$library: the JSON is not what is held"
import json, sys
stats = json.load(open(sys.argv[2]))
assert stats["hakmem_stats"] == 1, stats
assert str(stats["process"]) == sys.argv[2].split(".")[2], stats
assert stats["live_bytes"] == int(sys.argv[1]), stats
assert stats["large_blocks"] == 1 and stats["large_bytes"] >= 10 << 20, stats
free = {c["slot_bytes"]: c["blocks"] for c in stats["free_blocks"]}
assert sum(free.values()) >= stats["cached_blocks"], stats
# Ten of 64 bytes were given back.
assert free[64] >= 10, stats
END

    # Learning is counted.
    run "$library" HAKMEM_STATS_DUMP=learned.json HAKMEM_ALLOC_LEARN=1 HAKMEM_ALLOC_LEARN_WINDOW=100 -- use
    grep -qE '^ "learn_windows": [1-9]' learned.json || complain "$library: no window was counted: $(cat learned.json)"

    # A relative path begins where the program was started, whatever it does since.
    run "$library" HAKMEM_STATS_DUMP=here.json -- chdir
    [ -s here.json ] || complain "$library: no file where the program was started"
    # A path that cannot be written is one line, and no harm to the program.
    run "$library" HAKMEM_STATS_DUMP=/nowhere/at/all.json
    says "$library, a path that cannot be" <<'END'
hakmem: HAKMEM_STATS_DUMP: /nowhere/at/all.json cannot be written: error 2
END
    # Every process that ends by exit tells; %p keeps them apart.
    rm -f stats.*
    run "$library" HAKMEM_STATS_DUMP=stats.%p -- fork
    [ "$(find . -name 'stats.*' | wc -l)" -eq 2 ] || complain "$library: parent and child wrote $(echo stats.*)"

    run "$library" HAKMEM_DEBUG_LEVEL=1 HAKMEM_TINY_PROFILE=full HAKMEM_PROFILE=balanced
    grep -vE 'HAKMEM_(LAYOUT|CHECK|TRACE)=' err >rest && mv rest err
    says "$library, HAKMEM_DEBUG_LEVEL=1" <<'END'
hakmem: HAKMEM_TINY_PROFILE=full
hakmem: HAKMEM_SUPERSLAB_REUSE=1 (profile or preset)
hakmem: HAKMEM_SUPERSLAB_PREWARM=0 (profile or preset)
hakmem: HAKMEM_PROFILE=balanced
hakmem: HAKMEM_ALLOC_LEARN=1 (profile or preset)
hakmem: HAKMEM_ALLOC_LEARN_WINDOW=10000 (profile or preset)
hakmem: HAKMEM_ALLOC_LEARN_RATE=0.1 (profile or preset)
hakmem: HAKMEM_MEM_LEARN=0 (profile or preset)
hakmem: HAKMEM_DEBUG_LEVEL=1
END
done
