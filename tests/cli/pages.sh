#!/usr/bin/env bash
# docs/specs/commands.md is the help of every command, word for word; UPDATE=1 writes it anew.
set -u
cd "$(dirname "$0")/../.." || exit 2
trace=$(realpath -m "${BUILD:-build}")/hakmem-trace
page=docs/specs/commands.md
made=$(mktemp)
trap 'rm -f "$made"' EXIT

{
    echo '# Commands'
    echo
    echo 'The output of `hakmem-trace --help` and `hakmem-trace COMMAND --help`; both come from the table in'
    echo 'viewer/commands.c. This page is made by `UPDATE=1 tests/cli/pages.sh`, and a test compares it.'
    echo
    echo '```'
    "$trace" --help || exit 2
    echo '```'
    "$trace" --help | sed -n '/^RECORD$/,/^OPTIONS FOR ALL$/s/^  \([a-z]*\) .*/\1/p' | while read -r command; do
        printf '\n## %s\n\n```\n' "$command"
        "$trace" "$command" --help
        echo '```'
    done
} >"$made"
if [ -n "${UPDATE-}" ]; then
    cp "$made" "$page"
elif ! diff -u "$page" "$made"; then
    echo "pages.sh: docs/specs/commands.md is not what the commands print; UPDATE=1 tests/cli/pages.sh"
    exit 1
fi
