#!/usr/bin/env bash
# Every answer that would show a stack says so where stacks cannot be read, and ends with another status than 0.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export LC_ALL=C
here=$SOURCE/tests/format
mkdir stores && "$BUILD/tests/format/make_broken" "$here/v3/golden.db" stores || exit 1
broken=$(ls stores/*nodes-flipped.db) || exit 1
base=$("$trace" sql -s "$here/v3/golden.db" "SELECT printf('0x%x', base) FROM event WHERE kind = 'MALLOC' AND stack <> 0 LIMIT 1 OFFSET 20")
"$trace" info -s "$here/v3/golden.db" | grep -q 'events whose stack could not be kept' || complain "info does not tell of events without a stack"
for question in "why $base" "block $base" "events --addr $base" "block $base --json" \
    "sql SELECT~function~FROM~event~WHERE~stack~<>~0"; do
    IFS=' ' read -ra words <<<"$question"
    "$trace" "${words[@]//\~/ }" -s "$broken" >/dev/null 2>said
    got=$?
    if [ $got -eq 0 ] || ! grep -q 'stack nodes from .* are damaged' said; then complain "$question: status $got, and it says: $(cat said)"; fi
    "$trace" "${words[@]//\~/ }" -s "$here/v3/golden.db" >/dev/null 2>said
    ! grep -q 'damaged' said || complain "$question of a sound store says: $(cat said)"
done
