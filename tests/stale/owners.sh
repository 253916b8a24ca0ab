#!/usr/bin/env bash
# An old owner is accused only by evidence: the right one in `stale`, nobody in five look-alikes.
. "${SOURCE:?}/tests/tools/test.sh"
export HAKMEM_QUARANTINE=0 HAKMEM_GUARD=off # these are stories of addresses that are used again at once
complain() { echo "$way: $*"; failed=1; }

# The story of the address that the program printed, left in `why.out` and `why.json`.
tell() {
    way=$1 fault=$2
    "$trace" run --store "$way.db" -- "$BUILD/tests/stale/owners" "$way" >"$way.out" 2>"$way.err"
    local ended=$?
    [ "$ended" -eq 1 ] || complain "run ended with $ended; 1 (a fault) was due: $(head -n 3 "$way.err")"
    grep -q "^hakmem: HKM-[0-9]* $fault" "$way.err" || complain "the report is not $fault: $(head -n 1 "$way.err")"
    address=$(head -n 1 "$way.out")
    "$trace" why "$address" --store "$way.db" >why.out 2>&1
    "$trace" why "$address" --store "$way.db" --json >why.json 2>&1
    [ -s why.out ] || complain "why said nothing"
}

tell stale double-free
grep -qE 'session_close.*STALE: owner [0-9]+ frees owner [0-9]+' why.out || complain "the old owner is not marked; why says:" "$(cat why.out)"
grep -q '^EVIDENCE' why.out || complain "no EVIDENCE"
[ "$(grep -c STALE why.out)" -eq 1 ] || complain "not exactly one line is marked"
grep -E 'reply_done' why.out | grep -q STALE && complain "the present owner is marked"
python3 -c 'import json, sys; d = json.load(open("why.json")); sys.exit(not any(l["stale_end"] for l in d["lives"]))' ||
    complain "--json marks nobody"

for pair in present-owner-twice:double-free one-destructor:double-free consumer:double-free \
    one-place-twice:double-free only-writes:heap-buffer-overflow; do
    tell "${pair%%:*}" "${pair#*:}"
    if grep -q STALE why.out "$way.err"; then
        complain "somebody is marked and nobody should be:"
        cat why.out
    fi
    grep -qE '^EVIDENCE  (none|writer unknown)' why.out || complain "why does not say that nobody is marked"
    python3 -c 'import json, sys; d = json.load(open("why.json")); sys.exit(any(l["stale_end"] for l in d["lives"]))' ||
        complain "--json marks somebody"
done
