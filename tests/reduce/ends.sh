#!/usr/bin/env bash
# `reduce` that is ended, or that cannot write, claims nothing that it did not see, and leaves neither files nor processes behind. Options
# and texts that do not fit are refused before the work.
. "${SOURCE:?}/tests/tools/reduced.sh"
mkdir temporary bin
export TMPDIR=$PWD/temporary
env HAKMEM_GUARD_WATCH=off "$trace" run -f --check normal -s a.db -- "$BUILD/tests/faults/overflow_free" >/dev/null 2>&1
[ "$("$trace" sql -s a.db 'SELECT code FROM fault WHERE id = 1')" = 301 ] || fail 'overflow_free: no fault in its record'
nothing_left() {
    [ -z "$(ls -A temporary)" ] || complain "$1: left behind: $(ls temporary)"
    rm -rf temporary/*
}

# Ctrl-C while the C program is compiled, or while it runs: nothing is said of it.
compiler() { # makes `cc` of standard input
    { echo '#!/bin/sh'; cat; } >bin/cc
    chmod +x bin/cc
}
interrupted() { # CASE
    PATH=$PWD/bin:$PATH env --default-signal=INT "$trace" reduce -s a.db --c out.c >said 2>errors
    local status=$?
    [ $status -eq 130 ] || complain "$1: status $status: $(cat errors)"
    [ "$(grep -c '^ \*     .*: not run: interrupted$' out.c)" -eq 4 ] || complain "$1: the head: $(head -n 12 out.c)"
    grep -q '^ *hakmem: not run: interrupted$' said || complain "$1: the answer: $(cat said)"
    nothing_left "$1"
    rm -f out.c
}
compiler <<'C'
kill -INT $PPID
exec sleep 1000
C
interrupted 'Ctrl-C while it is compiled'
compiler <<'C'
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\nkill -INT $PPID\nexec sleep 1000\n' >"$2"
chmod +x "$2"
C
interrupted 'Ctrl-C while it runs'
compiler <<'C'
case "$*" in *sanitize*) echo 'no space left' >&2; exit 1 ;; esac
while [ "$1" != -o ]; do shift; done
echo '#!/none' >"$2"
chmod +x "$2"
C
PATH=$PWD/bin:$PATH "$trace" reduce -s a.db --c out.c >said 2>errors || complain "a program that does not start: status $?: $(cat errors)"
[ "$(grep -c ': not run: it cannot be started$' out.c)" -eq 3 ] || complain "a program that does not start: $(head -n 12 out.c)"
grep -q 'address sanitizer: not run: cc -fsanitize=address fails: no space left$' out.c || complain "a compiler that fails: $(head -n 12 out.c)"

# SIGTERM and SIGHUP end it like Ctrl-C, and with it all that CMD started, also in groups and sessions of their own.
cat >hangs <<'C'
#!/bin/sh
[ -e was_run ] || { : >was_run; exit 0; }
timeout 1000 sh -c 'echo $$ >>children; exec sleep 1000' &
setsid sh -c 'echo $$ >>children; exec sleep 1000' &
while [ "$(wc -l <children)" -lt 2 ]; do sleep 0.01; done
kill -"$1" "$2"
exec sleep 1000
C
chmod +x hangs
finds_all=1
! left_out children_of_cmd || finds_all=0
for signal in TERM HUP; do
    : >children
    env --default-signal=$signal "$trace" reduce -s a.db --c out.c --check "./hangs $signal \$PPID" >said 2>errors
    status=$?
    [ $status -eq 130 ] && grep -q '^It may not be the shortest: it was interrupted' said || complain "SIG$signal: status $status: $(cat said errors)"
    nothing_left "SIG$signal"
    [ "$(wc -l <children)" -eq 2 ] || complain "SIG$signal: CMD did not start its children"
    while read -r child; do
        kill -0 "$child" 2>/dev/null && { [ $finds_all -eq 0 ] || complain "SIG$signal: process $child is left"; kill -KILL "$child"; }
    done <children
    rm -f was_run
done

# Each of these errors comes before the work.
refused() { # STATUS WORDS ARGUMENTS...
    local due=$1 message=$2
    shift 2
    "$trace" reduce -s a.db "$@" >said 2>errors
    local status=$?
    [ $status -eq "$due" ] && grep -q -- "$message" errors && [ ! -s said ] || complain "$*: status $status: $(cat said errors)"
    [ ! -e worked ] || complain "$*: it was said after the work"
    rm -f worked
    nothing_left "$*"
}
refused 3 'none/out.c cannot be written' --check 'touch worked' --c none/out.c
refused 3 'temporary cannot be written: Is a directory' --check 'touch worked' --c temporary
refused 2 'reduce --c: the name of a file was expected' --check 'touch worked' --c ''
TMPDIR=$PWD/none refused 3 'no folder can be made in .*/none' --c out.c
refused 2 'reduce --fault 0: a number from 1 on' --fault 0
refused 2 'reduce --process: only for --check' --process 1 --fault 1
mkdir 'a b'
cp "$BUILD"/hakmem-{trace,player,collect} "$BUILD/hakmem-debug.so" 'a b'
trace="$PWD/a b/hakmem-trace" refused 3 'reduce: .*/a b/hakmem-debug.so: LD_PRELOAD cannot name a file with a space'
left=$(find . -maxdepth 1 -name "out.c.new.*")
[ -z "$left" ] || complain "left behind: $left"

# CMD that is gone after its first run: what it accepted stays, and it is said.
"$trace" reduce -s a.db --c out.c --check '[ ! -e was_run ] && : >was_run || ./none' >said 2>errors
status=$?
[ $status -eq 4 ] && grep -q '^It may not be the shortest: the command cannot be run: exit status 127, .*none' said && [ "$(grep -c '^[0-9]' said)" -gt 0 ] ||
    complain "CMD that is gone: status $status: $(cat said errors)"
"$trace" reduce -s a.db --json --check '[ ! -e was_asked ] && : >was_asked || ./none' >said 2>errors
[ $? -eq 4 ] && python3 -c 'import json, sys; page = json.load(sys.stdin)
sys.exit(page["shortest"] or not page["stopped"].startswith("the command cannot be run: exit status 127"))' <said ||
    complain "CMD that is gone, JSON: $(cat said errors)"
grep -q 'It may not be the shortest' out.c && grep -q 'reduce --check: the command cannot be run' errors || complain "CMD that is gone: $(cat errors)"
nothing_left 'CMD that is gone'
rm -f was_run out.c

# A report that says no place, none at all, and a run whose report is raw, as no collector starts: each is said.
with_report() { # CODE OF PYTHON: changes the text of the report, a JSON document
    cp a.db b.db
    python3 -c 'import sqlite3, sys
with sqlite3.connect("b.db") as db:
    json = db.execute("SELECT json FROM fault").fetchone()[0]
    db.execute("UPDATE fault SET json = ?", (eval(sys.argv[1]),))' "$1" || fail 'the report cannot be changed'
    "$trace" reduce -s b.db >said 2>errors
}
with_report 'json.replace("hop=", "at=")'
[ $? -eq 4 ] && grep -q 'its report does not say where it was found' errors || complain "no place: $(cat said errors)"
with_report '""'
[ $? -eq 4 ] && grep -q 'fault 1 of b.db has no report to go by' errors || complain "no report: $(cat said errors)"
mkdir lonely
cp "$BUILD"/hakmem-{trace,player} "$BUILD/hakmem-debug.so" lonely
printf '#!/bin/sh\nexit 1\n' >lonely/hakmem-collect
chmod +x lonely/hakmem-collect
lonely/hakmem-trace reduce -s a.db >said 2>errors
[ $? -eq 3 ] && grep -q 'a run gave a raw report' errors || complain "raw reports: $(cat said errors)"

# Marks of comments in CMD stay out of the comment in the program's head.
"$trace" reduce -s a.db --c out.c --check ': */ /* *//*' >said 2>errors || complain "marks of comments: status $?: $(cat errors)"
${CC:-cc} -Wall -Werror -o out out.c || complain "marks of comments: $(head -n 1 out.c)"

# CMD may print any amount: no file keeps it, whose size has a limit here.
(ulimit -f 1024; exec "$trace" reduce -s a.db --check 'head -c 3000000 /dev/zero >&2') >said 2>errors ||
    complain "much output: status $?: $(head -c 300 errors)"
[ $failed -eq 0 ]
