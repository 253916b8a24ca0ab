#!/usr/bin/env bash
# A fault in level light gets a store with the lives of the watched blocks, whose collector ends while the program goes
# on; later faults, also of children, and crashes are stored as well, in the same store where it is still there. Blocks
# that were not watched are said not to be known.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
export HAKMEM_CHECK=light HAKMEM_GUARD=sample:1

complain() { echo "$case: $*"; failed=1; }

# begin CASE [VARIABLE=VALUE...]: starts the program in a directory of its own; its input is descriptor 8.
begin() {
    case=$1
    shift
    mkdir "$case" && cd "$case" && mkfifo in || exit 2
    env "$@" LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/light/faulty" <in >out 2>err &
    program=$!
    exec 8>in
}

# fault LETTER [NUMBER]: the fault, waits until the program has gone on from it NUMBER times, and until no collector is
# there.
went_on() { [ "$(grep -c '^on' out)" -ge "$due" ]; }
fault() {
    due=${2:-1}
    echo "$1" >&8
    until_true went_on || { complain "the program has not gone on from $1: $(cat out err)"; return 1; }
    until_true no_collector || complain "a collector is there behind $1: $(collectors)"
}

# finish STATUS: the program ends with it.
finish() {
    exec 8>&-
    wait "$program" 2>/dev/null
    local status=$?
    [ "$status" -eq "$1" ] || complain "exit status $status, $1 was due: $(cat err)"
    until_true no_collector || complain "a collector is left: $(collectors)"
    compgen -G '*.db-*' >/dev/null && complain "a store is not whole: $(ls)"
    [ "$(grep -c '^on' out)" -eq 0 ] || [ "$1" -ne 5 ] || grep -q '^end' out || complain "it did not end: $(cat out)"
}

# says COMMAND TEXT: what the viewer says of the newest store has a line with the pattern TEXT.
says() {
    # shellcheck disable=SC2086
    "$trace" $1 >said 2>&1
    grep -Eq -- "$2" said || complain "'$1' does not say '$2': $(head -n 20 said)"
}
says_not() {
    # shellcheck disable=SC2086
    "$trace" $1 >said 2>&1
    grep -Eq -- "$2" said && complain "'$1' says '$2': $(head -n 20 said)"
}
address_of() { sed -n "s/^$1 //p" out | tail -n 1; }

# whole STORES FAULTS: so many stores, and the newest is intact and has so many faults.
whole() {
    local stores=(*.db)
    [ ${#stores[@]} -eq "$1" ] || complain "the stores are ${stores[*]}, $1 were due"
    "$trace" check >said 2>&1 || complain "$(cat said)"
    [ "$("$trace" sql 'SELECT count(*) FROM fault')" = "$2" ] || complain "$2 faults were due: $("$trace" faults)"
}

begin several
fault r
freed=$(address_of read)
fault w 2
fault t 3
finish 5
whole 1 3
says info 'Level light: '
says info '^checked +reads and writes checked in [0-9]+ of [0-9]+ blocks \(padding aside\), until the last report$'
checked() { "$trace" info --json "$@" | python3 -c 'import json, sys; c = json.load(sys.stdin)["checked"]; print(c["calls"], c["blocks"], c["reads_in_blocks"], c["writes_in_calls"])'; }
[[ $(checked) =~ ^'None '([0-9]+)' '([0-9]+)' 0'$ ]] && ((BASH_REMATCH[1] >= BASH_REMATCH[2] && BASH_REMATCH[2] > 0)) || complain "JSON says of what was checked: $(checked)"
mkdir without && cp ./*.db without/none.db
python3 -c 'import sqlite3; store = sqlite3.connect("without/none.db"); store.execute("DELETE FROM meta WHERE key GLOB \"watched_*\""); store.commit()' || complain "the numbers cannot be removed"
says 'info -s without/none.db' '^checked +reads and writes checked in watched blocks; how many is not recorded$'
[ "$(checked -s without/none.db)" = 'None None None 0' ] || complain "JSON says without numbers: $(checked -s without/none.db)"
rm -r without
says info '1 +[0-9]+ +0\.000 s .*end not seen .*3 faults +still running when recording stopped: no collector'
says "why $freed" 'freed, 1 owner in this capture'
says "why $freed" 'malloc\(40\) +1 faulty +read_freed'
says "why $freed" 'free +1 faulty +read_freed'
says "why $freed" 'FAULT +HKM-304'
says "why $(address_of thread)" 'malloc\(40\) +2 (faulty)? +read_freed'
says "faults 2" 'HISTORY +1 life of this block'
says "block $freed" '1 life'
says 'why 0x10000' 'was in no watched block of this capture'
says_not 'why 0x10000' 'never'
says layers 'malloc, counted from the log'
cd ..

# The child knows all of its own blocks, and of its parent's what the forking thread did.
begin children
fault f
child=$(address_of child)
fault i 2
inherited=$(address_of inherited)
finish 5
whole 2 1
says "why $inherited" 'malloc\(56\)'
says "why $inherited" 'FAULT +HKM-304'
rm "$(ls -t ./*.db | head -n 1)"
says "why $child" 'malloc\(40\)'
cd ..

begin moved
fault r
first=$(address_of read)
mv ./*.db away
fault w 2
finish 5
whole 1 1
says "why $first" 'malloc\(40\)'
says "why $(address_of write)" 'malloc\(24\)'
cd ..

# The program that it executes has the same pid, and a store beside.
begin executed
fault r
echo x >&8
fault t 2
finish 5
whole 2 1
cd ..

begin crash
fault r
echo c >&8
finish 139
whole 1 2
says "faults 2" 'SIGSEGV'
says info 'killed by SIGSEGV'
cd ..

begin without HAKMEM_TRACE=off
due=1
echo r >&8
until_true went_on || complain "it has not gone on"
finish 5
compgen -G '*.db' >/dev/null && complain "there is a store with HAKMEM_TRACE=off"
grep -q '^hakmem: HKM-304' err || complain "there is no report: $(cat err)"
cd ..

begin elsewhere HAKMEM_TRACE_FILE=/nonexistent/hakmem.elsewhere.db
fault r
fault w 2
finish 5
mv "${TMPDIR:?}"/hakmem.elsewhere*.db .
whole 1 2
cd ..

# No collector can be started, and the next time one can.
begin later HAKMEM_COLLECT="$PWD/later/collect"
fault r
grep -q 'raw report' err || complain "the report is not a raw one: $(cat err)"
ln -s "$BUILD/hakmem-collect" collect
fault w 2
finish 5
whole 1 1
says "why $(address_of read)" 'malloc\(40\)'
cd ..

begin memory
fault m
fault w 2
finish 5
[ "$(grep -c '^hakmem: HKM-' err)" -eq 2 ] || complain "two reports were due: $(cat err)"
cd ..

case=run
mkdir run && cd run || exit 2
printf 'r\nw\n' | "$trace" run --check light -s hakmem.run.db -- "$BUILD/tests/light/faulty" >out 2>err
status=$?
[ $status -eq 5 ] || complain "exit status $status, 5 was due: $(cat err)"
whole 1 2
says info 'exited with 5'
says "why $(address_of read)" 'malloc\(40\)'
says "why $(address_of write)" 'malloc\(24\)'
