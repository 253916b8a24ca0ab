#!/usr/bin/env bash
# The table of docs/specs/checks.md is what the fault programs show: which fault each gives in each level
# and layout. UPDATE=1 writes the table anew. Without FULL=1 half of the ways are looked at: of each program both levels and both layouts.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
page=$SOURCE/docs/specs/checks.md
first='<!-- table: made by tests/faults/table.sh --update -->'
last='<!-- end of table -->'
begin_reports "$@"

# The lines between the two marks of the page.
table_of_page() {
    awk -v first="$first" -v last="$last" '$0 == last { on = 0 } on { print } $0 == first { on = 1 }' "$page"
}

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

aside=' '
for program in $(fault_programs); do
    ! left_out "$program" || aside+="$program "
done
is_aside() { [[ $aside == *" $1 "* ]]; }

# One program: in two of the four ways, and as the page says in the others; those of odd programs are the others of even ones.
row() {
    local program=$1 row="| $1" way=0 due level layout
    IFS='|' read -r -a due <<<"$(table_of_page | grep "^| $1 |")"
    for level in trace normal; do
        for layout in same header; do
            if [ $update -eq 0 ] && [ ${#due[@]} -ge 6 ] && { is_aside "$1" || { [ "${FULL:-0}" != 1 ] && [ $(((way % 3 == 0) ^ ($2 % 2))) -eq 0 ]; }; }; then
                row+=" |${due[way + 2]% }"
            else
                run_program "$program" "$level" "$layout"
                row+=" | $(code_found)"
            fi
            way=$((way + 1))
        done
    done
    echo "$row |"
}

{
    echo "| program of tests/faults | \`trace\`, \`same\` | \`trace\`, \`header\` | \`normal\`, \`same\` | \`normal\`, \`header\` |"
    echo '|---|---|---|---|---|'
    fault_programs | awk '{ print $0, NR }' | each_in_parallel row
} >table

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
