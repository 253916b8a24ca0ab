#!/usr/bin/env bash
# Every command's --json against docs/specs/output.schema.json, and that the schema can refuse. Two stores are asked
# everything; of the others every third question, FULL=1: all.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/cli
schema=$SOURCE/docs/specs/output.schema.json
"$BUILD/tests/cli/make_store" . || fail "make_store failed"

count=0 question=0 stride=1
# Asks one command; the document is named after it and validated with all others at the end.
valid() {
    local status
    question=$((question + 1))
    [ $((question % stride)) -eq 0 ] || return 0
    count=$((count + 1))
    "$BUILD/hakmem-trace" "$@" --json >"document $count of $1" 2>>notes
    status=$?
    if [ "$status" -eq 2 ] || [ "$status" -eq 3 ]; then complain "$*: ended with status $status"; fi
}

echo '{"hakmem_baseline": 1, "findings": [{"fingerprint": "HKM-202:0123456789abcdef", "program": "app"}]}' >known.json
"$BUILD/hakmem-trace" run --profile-only -s only.db -- /bin/ls >listed 2>notes || complain "run --profile-only: status $?: $(cat notes)"
for words in info check top 'top --tree' 'top --between start end' heap 'heap --between start end' 'leaks --held'; do
    # shellcheck disable=SC2086
    valid $words -s only.db
done
valid diff only.db only.db
for store in stale offset overflow lost hostile empty tree places superslabs; do
    question=$((question + 1)) # so that the next store is asked others
    case ${FULL:-0}.$store in 1.* | *.stale | *.hostile) stride=1 ;; *) stride=3 ;; esac
    valid info -s "$store.db"
    valid check -s "$store.db"
    valid faults -s "$store.db"
    valid faults --baseline known.json -s "$store.db"
    valid faults --write-baseline known.json --prune -s "$store.db"
    valid events -s "$store.db"
    valid events --stacks --tail 2 -s "$store.db"
    valid why 0x5581a8c31040 -s "$store.db"
    valid why 0x5581a8c30000 --moves --stacks -s "$store.db"
    valid block 0x5581a8c31040 -s "$store.db"
    valid block 0x5581a8c30000 --moves --stacks -s "$store.db"
    valid block 0x5581a8c31040 --last 1 --since 1 -s "$store.db"
    valid threads -s "$store.db"
    valid threads --stacks -s "$store.db"
    valid faults --stacks -s "$store.db"
    valid modules -s "$store.db"
    valid modules --all -s "$store.db"
    valid layers -s "$store.db"
    valid layers --over 100ms --class C3 -s "$store.db"
    valid layers --over 100ms --from-log -s "$store.db"
    valid layers --superslabs -s "$store.db"
    valid top -s "$store.db"
    valid top --tree --by calls -s "$store.db"
    valid top --bottom-up --at 1.02 -s "$store.db"
    for per in line file module stack class size lifetime thread process; do valid top --per "$per" --at end -s "$store.db"; done
    valid top --per stack --stacks --between start 1.02 --limit 1 -s "$store.db"
    valid heap -s "$store.db"
    valid heap --steps 3 --between start end -s "$store.db"
    valid diff "$store.db" stale.db
    valid diff --by calls --per stack stale.db "$store.db"
    valid leaks -s "$store.db"
    valid leaks --held --at 1.02 -s "$store.db"
    valid sql "select * from fault; select 1.5, null, x'00', 'text'" -s "$store.db"
done
stride=1
# Names are what they are, not as a terminal would be shown them; nothing above 0x7e is printed.
"$BUILD/hakmem-trace" threads --json -s hostile.db >hostile_threads
"$BUILD/hakmem-trace" info --json -s hostile.db >hostile_info
python3 - <<'END' || failed=1
import json
threads = json.load(open("hostile_threads"))["threads"]
assert threads[1]["name"] == "\x1b]0;owned\x07", threads[1]["name"]
program = json.load(open("hostile_info"))["processes"][0]["program"]
assert program == "/home/user/\x1b[2Jevil\nname", program
for name in "hostile_threads", "hostile_info":
    odd = [b for b in open(name, "rb").read() if b > 0x7e or (b < 0x20 and b != 10)]
    assert not odd, (name, odd)
END
sqlite3 stale.db <"$here/layers.sql"
valid layers -s stale.db
valid layers --quick --over 50ms -s stale.db
for store in stale offset overflow; do
    valid faults 1 -s "$store.db"
    valid why @fault --moves --stacks -s "$store.db"
done
valid why 0x5581a8c30018 -s resized.db
valid why 0x5581a8c30040 -s resized.db
valid info --options
valid info --clean
valid sql .tables -s stale.db
valid replay --against glibc -s stale.db
valid explain
valid explain HKM-104

"$BUILD/hakmem-trace" run --json -s run.db -- true >'document of run' || complain "run: status $?"

python3 "$here/validate.py" "$schema" document\ * || failed=1

# A validator that takes everything would prove nothing.
"$BUILD/hakmem-trace" why 0x5581a8c31040 -s stale.db --json >spoilt
spoil() {
    sed "$1" spoilt >"spoilt by $1" && ! cmp -s spoilt "spoilt by $1" || complain "$1 spoils nothing"
}
spoil 's|"hakmem_json": 1|"hakmem_json": 2|'
spoil 's|"command": "why"|"command": "how"|'
spoil 's|"0x5581a8c31040"|"5581a8c31040"|'
spoil 's|"owner": 1|"owner": "1"|'
spoil 's|"stale_end": true|"stale": true|'
for document in spoilt\ by*; do
    python3 "$here/validate.py" "$schema" "$document" >/dev/null || continue
    echo "the schema takes a document $document"
    failed=1
done
