#!/usr/bin/env bash
# The event at which a fault was found has one number: in FOUND, in HISTORY, in `faults` and its JSON, and
# `events` has it; `why` and `block` name no other one. Where nothing is recorded (HAKMEM_TRACE=off) there are none.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"

agree() {
    local name=$1 found history listed json kind store
    run_program "$name" normal auto
    store=$(echo "$(dirname "$printed")"/*.db)
    found=$(sed -nE 's/^  FOUND +event ([0-9,]+) .*/\1/p' "$printed")
    history=$(sed -nE 's/^      ([0-9,]+) .* <-- found$/\1/p' "$printed")
    listed=$("$BUILD/hakmem-trace" sql -s "$store" "select event from fault")
    json=$("$BUILD/hakmem-trace" faults 1 --json -s "$store" | sed -nE 's/^ *"event": ([0-9]+),$/\1/p' | head -n 1)
    kind=$("$BUILD/hakmem-trace" sql -s "$store" "select kind from event where id = ${found//,/}")
    [ -n "$found" ] && [ "$history" = "$found" ] && [ "$listed" = "${found//,/}" ] && [ "$json" = "$listed" ] &&
        [ "$kind" = "$2" ] || complain "$name: FOUND has event '$found', HISTORY '$history', fault '$listed', its JSON '$json'; it is '$kind', due: '$2'"
}

# told NAME: the numbers of the fault in `why` and `block` are the report's. The record of the fault, which has one of its own, is no step.
told() {
    local name=$1 store listed said numbers
    run_program "$name" normal auto
    store=$(echo "$(dirname "$printed")"/*.db)
    listed=$("$BUILD/hakmem-trace" sql -s "$store" "select event from fault")
    said=$("$BUILD/hakmem-trace" why @fault:1 -s "$store"; "$BUILD/hakmem-trace" block @fault:1 -s "$store")
    numbers=$(sed -nE -e 's/^FAULT .*, event ([0-9,]+); .*/\1/p' -e 's/^ +>? *([0-9,]+) +[0-9.]+ s +FAULT .*/\1/p' \
        -e 's/^ +>? *([0-9,]+) +.* reported here$/\1/p' <<<"$said" | tr -d , | sort -u)
    [ "$numbers" = "$listed" ] && [ "$(grep -c '^FAULT ' <<<"$said")" -eq 2 ] && return
    echo "$name: the report has event $listed, why and block have" $numbers: "$said"
    failed=1
}
for name in bad_free_inside bad_free_misaligned double_free mismatch_new_free overflow_free use_after_free_read; do
    told $name
done
agree double_free FREE
agree double_free_resized FREE
agree double_free_realloc REALLOC
agree overflow_free FAULT
agree overflow_exit FAULT
agree use_after_free_read FAULT

for name in double_free overflow_free use_after_free_read; do
    mkdir "off.$name" && cd "off.$name" || exit 2
    "$BUILD/hakmem-trace" run --trace off -- "$BUILD/tests/faults/$name" >said 2>&1
    grep -E '^  [A-Z].* event [0-9]|<-- found' said && echo "$name: events, and nothing is recorded" && failed=1
    listed=$("$BUILD/hakmem-trace" sql "select event from fault")
    [ "$listed" = 0 ] || complain "$name: the store has event '$listed', and nothing is recorded"
    cd ..
done
exit "$failed"
