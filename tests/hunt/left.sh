#!/usr/bin/env bash
# Processes that PROGRAM leaves behind: `hunt` waits for them, ends them, and says so; also when its time is over, and on a
# terminal, where PROGRAM reads and hears Ctrl-C as without.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
leaver=$BUILD/tests/hunt/leaver
export HAKMEM_GUARD=off # of the first run: it finds the damage late
export LC_ALL=C
wrong() { complain "$*"; grep '^hakmem' err; }
# None that the last hunt's programs have noted runs; `pids` goes. One that has ended stays in /proc until its parent, which may be init, has heard of it.
all_gone() {
    local pid
    while read -r pid; do
        ! grep -qs '^State:.[^ZX]' "/proc/$pid/status" || wrong "$1: process $pid is left: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
        kill -KILL "$pid" 2>/dev/null
    done <pids
    rm -f pids
}
# hunt STATUS ARGUMENT...
hunt() {
    local due=$1
    shift
    timeout 300 "$trace" hunt -f -o o.db "$@" >out 2>err </dev/null
    status=$?
    [ "$status" -eq "$due" ] || wrong "hunt $*: exit status $status, $due was due"
}
# hunt_in_time SIGN ARGUMENT...: within $time, a second on a machine that is not busy, PROGRAM comes so far that `out` or `err` has SIGN.
hunt_in_time() {
    local sign=$1
    shift
    for time in '1 second' '8 seconds' '64 seconds'; do
        hunt 0 --runs 1 --timeout "${time% *}" "$@"
        ! grep -q "$sign" out err || break
        : >>pids && all_gone "$time" # which it has not made yet
    done
}
# says TITLE LINE: a line of the hunt's own is exactly this.
says() {
    grep -qxF "hakmem: $2" err || wrong "$1: '$2' is due"
}

# The fault is in what is left behind: each run waits for that.
hunt 1 -- "$leaver" damage
line=$(grep -n '/\* here \*/' "$SOURCE/tests/hunt/leaver.c" | cut -d: -f1)
grep -q "^SUMMARY: hakmem: heap-buffer-overflow leaver.c:$line " err || wrong 'damage: the instruction was not named'
says damage 'the instruction is named; seen in 3 of 3 runs; run 2: o.db'
all_gone damage

# Processes that do not end by themselves are ended: two after the first run's, and after each.
hunt 0 --runs 2 -- "$leaver" sleep
says sleep 'run 1, level normal: no fault; the program ended with status 3; 2 processes that it left behind were ended: leaver, leaver'
[ "$(wc -l <pids)" -eq 6 ] || wrong "sleep: $(wc -l <pids) processes were noted"
all_gone sleep
hunt 0 --runs 1 -- "$leaver" deaf
says deaf 'run 1, level normal: no fault; the program ended with status 3; 2 processes that it left behind were ended: leaver, leaver'
all_gone deaf

# PROGRAM and what it leaves have as much of the given time as they want, and no more.
hunt_in_time '^left$' -- "$leaver" hang
says hang "run 1, level normal: no fault; the program was ended after $time; 2 processes that it left behind were ended: leaver, leaver"
all_gone hang
hunt_in_time 'the program ended' -- "$leaver" sleep
says timeout 'run 1, level normal: no fault; the program ended with status 3; 2 processes that it left behind were ended: leaver, leaver'
all_gone timeout

# JSON has the numbers, and a program that leaves nothing has nothing said.
hunt_in_time '"timed_out": false' --json --show none -- "$leaver" sleep
python3 -c 'import json
run = json.load(open("out"))["runs"][0]
assert (run["left_ended"], run["left_running"], run["timed_out"]) == (2, 0, False), run' || wrong 'json'
all_gone json
hunt 0 --runs 1 -- "$leaver" none
says none 'run 1, level normal: no fault; the program ended with status 3'

# On a terminal: PROGRAM is in its foreground, reads what is typed, and Ctrl-C reaches it and what it left.
cat >terminal.py <<'END'
import os, pty, signal, sys, time

typed, awaited, command = sys.argv[1].encode().decode("unicode_escape").encode(), sys.argv[2].encode(), sys.argv[3:]
signal.alarm(300)
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(command[0], command)
shown = b""
if not awaited:
    os.write(terminal, typed)
while True:
    try:
        got = os.read(terminal, 4096)
    except OSError:
        break
    if awaited and awaited in shown + got:
        os.write(terminal, typed)
        awaited = b""
    shown += got
    if not got:
        break
sys.stdout.buffer.write(shown.replace(b"\r", b""))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
on_terminal() { # STATUS TYPED AWAITED ARGUMENT...
    local due=$1 typed=$2 awaited=$3
    shift 3
    python3 terminal.py "$typed" "$awaited" "$trace" hunt -f -o o.db --color never --runs 1 "$@" >err
    status=$?
    sed -i 's/^\^C//' err # is echoed
    [ "$status" -eq "$due" ] || wrong "on a terminal, $*: exit status $status, $due was due"
}
on_terminal 1 'bad input here\n\x04' '' -- "$BUILD/tests/hunt/copy"
grep -q '^hakmem: run 1, level normal: HKM-301 ' err || wrong 'what was typed did not come to the program'
on_terminal 130 '\x03' left -- "$leaver" hang
says 'Ctrl-C' 'run 1, level normal: no fault; the program ended by SIGINT; 2 processes that it left behind were ended: leaver, leaver'
all_gone 'Ctrl-C'
exit "$failed"
