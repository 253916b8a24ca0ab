#!/usr/bin/env bash
# report_of.sh BASE: the file with the report that is due here: BASE.gcc10.report where g++ is 10 or older, which gives the destructors
# at the end of a scope other lines, and where that file is there; else BASE.report.
# `report_of.sh --write BASE [LINES] <REPORT` writes it; where g++ is that old, BASE.report stays, and the other file is there only if they differ.
# Lines that match LINES, a regular expression, are nobody's difference: a file that differs in such alone stays as it is.
set -eu
is_old=$(($(g++ -dumpversion | cut -d. -f1) <= 10))

# Whether the file $2 is there and has the lines of $1, but for those of $lines.
is_same() { [ -e "$2" ] && cmp -s <(compared "$1") <(compared "$2"); }
compared() { if [ -n "$lines" ]; then grep -vE -e "$lines" "$1" || true; else cat "$1"; fi; }

case "$1" in
--write)
    lines=${3-} found=$(mktemp) && trap 'rm -f "$found"' EXIT
    cat >"$found"
    if is_same "$found" "$2.report"; then
        [ $is_old -eq 0 ] || rm -f "$2.gcc10.report"
    elif [ $is_old -eq 0 ]; then
        cat "$found" >"$2.report"
    elif ! is_same "$found" "$2.gcc10.report"; then
        cat "$found" >"$2.gcc10.report"
    fi
    ;;
*) if [ $is_old -eq 1 ] && [ -e "$1.gcc10.report" ]; then echo "$1.gcc10.report"; else echo "$1.report"; fi ;;
esac
