#!/usr/bin/env bash
# TERM and INT that somebody sends to `run`, while the program hears them and goes on: the first is the program's, the second
# ends `run` and the recording goes on, a third ends the recording, and the store is closed: one that is there before `run` has
# said that it leaves, and one within 5 s of that. The same one again within a second is no second one.
. "${SOURCE:?}/tests/tools/tree_run.sh"
mkfifo heard orders answers
exec 5<>heard 6<>orders 7<>answers

due() { [ "$1" = "$2" ] || fail "$3: '$1' where '$2' was due"; }
# The program's next line, or byte of a signal.
answer() { local line; read -r -t 60 line <&7 || line=none; due "$line" "$1" "the program's answer"; }
signal() { local byte; read -r -t 60 -n 1 byte <&5 || byte=none; due "$byte" "$1" "the signal that it got"; }
start() {
    tree_name=$1
    shift
    rm -f store.db*
    env --default-signal=INT "$@" "$trace" run --check "${level:-trace}" --store store.db -- "$BUILD/tests/trees/stubborn" heard <orders >answers 2>err &
    run=$!
    answer ready
    [ $# -eq 0 ] || run=$(pgrep -P "$!" -x hakmem-trace)
    program=$(pgrep -P "$run" -x stubborn)
}
order() { printf %s "$1" >&6; answer "$1 $2"; }
stop() {
    printf q >&6
    gone() { [ ! -d "/proc/$program" ]; }
    until_true gone || fail "the program does not end"
}

start "one TERM"
kill -TERM "$run"
signal T
order m 1
stop
wait "$run"
due $? 7 "status of run"
due "$(cat err)" "" "on stderr"
check_store

start "two TERM"
kill -TERM "$run"
signal T
order m 1
sleep 1
kill -TERM "$run"
wait "$run"
due $? 143 "status of run"
due "$(cat err)" "hakmem-trace: run: a second signal came, and the program did not end by the first: process $program \
($BUILD/tests/trees/stubborn) goes on, and is recorded into store.db; a third within 5 s ends the recording" "on stderr"
order h 1
order m 1
order x 1
stop
until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
expect "count(*) from event where kind = 'MALLOC' and size = 12345" 6
expect "group_concat(end_kind || ' ' || exit_status) from (select * from process where program like '%stubborn' and end_kind < 3)" "1 7"
expect "count(*) from process where program like '%/true'" 1
nothing_lost
check_store

is_cut() {
    until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
    [ ! -e store.db-wal ] || fail "the WAL was left beside the store"
    sum=$(sha256sum <store.db)
    order h 1
    order m 1
    order x 1
    expect "count(*) from event where kind = 'MALLOC' and size = 12345" 3
    expect "group_concat(end_kind || ' ' || note) from process" "0 still running when recording stopped"
    stop
    due "$(cat err | wc -l)" "$1" "lines on stderr"
    due "$(echo ./*.db ./*.rings 2>/dev/null)" "./store.db ./*.rings" "files"
    due "$(sha256sum <store.db)" "$sum" "the closed store"
    "$trace" info -s store.db >info
    grep complete info
}

# The third is there before `run` does anything for the second.
start "three signals"
kill -TERM "$run"
signal T
order m 1
kill -STOP "$run"
until_true are_stopped "$run" || exit 1
sleep 1
kill -TERM "$run"
kill -INT "$run"
kill -CONT "$run"
wait "$run"
due $? 143 "status of run"
due "$(cat err)" "hakmem-trace: run: a third signal came, and the program did not end by the first: process $program \
($BUILD/tests/trees/stubborn) goes on, unrecorded; what it did until now is in store.db" "on stderr"
is_cut 1

# It comes when `run` has said that it leaves.
start "three TERM"
kill -TERM "$run"
signal T
order m 1
sleep 1
kill -TERM "$run"
until_true [ -s err ] || fail "run does not say that it leaves"
kill -STOP "$run"
until_true are_stopped "$run" || exit 1
sleep 1
kill -TERM "$run"
kill -CONT "$run"
wait "$run"
due $? 143 "status of run"
due "$(tail -n 1 err)" "hakmem-trace: run: a third signal came, and the program did not end by the first: process $program \
($BUILD/tests/trees/stubborn) goes on, unrecorded; what it did until now is in store.db" "on stderr"
is_cut 2

# The program ends, and a second signal comes, before `run` looks again: nothing is said of a program that goes on. Its child does, and is recorded on.
start "an end and a second signal"
kill -TERM "$run"
signal T
order f 1
child=$(pgrep -P "$program" -x stubborn)
kill -STOP "$run"
until_true are_stopped "$run" || exit 1
kill -KILL "$program"
has_ended() { [[ $(ps -o stat= -p "$program") == Z* ]]; }
until_true has_ended || fail "the program does not end"
kill -INT "$run"
kill -CONT "$run"
wait "$run"
due $? 130 "status of run"
! grep -q 'goes on' err || fail "said of a program that has ended: $(cat err)"
kill -KILL "$child"
until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
expect "group_concat(end_kind || ' ' || signal) from process" "2 9,2 9"

# Level light has no store before there is a fault: `run` says where the next report goes, and there it goes.
level=light
start "TERM and INT, light"
kill -TERM "$run"
signal T
order m 1
kill -INT "$run"
wait "$run"
due $? 130 "status of run"
due "$(cat err)" "hakmem-trace: run: a second signal came, and the program did not end by the first: process $program \
($BUILD/tests/trees/stubborn) goes on, and its next report starts a collector and goes into store.db" "on stderr"
order h 1
kill -ABRT "$program"
until_true gone || fail "the program does not end"
until_true no_collector || fail "the collector does not end"
expect "count(*) from fault" 1
expect "group_concat(end_kind || ' ' || signal) from process" "2 6"

# The same TERM twice within a second, as far as this machine lets us be so fast; and as timeout(1) sends it, which ends by
# the program's status.
level=trace
for ((try = 0; try < 20; try++)); do
    start "TERM twice at once"
    from=${EPOCHREALTIME/[.,]/}
    kill -TERM "$run"
    signal T
    kill -TERM "$run"
    is_at_once=$((${EPOCHREALTIME/[.,]/} - from < 900000))
    order h 1
    stop
    wait "$run"
    status=$?
    [ $is_at_once -eq 0 ] || break
done
due "$status $is_at_once" "7 1" "status of run, and that it was at once"
due "$(cat err)" "" "on stderr"
start "by timeout" timeout 1000
timeout=$!
kill -TERM "$timeout"
signal T
printf m >&6
read -r -t 60 line <&7
[[ $line == "m "[12] ]] || fail "the program's answer: '$line'"
stop
wait "$timeout"
due $? 7 "status of run by timeout"
due "$(cat err)" "" "on stderr"
expect "count(*) from event where kind = 'MALLOC' and size = 12345" 3
check_store

# A TERM that comes before the program is executed ends it as soon as it is: in the child while it still has the handlers of `run`
# (sigaction, which gives them back), and as it is about to become the program (execvp).
"${CC:-gcc}" -shared -fPIC -O1 -o late_exec.so -x c - -ldl <<'END' || fail "no library"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static pid_t first;
__attribute__((constructor)) static void start(void) { first = strcmp(program_invocation_short_name, "hakmem-trace") ? 0 : getpid(); }
static void wait_at(const char *call) {
    if (!first || getpid() == first || strcmp(getenv("WAITS_AT"), call) != 0)
        return;
    close(open("at_call", O_CREAT | O_WRONLY, 0600));
    while (access("go", F_OK) != 0)
        usleep(10000);
}
int execvp(const char *file, char *const arguments[]) {
    wait_at("execvp");
    return ((int (*)(const char *, char *const[]))dlsym(RTLD_NEXT, "execvp"))(file, arguments);
}
int sigaction(int number, const struct sigaction *action, struct sigaction *before) {
    wait_at("sigaction");
    return ((int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_NEXT, "sigaction"))(number, action, before);
}
END
for call in sigaction execvp; do
    ! left_out before_program || break
    for level in trace light; do
        tree_name="TERM before the program, at $call, level $level"
        rm -f store.db* at_call go
        WAITS_AT=$call LD_PRELOAD=$PWD/late_exec.so "$trace" run --check $level --store store.db -- /bin/sleep 1000 >out 2>err &
        run=$!
        until_true [ -e at_call ] || fail "the program is not executed"
        program=$(pgrep -P "$run" | head -n 1)
        kill -TERM "$run"
        touch go
        until_true gone || { kill -KILL "$program"; fail "the program goes on"; }
        wait "$run"
        due $? 143 "status of run"
        due "$(cat err)" "" "on stderr"
    done
done
