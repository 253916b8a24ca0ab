#!/usr/bin/env bash
# The table of docs/specs/checks.md is what the fault programs show: which fault each gives in each level
# and layout. UPDATE=1 writes the table anew.
set -u
# shellcheck source=tests/tools/faults.sh
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
page=$SOURCE/docs/specs/checks.md
first='<!-- table: made by tests/faults/table.sh --update -->'
last='<!-- end of table -->'
begin_reports "$@"

# The code in a report's first line, or a dash.
code_found() {
    local code
    code=$(sed -nE '1s/^hakmem: (HKM-[0-9]+) ([a-z-]+):.*/\1 \2/p' "$printed")
    if [ -n "$code" ] && [ "$program_status" -eq "$(stop_status <"$printed")" ]; then
        echo "$code"
    elif [ ! -s "$printed" ] && [ "$program_status" -eq 0 ]; then
        echo -
    else
        echo "status $program_status: $(head -n 1 "$printed")"
    fi
}

# One program in all four ways.
row() {
    local program=$1 row="| $1" level layout
    for level in trace normal; do
        for layout in same header; do
            run_program "$program" "$level" "$layout"
            row+=" | $(code_found)"
        done
    done
    echo "$row |"
}

{
    echo "| program of tests/faults | \`trace\`, \`same\` | \`trace\`, \`header\` | \`normal\`, \`same\` | \`normal\`, \`header\` |"
    echo '|---|---|---|---|---|'
    fault_programs | each_in_parallel row
} >table

# The lines between the two marks of the page.
table_of_page() {
    awk -v first="$first" -v last="$last" '$0 == last { on = 0 } on { print } $0 == first { on = 1 }' "$page"
}

if [ $update -eq 1 ]; then
    awk -v first="$first" -v last="$last" '
        $0 == last { on = 0 }
        !on { print }
        $0 == first { on = 1; while ((getline line < "table") > 0) print line }' "$page" >new
    cp new "$page"
    exit
fi
table_of_page >due
[ -s due ] || echo "$page holds no table"
diff -u --label docs/specs/checks.md --label 'what the programs show' due table
