#!/usr/bin/env bash
# Each change in tests/long/mutations.list still finds its line in the sources as they are: the long test,
# which makes the changes and looks for what turns red, is not run each time. A test of the quick tier is among those that find it, or
# tests/long/mutations.full names it.
. "${SOURCE:?}/tests/tools/test.sh"
count=0
while IFS=$'\t' read -r name file change tests; do
    case $name in '' | '#'*) continue ;; esac
    count=$((count + 1))
    if ! perl -0pe "$change" "$SOURCE/$file" >changed || [ -z "$tests" ]; then
        echo "$name: the line cannot be used"
        failed=1
    elif cmp -s changed "$SOURCE/$file"; then
        echo "$name: the change does not apply to $file"
        failed=1
    fi
done <"$SOURCE/tests/long/mutations.list"
[ "$count" -gt 40 ] || complain "only $count changes were read"
said=$(cd "$SOURCE" && /usr/bin/python3 tests/tools/quick_tier.py) || complain "$said"
