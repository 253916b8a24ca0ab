#!/usr/bin/env bash
# Each fault has its page in docs/specs/faults, and the example on it is the report that a test
# compares. UPDATE=1 copies the reports into the pages.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
cd "$SOURCE" || exit 2
new=$(mktemp)
cleanup() { rm -f "$new"; }

# A page with the example that it names: what follows "Report (`tests/faults/X.report`):".
with_example() {
    awk '
        /^## / { skip = 0 }
        skip { next }
        { print }
        /^Report \(`tests\/faults\/.*\.report`\):$/ {
            split($0, part, "`")
            print ""
            while ((getline line < part[2]) > 0) print (line == "" ? "" : "    " line)
            print ""
            skip = 1
        }' "$1"
}

while read -r number; do
    page=docs/specs/faults/HKM-$number.md
    # shellcheck disable=SC2016 # backticks of Markdown
    if ! grep -q '^Report (`tests/faults/.*\.report`):$' "$page"; then
        echo "$page is missing or names no report"
        failed=1
        continue
    fi
    with_example "$page" >"$new"
    if [ -n "${UPDATE-}" ] || [ "${1-}" = --update ]; then
        cp "$new" "$page"
    elif ! diff -u --label "$page" --label 'with the report as it is' "$page" "$new"; then
        failed=1
    fi
done < <(sed -nE 's/^FAULT\([A-Z_]+, ([0-9]+),.*/\1/p' src/faults.def)
