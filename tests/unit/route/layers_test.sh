#!/usr/bin/env bash
# `layers` shows who served each band under each HAKMEM_TINY_PROFILE and HAKMEM_TINY_MAX_CLASS.
. "${SOURCE:?}/tests/tools/test.sh"
${CC:-cc} -O0 -g -w "$SOURCE/tests/unit/route/bands.c" -o bands || exit 1

# due SETTING WAYS: a letter for each of C0 to C7, t: tiny, m: mid
due() {
    rm -f store.db
    env "$1" "$BUILD/hakmem-trace" run --check trace --store store.db -- ./bands >out 2>&1 || {
        cat out
        exit 1
    }
    "$BUILD/hakmem-trace" layers --store store.db --json >layers.json || exit 1
    python3 - "$2" <<'END' || complain "with $1"
import json, sys
wrong = 0
freed = {"t": "given.FRONT", "m": "given.MID_RING"}
moved = {"t": "FRONT_REFILL.blocks", "m": "MID_REFILL.blocks"}
rows = {row["slot_bytes"]: row["metrics"] for row in json.load(open("layers.json"))["classes"]}
for way, slot_bytes in zip(sys.argv[1], (8, 16, 32, 64, 112, 224, 448, 896)):
    metrics, other = rows[slot_bytes], "m" if way == "t" else "t"
    for table in (freed, moved):
        if metrics.get(table[way], 0) < 100 or metrics.get(table[other], 0) > 0:
            print(f"{slot_bytes} B: {table[way]} {metrics.get(table[way], 0)}, "
                  f"{table[other]} {metrics.get(table[other], 0)}")
            wrong = 1
sys.exit(wrong)
END
}

due HAKMEM_TINY_PROFILE=conservative tttttttt
due HAKMEM_TINY_PROFILE=full tttttttt
due HAKMEM_TINY_PROFILE=hot tttttttm
due HAKMEM_TINY_PROFILE=off mmmmmmmm
due HAKMEM_TINY_MAX_CLASS=3 ttttmmmm
due HAKMEM_TINY_MAX_CLASS=0 tmmmmmmm
