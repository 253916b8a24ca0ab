#!/usr/bin/env bash
# Each fault program gives exactly its report: NAME.LEVEL.report with the level's own layout,
# NAME.LEVEL.LAYOUT.report with another. An empty file: nothing is found, the program ends with 0.
# `tests/faults/reports.sh --update` writes the files anew, to be read before they are committed.
set -u
# shellcheck source=tests/tools/faults.sh
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
update=0 failed=0
if [ "${1-}" = --update ]; then
    update=1
    scratch=$(mktemp -d) && cd "$scratch" || exit 2
    trap 'rm -rf "$scratch"' EXIT
fi

for program in $(fault_programs); do
    for level in trace normal; do
        if [ ! -e "$SOURCE/tests/faults/$program.$level.report" ] && [ $update -eq 0 ]; then
            echo "$program.$level.report is missing: every fault has its report in both levels"
            failed=1
        fi
        [ $update -eq 1 ] && touch "$SOURCE/tests/faults/$program.$level.report"
    done
done

for report in "$SOURCE"/tests/faults/*.report; do
    name=$(basename "$report" .report)
    IFS=. read -r program level layout <<<"$name"
    run_program "$program" "$level" "${layout:-auto}"
    normalise_report <"$printed" >found
    if [ $update -eq 1 ]; then
        cp found "$report"
        echo "$name: status $program_status, $(wc -l <found) lines"
        continue
    fi
    due=0
    [ -s "$report" ] && due=134 # SIGABRT
    if [ "$program_status" -ne "$due" ]; then
        echo "$name: exit status $program_status, expected $due"
        failed=1
    fi
    if ! diff -u --label "$name.report" --label 'what it printed' "$report" found; then
        failed=1
    fi
done
exit $failed
