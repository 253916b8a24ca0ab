#!/usr/bin/env bash
# Every command's --json against docs/specs/output.schema.json, and that the schema can refuse.
set -u
cd "$(dirname "$0")" || exit 2
here=$PWD
BUILD=$(realpath -m "${BUILD:-../../build}")
schema=$here/../../docs/specs/output.schema.json
unset "${!HAKMEM_@}"
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory" || exit 2
"$BUILD/tests/cli/make_store" . || { echo "make_store failed"; exit 1; }

wrong=0
valid() {
    local problem status
    "$BUILD/hakmem-trace" "$@" --json >document
    status=$?
    if [ "$status" -eq 2 ] || [ "$status" -eq 3 ]; then
        echo "$*: ended with status $status"
        wrong=1
    elif ! problem=$(python3 "$here/validate.py" "$schema" <document); then
        echo "$*: $problem"
        wrong=1
    fi
}

for store in stale offset overflow lost hostile empty; do
    valid info -s "$store.db"
    valid check -s "$store.db"
    valid faults -s "$store.db"
    valid events -s "$store.db"
    valid events --stacks --tail 2 -s "$store.db"
    valid why 0x5581a8c31040 -s "$store.db"
    valid why 0x5581a8c30000 --moves --stacks -s "$store.db"
    valid sql "select * from fault; select 1.5, null, x'00', 'text'" -s "$store.db"
done
for store in stale offset overflow; do
    valid faults 1 -s "$store.db"
    valid why @fault --moves --stacks -s "$store.db"
done
valid info --options
valid explain
valid explain HKM-104

# A validator that takes everything would prove nothing.
"$BUILD/hakmem-trace" why 0x5581a8c31040 -s stale.db --json >document
refused() {
    if sed "$1" document | python3 "$here/validate.py" "$schema" >/dev/null; then
        echo "the schema takes a document spoilt by $1"
        wrong=1
    fi
}
refused 's/"hakmem_json": 1/"hakmem_json": 2/'
refused 's/"command": "why"/"command": "how"/'
refused 's/"0x5581a8c31040"/"5581a8c31040"/'
refused 's/"owner": 1/"owner": "1"/'
refused 's/"stale_end": true/"stale": true/'
exit "$wrong"
