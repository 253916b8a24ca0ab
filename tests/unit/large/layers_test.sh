#!/usr/bin/env bash
# `layers` tells which layer serves a large block: BigCache, L2.5, or a mapping; and in level normal each
# block that is not guarded is a mapping that is gone once it is freed.
. "${SOURCE:?}/tests/tools/test.sh"
${CC:-cc} -O0 -g -w "$SOURCE/tests/unit/large/layers.c" -o layers || exit 1

# due LEVEL MAXIMUM "BYTES ROUNDS BLOCKS [STEP]" METRIC=NUMBER...
due() {
    local level=$1 maximum=$2 arguments=$3
    shift 3
    rm -f store.db
    # shellcheck disable=SC2086
    HAKMEM_BIGCACHE_MAX=$maximum "$BUILD/hakmem-trace" run --check "$level" --store store.db -- \
        ./layers $arguments >out 2>&1 || { cat out; exit 1; }
    "$BUILD/hakmem-trace" layers --store store.db --json >layers.json || exit 1
    python3 - "$@" <<'END' || complain "at $level, HAKMEM_BIGCACHE_MAX=$maximum, $arguments"
import json, sys
story = json.load(open("layers.json"))
found = {}
for row in story["classes"]:
    if row["class"] == "large":
        found = row["metrics"]
wrong = 0
for due in sys.argv[1:]:
    name, number = due.split("=")
    if found.get(name, 0) != int(number):
        print(f"{name} is {found.get(name, 0)}, due {number}")
        wrong = 1
if story["mallocs"]["counted"] != story["mallocs"]["logged"]:
    print("calls in the log and calls that were counted differ")
    wrong = 1
sys.exit(wrong)
END
}

# Three blocks come out of the pool, and then out of the cache.
due trace 8M '60000 100 3' served.BIGCACHE=297 served.L25=3 BIGCACHE_PUT.blocks=300 \
    BIGCACHE_TAKE.blocks=297 BIGCACHE_MISS.times=3 L25_TAKE.blocks=3 LARGE_MAP.times=0
# Without a cache each goes back to the pool.
due trace 0 '60000 100 3' served.L25=300 served.BIGCACHE=0 L25_PUT.blocks=300 L25_TAKE.blocks=300 \
    BIGCACHE_MISS.times=0
# Two blocks fit, and the third goes down each time.
due trace 128K '60000 50 3' served.BIGCACHE=98 served.L25=52
due trace 100K '60000 50 2' BIGCACHE_PUT.blocks=0 served.L25=100
# Above 1 MiB there is no pool.
due trace 8M '1500000 100 1' served.BIGCACHE=99 served.LARGE=1 LARGE_MAP.times=1 L25_TAKE.blocks=0
# A block that a free puts down is no hit of the call behind it.
due trace 16M '1500000 7 1 1000000' served.LARGE=7 served.BIGCACHE=0 BIGCACHE_MISS.times=7 BIGCACHE_PUT.blocks=7 \
    BIGCACHE_TAKE.blocks=0 LARGE_MAP.times=7
due trace 0 '1500000 20 1' served.LARGE=20 LARGE_MAP.times=20 LARGE_UNMAP.times=20
export HAKMEM_GUARD=off
HAKMEM_QUARANTINE=0 due normal 8M '60000 20 3' served.LARGE=60 LARGE_MAP.times=60 LARGE_UNMAP.times=60 L25_TAKE.blocks=0
# A sixteenth of the quarantine at most is a large block's part, and these take 15 pages: 17 of them fit.
HAKMEM_QUARANTINE=1M due normal 8M '60000 20 3' served.LARGE=60 LARGE_MAP.times=60 LARGE_UNMAP.times=43 \
    QUARANTINE_LEAVE.blocks=43 PAGES_CLOSE.times=60
# The first four of a site are guarded, and stay closed when they are freed.
HAKMEM_QUARANTINE=0 HAKMEM_GUARD=auto due normal 8M '60000 20 3' served.GUARDED=4 served.LARGE=56 LARGE_MAP.times=56 \
    LARGE_UNMAP.times=56
