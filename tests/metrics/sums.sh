#!/usr/bin/env bash
# The counts that the layers served add up to the mallocs that were made, and their shares to 100, with every
# front, policy and profile; each that is on serves; every block's path is legal; SuperSlabs' lives are whole.
. "${SOURCE:?}/tests/tools/tree_run.sh"

# run "VARIABLE=VALUE ..." LAYER...: the layers that must have had hits.
run() {
    local settings
    tree_name=$1
    read -ra settings <<<"$1"
    shift
    rm -f store.db*
    env "${settings[@]}" "$trace" run --store store.db -- "$BUILD/tests/metrics/counted" >out 2>&1 </dev/null ||
        fail "ended with status $?: $(head -n 3 out)"
    [ ! -s out ] || fail "says something: $(head -n 3 out)"
    until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
    "$trace" layers -s store.db --superslabs --json >answer.json 2>err || fail "layers ended with status $?: $(cat err)"
    "$trace" layers -s store.db >table 2>&1 || fail "layers ended with status $?"
    python3 "$SOURCE/tests/metrics/sums.py" answer.json table "$@" >wrong 2>&1 || fail "$(head -n 5 wrong)"
    "$trace" check -s store.db >check.out 2>&1 || fail "check: $(head -n 3 check.out)"
}

level=HAKMEM_CHECK=trace
first="$level HAKMEM_TINY_FRONT_ENABLE"
run "$level" front BigCache L2.5
run "${first}_ULTRAHOT=1" UltraHot
run "$level HAKMEM_TINY_FRONT_DISABLE_HEAPV2=0" HeapV2
run "${first}_FC=1 HAKMEM_TINY_FRONT_ENABLE_SFC=1 HAKMEM_SMALLMID_ENABLE=1" FC SFC Small-Mid
run "$level HAKMEM_TINY_HOT_RING_ENABLE=1" "hot ring"
run "HAKMEM_CHECK=normal HAKMEM_TINY_HOT_RING_ENABLE=1 HAKMEM_TINY_MAGAZINE_ENABLE=1 HAKMEM_TINY_MAG_CAP=4" magazine "hot ring" "TLS SLL"
run "HAKMEM_CHECK=normal HAKMEM_TINY_FRONT_ENABLE_SFC=1" SFC "mid ring"
run "$level HAKMEM_TINY_PROFILE=off HAKMEM_BIGCACHE_MAX=0" "mid ring"
run "$level HAKMEM_PROFILE=tight HAKMEM_TINY_UNIFIED_C5=0" front
