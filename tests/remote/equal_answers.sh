#!/usr/bin/env bash
# Every command of ASK and SEE, and check, sql and export, says of a capture on a server what it says of the file: of faults, leaks,
# threads, forks, level light, a kept profile, a profile alone. Only the capture's name is another, and its size (rows, not pages).
# FULL=1 asks everything of each capture; else the first one is asked everything, and of the others each question one or two.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
export PAGER=cat TERM=xterm
compared=0 FULL=${FULL:-0}
start_postgres

${CC:-cc} -w -g -O1 -o mixed "$SOURCE/tests/sqlite/mixed.c" -lpthread || fail "mixed.c does not compile"
${CC:-cc} -w -fno-builtin -O0 -g -o rows "$SOURCE/tests/cli/rows.c" || fail "rows.c does not compile"
"$trace" run --check normal --on-fault continue --leaks -s mixed.db -- ./mixed >out 2>&1
"$trace" run --check trace -s forks.db -- ./rows 500 child >out 2>&1
"$trace" run --check light -s light.db -- "$BUILD/tests/faults/double_free" >out 2>&1
[ -e light.db ] || HAKMEM_GUARD=sample:1 "$trace" run --check light -s light.db -- "$BUILD/tests/faults/double_free" >out 2>&1
"$trace" run --profile-only -s only.db -- ./rows 500 child >out 2>&1
"$BUILD/tests/bench/make_capture" -q -n 300000 -p 65536 stored.db >out || complain "make_capture: $(cat out)"
sqlite3 stored.db 'SELECT count(*) FROM profile_run' | grep -qvx 0 || complain "stored.db keeps no profile"
for name in mixed forks light only stored; do
    [ -e $name.db ] || { complain "no $name.db"; continue; }
    "$trace" push --whole -s $name.db --to "$URL" >pushed 2>&1 || complain "push of $name: $(cat pushed)"
    sed -n "s/^capture \([0-9]*\):.*/$name \1/p" pushed >>numbers
done
server_of() { echo "$URL?capture=$(sed -n "s/^$1 //p" numbers)"; }

# compare NAME COMMAND WORDS...: of file and server. ".." stands for the capture where a command takes two, and is refused nowhere.
compare() {
    local name=$1 server due got
    shift
    server=$(server_of "$name")
    timeout 300 "$trace" "${@//../$name.db}" -s "$name.db" >due 2>due.err <"${input:-/dev/null}"
    due=$?
    timeout 300 "$trace" "${@//../$server}" -s "$server" >got 2>got.err <"${input:-/dev/null}"
    got=$?
    sed -i "s|$PWD/$name\.db|CAPTURE|g; s|$name\.db|CAPTURE|g; s|^hakmem-trace: store: |hakmem-trace: CAPTURE: |; s|'$server'|CAPTURE|g; s|$server|CAPTURE|g; s|${server##*/}|CAPTURE|g" due due.err got got.err
    [ "$1" != html ] || sed -i -E 's/nonce(-|=")[0-9a-f]+/nonce/g' due got
    if [ "$1" = info ]; then
        sed -i -E '/^ *(size|"bytes":|"rest":)/d; s/, the rest .*//' due got
    fi
    compared=$((compared + 1))
    [ "$due" = "$got" ] || complain "$name, $*: status $got; due: $due: $(head -n 3 got.err)"
    cmp -s due got || complain "$name, $*: $(diff due got | cut -c 1-200 | head -n 10)"
    cmp -s due.err got.err || complain "$name, $*: stderr: $(diff due.err got.err | cut -c 1-300 | head -n 6)"
}

# Each command with what it is asked here; the names of all of ASK and SEE must stand in it.
asked='why @fault
why @fault --json
why p:40
why p:40 --json
block p:30
block p:30 --json
events --head 300
events --tail 50 --json
events --kind MALLOC --size 16..64
faults
faults 1
faults --json
leaks
leaks --json
leaks --held
top
top --json
top --tree --at end
top --between start end --by calls --per line
heap
heap --json
layers
layers --json
threads
threads --json
modules
modules --json
info
info --json
info --tree
check
check --json
diff .. ..
diff .. .. --json
export collapsed
export csv
export junit
export sarif
export pprof-text
export speedscope
sql --header SELECT * FROM process
sql SELECT count(*), sum(size), min(at), max(at) FROM event
sql SELECT * FROM life ORDER BY id LIMIT 50
sql SELECT * FROM block ORDER BY base, process LIMIT 50
sql SELECT f.function, f.line, count(*) FROM stack_frame f WHERE f.stack < 300 GROUP BY 1, 2 ORDER BY 1, 2
sql SELECT * FROM profile ORDER BY 1, 2, 3, 4, 5 LIMIT 50
sql SELECT id, kind, first FROM posting_run WHERE id IN (7, 2, 3, 2, 900000000, char(120), 4.0, 4.5) ORDER BY id DESC LIMIT 3
sql SELECT id, max_key FROM posting_run WHERE kind = 0 AND level IN (0, 1) AND min_key <= 1000000 ORDER BY first DESC, min_key, id LIMIT 9 OFFSET 1
sql SELECT id FROM thread WHERE process IN (SELECT id FROM process) ORDER BY id LIMIT 5
sql SELECT (SELECT min(number) FROM chunk_order), (SELECT max(number) FROM chunk_order)
sql SELECT count(*) FROM thread WHERE process = 1 AND process = 2
sql SELECT id, length(data) FROM posting_run WHERE kind = 1 ORDER BY level, first, min_key, id LIMIT 40
sql .tables'
for command in $("$trace" --help | sed -n '/^ASK/,/^CHECK/s/^  \([a-z]*\) .*/\1/p'); do
    case $command in html | view) continue ;; esac # below
    grep -q "^$command\b" <<<"$asked" || complain "nothing is asked of $command"
done
place=0
while read -r name _; do
    place=$((place + 1)) question=0
    while IFS= read -r line <&3; do
        question=$((question + 1))
        [ "$FULL" = 1 ] || [ $place -eq 1 ] || [ $((question % 3)) -eq $((place % 3)) ] || continue
        case $line in
        sql*) read -r -a words <<<"${line%%S[E]LECT*}" && words+=("S${line#*S}") && [ "${line#*SELECT}" != "$line" ] || read -r -a words <<<"$line" ;;
        *) read -r -a words <<<"$line" ;;
        esac
        compare "$name" "${words[@]}"
    done 3<<<"$asked"
    # Every table, row by row and in the file's order.
    sqlite3 "$name.db" "SELECT printf('SELECT * FROM \"%w\" LIMIT 500;', name) FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite*'" >queries
    [ "$(wc -l <queries)" -ge 30 ] || complain "$name has few tables: $(cat queries)"
    input=queries compare "$name" sql --header -
    compare "$name" html -
    for what in "$name.db" "$(server_of "$name")"; do
        printf q | timeout 300 script -qec "stty cols 100 rows 30; $trace view -s '$what'" /dev/null >screen 2>&1
        echo $?
    done | uniq | wc -l | grep -qx 1 || complain "$name: view: $(tail -n 3 screen)"
done <numbers
[ "$(wc -l <numbers)" = 5 ] || complain "pushed: $(cat numbers)"
[ "$compared" -ge $((FULL ? 275 : 110)) ] || complain "only $compared answers were compared"
