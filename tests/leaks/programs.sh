#!/usr/bin/env bash
# The leak scan finds in each program here what the program's first comment says: LOST with blocks
# and bytes of both kinds, or KEPT and nothing at all. Compiled with -O0 and -O2; in both levels and
# layouts, recorded and not: each program goes two of these five ways, with FULL=1 all.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
work=$PWD
cd "$SOURCE" || exit 2
only=${1:-}

# Is the way $2 due for the program with the number $1? Two of five, other ones from program to program. Where programs are named all are due.
is_due() { [ "${FULL:-0}" = 1 ] || [ -n "$only" ] || [ $((($1 + $2) % 5)) -lt 2 ]; }

compile() {
    local source=$1 option=$2 name compiler
    name=$(basename "$source")
    compiler=${CC:-gcc}
    [ "${name##*.}" = c ] || compiler=${CXX:-g++}
    "$compiler" "$option" -g -w -o "$work/${name%.*}$option" "$source" -pthread -ldl
}
gcc -O0 -g -shared -fPIC -o "$work/library.so" tests/leaks/library.c || exit 2
jobs_left=0 number=0
for source in tests/leaks/lost_*.c* tests/leaks/kept_*.c*; do
    case "$source" in *"$only"*) ;; *) continue ;; esac
    for option in -O0 -O2; do
        [ $option = -O0 ] || is_due $number 0 || continue
        compile "$source" "$option" &
        jobs_left=$((jobs_left + 1))
        [ $((jobs_left % 4)) -ne 0 ] || wait
    done
    number=$((number + 1))
done
wait

# "direct 1 100 indirect 0 0" of a report written by the program itself.
count_raw() {
    awk '/^  (Direct|Indirect) leak of/ { gsub(",", ""); k = tolower($1); bytes[k] += $4; blocks[k] += $7 }
         END { printf "direct %d %d indirect %d %d\n", blocks["direct"], bytes["direct"],
               blocks["indirect"], bytes["indirect"] }' "$1"
}
count_stored() {
    "$BUILD/hakmem-trace" sql -s "$1" "SELECT 'direct', total(count) FILTER (WHERE kind = 'direct'),
        total(bytes) FILTER (WHERE kind = 'direct'), 'indirect',
        total(count) FILTER (WHERE kind = 'indirect'),
        total(bytes) FILTER (WHERE kind = 'indirect') FROM leak" |
        awk '{ printf "%s %d %d %s %d %d\n", $1, $2, $3, $4, $5, $6 }'
}

check() {
    [ "$3" = "$2" ] || echo "$1 ($4): found $3, expected $2"
}

run_raw() { # program, what is due, level, layout
    local log=$1.$3.$4.log name
    name=$(basename "$1")
    HAKMEM_TRACE=off HAKMEM_CHECK=$3 HAKMEM_LAYOUT=$4 HAKMEM_LEAKS=1 HAKMEM_LOG=$log \
        LD_PRELOAD=$BUILD/hakmem-debug.so "$1" "$work/library.so" >/dev/null 2>"$log.error" ||
        echo "$name ($3, $4): ended with $?"
    [ ! -s "$log.error" ] || echo "$name ($3, $4): says $(head -1 "$log.error")"
    [ -e "$log" ] || : >"$log"
    check "$name" "$2" "$(count_raw "$log")" "$3, $4, not recorded"
}

run_recorded() { # program, what is due
    local name
    name=$(basename "$1")
    HAKMEM_CHECK=trace HAKMEM_LAYOUT=header "$BUILD/hakmem-trace" run --leaks=1 --log "$1.log" \
        -s "$1.db" -- "$1" "$work/library.so" >/dev/null 2>&1 ||
        echo "$name (recorded): ended with $?"
    check "$name" "$2" "$(count_stored "$1.db")" "trace, header, recorded"
}

try() { # source, its number
    local name due
    name=$(basename "${1%.*}")
    due=$(sed -nE 's/.*LOST (direct [0-9]+ [0-9]+ indirect [0-9]+ [0-9]+).*/\1/p' "$1")
    [ -n "$due" ] || due="direct 0 0 indirect 0 0"
    is_due "$2" 0 && run_raw "$work/$name-O2" "$due" normal header
    is_due "$2" 1 && run_raw "$work/$name-O0" "$due" normal header
    is_due "$2" 2 && run_raw "$work/$name-O0" "$due" normal same
    is_due "$2" 3 && run_raw "$work/$name-O0" "$due" trace same
    is_due "$2" 4 && run_recorded "$work/$name-O0" "$due"
}

count=0
for source in tests/leaks/lost_*.c* tests/leaks/kept_*.c*; do
    case "$source" in *"$only"*) ;; *) continue ;; esac
    try "$source" $count >"$work/said.$(basename "$source")" 2>&1 &
    count=$((count + 1))
    [ $((count % 4)) -ne 0 ] || wait
done
wait
cat "$work"/said.*
[ -z "$(cat "$work"/said.*)" ]
