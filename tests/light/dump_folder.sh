#!/usr/bin/env bash
# HAKMEM_HEAP_PROFILE_DUMP: files of processes that have ended stay up to 480 in a folder, the oldest go. Files of living processes, of other
# users and others' files stay, whatever their names and times are. Remains of a killed collector go once nobody can write them any more.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C HAKMEM_CHECK=light HAKMEM_HEAP_PROFILE=64K
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/obeys.sh"

written() { "$trace" ctl "$program" 2>&1 | grep -qxE "profiles +$1 files? written to $PWD/files"; }
file() { printf 'files/hakmem-heap.obeys.%d.%04d.db' "$1" "$2"; }
is_there() { [ -e "$1" ] || [ -L "$1" ]; }
mkdir files

# ---- a process that has ended, with 20 files that are stores and 470 newer ones ---------------------
start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP=files,signal
obey take a 8000000
kill -USR2 "$program"
until_true written 1 || complain "no file: $(ls -A files)"
finish
ended=$program
for number in $(seq 2 20); do cp "$(file "$ended" 1)" "$(file "$ended" "$number")"; done
for number in $(seq 1 20); do touch -d "2020-01-01 00:00:$number" "$(file "$ended" "$number")"; done
(cd files && seq -f "hakmem-heap.other.$ended.%04g.db" 470 | xargs touch -d 2021-01-01)

# ---- others, all of them older -------------------------------------------------------------------
first=$(file "$ended" 1)
cp "$first" files/hakmem-heap.obeys.db
cp "$first" "files/hakmem-heap.obeys.$ended.x.db"
cp "$first" "$(file "$ended" 101)" && ln -s "$PWD/files/hakmem-heap.obeys.db" "$(file "$ended" 102)"
echo 'no store' >"$(file "$ended" 103)"
chown nobody "$(file "$ended" 101)" || fail "it needs root"
(cd files && touch -h -d 2019-01-01 hakmem-heap.obeys.db "hakmem-heap.obeys.$ended".{x,0101,0102,0103}.db)
start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP=files,signal
obey take a 8000000
kill -USR2 "$program"
until_true written 1 || complain "the living one has no file: $(cat errors)"
living=$program
touch -d 2019-01-01 "$(file "$living" 1)"

# ---- what killed collectors left -------------------------------------------------------------------
left=files/.hakmem-heap.obeys.$ended.$ended.18a
for end in '' -wal -shm -journal; do : >"$left$end" && touch -d 2020-01-01 "$left$end"; done
: >"${left}b" # somebody writes it
for name in .hakmem-heap.obeys .hakmem-heap.obeys.1.x.18a .hakmem-heap.obeys.1."$ended".18z .other.1."$ended".18a; do : >"files/$name"; done
touch -d 2020-01-01 files/.hakmem-heap.obeys{,.1.x.18a,.1."$ended".18z} "files/.other.1.$ended.18a"
first_old=$(($(ps -o etimes= -p 1) > 900))
: >"files/.hakmem-heap.obeys.1.1.18a" && touch -d '14 minutes ago' "files/.hakmem-heap.obeys.1.1.18a"
kill -USR2 "$program"
until_true written 2 || complain "no second file: $(cat errors)"
# Where a busy machine answers the look at the living one too late, its file counts again at the next one.
count=2
removed() { # NUMBER: of the ended one's files, or the living one's first; else writes one more
    ! is_there "$(file "$ended" "$1")" || ! is_there "$(file "$living" 1)" && return
    count=$((count + 1))
    kill -USR2 "$program"
    until_true written $count
    false
}
until_true removed 12

# ---- 20, 470, the text and the living one of 2019 look like ended ones: 480 are due, and neither of the last two goes -----
for number in $(seq 1 12); do ! is_there "$(file "$ended" "$number")" || complain "$number is there"; done
for number in $(seq 13 20) 101 102 103; do is_there "$(file "$ended" "$number")" || complain "$number is gone"; done
[ "$(find files -name 'hakmem-heap.other.*' | wc -l)" = 470 ] || complain "newer ones are gone"
for path in files/hakmem-heap.obeys.db "files/hakmem-heap.obeys.$ended.x.db" "$(file "$living" 1)" "$(file "$living" 2)" "${left}b" \
    files/.hakmem-heap.obeys{,.1.x.18a,.1."$ended".18z} "files/.other.1.$ended.18a"; do
    is_there "$path" || complain "$path is gone"
done
for end in '' -wal -shm -journal; do ! is_there "$left$end" || complain "$left$end is there"; done
[ "$first_old" = 0 ] || is_there files/.hakmem-heap.obeys.1.1.18a || complain "the file of a process that is there is gone"
finish
[ -s errors ] && complain "it says $(cat errors)"

# ---- collectors that remove at the same time: 480 stay ---------------------------------------------
printf '#!/bin/sh\ncat <&3 >"%s/copy"\n' "$PWD" >keeps && chmod +x keeps
rm -r files && mkdir files
start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP=files,signal HAKMEM_COLLECT="$PWD/keeps"
obey take a 8000000
kill -USR2 "$program"
until_true test -s copy && finish
ended=$program
"$BUILD/hakmem-collect" --profile 3<>copy
for number in $(seq 2 480); do ln "$(file "$ended" 1)" "files/hakmem-heap.others.$ended.$(printf %04d "$number").db"; done
collectors=()
for number in $(seq 10); do
    cp copy "copy.$number"
    "$BUILD/hakmem-collect" --profile 3<>"copy.$number" &
    collectors+=($!)
done
wait "${collectors[@]}"
[ "$(find files -name 'hakmem-heap.*' | wc -l)" = 480 ] || complain "ten at once leave $(find files -type f | wc -l) files: $(cat errors)"
exit "$failed"
