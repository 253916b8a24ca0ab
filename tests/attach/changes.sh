#!/usr/bin/env bash
# A program that goes another way while `record -p` is at it: executes another one, forks, exits in the middle of the
# attaching, is stopped and continued by signals. It ends as it would without, and `record` ends, too, and says why.
# timeout: 900
. "${SOURCE:?}/tests/tools/attach_rounds.sh"
target=$BUILD/tests/attach/target
rounds=${ROUNDS-6}
second= # a thread that it names

# COMMAND...: starts it; pid
start() {
    rm -f target.out
    "$@" >target.out 2>&1 &
    pid=$!
    await_or_fail grep -q ready target.out
}
is_in_state() { # STATES PROCESS [THREAD]; no other program is started, since it is asked often
    local stat
    read -r stat <"/proc/$2/task/${3-$2}/stat" && [[ ${stat##*) } == [$1]* ]]
}
is_recorded() { [ "$("$trace" sql -s "$1" "select count(*) > 5 from event" 2>/dev/null | tail -n 1)" = 1 ]; }
start_recording() {
    rm -f "$1"
    "$trace" record -p "$pid" --force -s "$1" >record.out 2>&1 &
    record=$!
    await_or_fail is_recorded "$1"
}
ends_with() { # STATUS LINES...: of the program
    local status=$1
    shift
    wait "$pid"
    local got=$?
    printf '%s\n' "ready $pid${second:+ $second}" "$@" | cmp - target.out || fail "the program: $(cat target.out)"
    [ "$got" -eq "$status" ] || fail "the program ended with $got; due: $status"
    pid=
}

# Executes from the first thread and from another; with addresses as they come and with the same again.
for how in "$target exec" "$target exec-thread" "setarch -R $target exec"; do
    # shellcheck disable=SC2086
    start $how
    start_recording exec.db
    kill -USR1 "$pid"
    wait "$record" || fail "$how: record ended with $?: $(cat record.out)"
    grep -qx "hakmem-trace: record: process $pid (target) has executed another program, which is not recorded" record.out &&
        grep -Eqx "hakmem: [0-9,]+ events of process $pid \(target\), exec.db" record.out || fail "$how: $(cat record.out)"
    "$trace" check -s exec.db >checked 2>&1
    grep -q '^exec.db: intact, and every.* 1 program was not recorded; the notes of `info` say why' checked || fail "$how: $(cat checked)"
    "$trace" info -s exec.db 2>&1 | grep -q 'executed a program, which was not recorded: `record -p` ends with the program that it began with' || fail "$how: $("$trace" info -s exec.db)"
    await_or_fail grep -q executed target.out
    "$trace" record -p "$pid" --for 20ms -s new.$RANDOM.db >out 2>&1 || fail "$how, what it executed: $(cat out)"
    kill -TERM "$pid"
    ends_with 5 executed 'went on'
done

start "$target" fork
start_recording fork.db
kill -USR1 "$pid"
await_or_fail grep -q forked target.out
kill -INT "$record"
wait "$record" || fail "fork: record ended with $?: $(cat record.out)"
look_through fork.db
[ "$("$trace" sql -s fork.db 'select count(*) from process' | tail -n 1)" -eq 1 ] || fail 'a child was recorded'
kill -TERM "$pid"
ends_with 5 forked 'went on'

events() { "$trace" sql -s "$1" 'select count(*) from event' 2>/dev/null | tail -n 1; }
has_more_events() { [ "$(events "$1")" -gt "$2" ]; }

# Its first thread ends, and is a zombie in /proc from then on: it is recorded still, and can be recorded again.
start "$target" leave
start_recording leave.db
kill -USR1 "$pid"
await_or_fail is_in_state Z "$pid"
await_or_fail has_more_events leave.db $(($(events leave.db) + 200))
kill -0 "$record" || fail "leave: record has ended: $(cat record.out)"
kill -INT "$record"
wait "$record" || fail "leave: record ended with $?: $(cat record.out)"
grep -Eqx "hakmem: [0-9,]+ events of process $pid \(target\), leave.db" record.out || fail "leave: $(cat record.out)"
look_through leave.db
"$trace" record -p "$pid" --for 20ms --force -s leave.db >out 2>&1 || fail "leave, again: $(cat out)"
look_through leave.db
[ "$("$trace" sql -s leave.db 'select end_kind from process' | tail -n 1)" -eq 0 ] || fail "leave: it is said to have ended: $("$trace" info -s leave.db)"
kill -TERM "$pid"
ends_with 5 'went on'

# A thread sleeps where no stop reaches it: another one makes the calls, and it is let go as soon as it wakes.
start "$target" asleep
read -r _ _ second <target.out
await_or_fail is_in_state DS "$pid" "$second"
start_recording asleep.db
kill -USR1 "$pid"
await_or_fail grep -q awake target.out
await_or_fail grep -qx 'TracerPid:.0' "/proc/$pid/task/$second/status"
kill -0 "$record" || fail "asleep: record has ended: $(cat record.out)"
kill -INT "$record"
wait "$record" || fail "asleep: record ended with $?: $(cat record.out)"
look_through asleep.db
kill -TERM "$pid"
ends_with 5 awake 'went on'

# One that goes on sleeping does not stay traced, for a debugger may want it.
start "$target" asleep
read -r _ _ second <target.out
await_or_fail is_in_state DS "$pid" "$second"
start_recording asleep.db
await_or_fail grep -qx 'TracerPid:.0' "/proc/$pid/task/$second/status"
! grep -q awake target.out || fail "asleep: it is awake"
await_or_fail has_more_events asleep.db $(($(events asleep.db) + 200))
kill -INT "$record"
wait "$record" || fail "asleep: record ended with $?: $(cat record.out)"
look_through asleep.db
kill -TERM "$pid"
ends_with 5 awake 'went on'

# It wakes in the midst of a call by another thread, which waits for it.
mkdir -p waits
cp "$trace" "$BUILD/hakmem-collect" waits
"${CC:-gcc}" -shared -fPIC -O1 -o waits/hakmem-attach.so -x c - <<'END' || fail 'no library'
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void wake(void) {
    char said[4096] = "";
    if (write(4, "x", 1) != 1) /* for which the sleeper's child waits */
        return;
    for (int looks = 0; looks < 600 && !strstr(said, "awake"); looks++) {
        int file = open("target.out", O_RDONLY);
        ssize_t got = read(file, said, sizeof said - 1);
        said[got > 0 ? got : 0] = 0;
        close(file);
        usleep(50000);
    }
}
END
start "$target" asleep
read -r _ _ second <target.out
await_or_fail is_in_state DS "$pid" "$second"
waits/hakmem-trace record -p "$pid" --for 20ms -s waits.db >out 2>&1
grep -q "has a loader that refuses $PWD/waits/hakmem-attach.so" out || fail "a call that waits: $(cat out)" # the call is over
kill -TERM "$pid"
ends_with 5 awake 'went on'
second=

# From before the first look to the end of the recording.
for ((round = 0; round < rounds; round++)); do
    start "$target" exit $((RANDOM % 150 * 1000))
    "$trace" record -p "$pid" --for 20ms --force -s exit.db >record.out 2>&1
    case $? in
    0) look_through exit.db ;;
    2 | 4) ;;
    *) fail "exit, round $round: record ended with a signal: $(cat record.out)" ;;
    esac
    head -n 1 record.out | grep -Eq "^hakmem: [0-9,]+ events? of process $pid \(target\), exit.db$|^hakmem-trace: record: (there is no process $pid|process $pid \(target\) has ended(; its parent has not asked yet how)?)$" ||
        fail "exit, round $round: $(cat record.out)"
    ends_with 7
done

# Stopped, and continued, while it is made to call.
start "$target" plain
(
    while ! [ -e enough ]; do "$trace" record -p "$pid" --for 1ms --force -s stop.db >stop.out 2>&1; done
) &
recorder=$!
for ((round = 0; round < rounds * 10; round++)); do
    kill -STOP "$pid"
    await_or_fail is_in_state T "$pid"
    kill -CONT "$pid"
    await_or_fail is_in_state RS "$pid"
done
touch enough
wait "$recorder"
"$trace" record -p "$pid" --for 20ms --force -s stop.db >out 2>&1 || fail "stopped: $(cat out)"
look_through stop.db
kill -TERM "$pid"
ends_with 143
