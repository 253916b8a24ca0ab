#!/usr/bin/env bash
# report_of.sh BASE: the file with the report that is due here: BASE.gcc10.report where g++ is 10 or older, which gives the destructors
# at the end of a scope other lines, and where that file is there; else BASE.report.
# `report_of.sh --write BASE <REPORT` writes it; where g++ is that old, BASE.report stays, and the other file is there only if they differ.
set -eu
is_old=$(($(g++ -dumpversion | cut -d. -f1) <= 10))
case "$1" in
--write)
    found=$(mktemp) && trap 'rm -f "$found"' EXIT
    cat >"$found"
    if [ $is_old -eq 0 ]; then
        cat "$found" >"$2.report"
    elif cmp -s "$found" "$2.report"; then
        rm -f "$2.gcc10.report"
    else
        cat "$found" >"$2.gcc10.report"
    fi
    ;;
*) if [ $is_old -eq 1 ] && [ -e "$1.gcc10.report" ]; then echo "$1.gcc10.report"; else echo "$1.report"; fi ;;
esac
