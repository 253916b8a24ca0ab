#!/usr/bin/env bash
# What `record -p` refuses, with the reason, and leaves as it was.
# timeout: 600
set -u
unset "${!HAKMEM_@}"
trace=$BUILD/hakmem-trace target=$BUILD/tests/attach/target
status=0
pids=()
# shellcheck disable=SC2317
end_all() {
    for one in "${pids[@]}"; do kill -KILL "$one" 2>/dev/null; done
    wait 2>/dev/null
}
trap end_all EXIT
complain() {
    echo "$*"
    status=1
}
# NAME COMMAND...: starts it; pid becomes the process that is to be recorded.
start() {
    local name=$1
    shift
    "$@" >"$name.out" 2>&1 &
    pids+=($!)
    for ((i = 0; i < 600; i++)); do
        grep -q ready "$name.out" && break
        sleep 0.1
    done
    read -r _ pid other <"$name.out"
    [ "${pid:-0}" -gt 0 ] || { complain "$name: $(cat "$name.out")"; pid=0; }
    pids+=("$pid")
}
# NAME PATTERN: one line on stderr, status 2, no store, and the process is there.
refused() {
    "$trace" record -p "$pid" --for 10ms -s refused.db >out 2>err
    local got=$?
    [ "$got" -eq 2 ] || complain "$1: status $got; due: 2: $(cat err)"
    printf 'hakmem-trace: record: process %s (%s) %s\n' "$pid" "${3-target}" "$2" | cmp -s - err || complain "$1: $(cat err); due: $2"
    [ -s out ] && complain "$1: something is on stdout: $(cat out)"
    [ -e refused.db ] && complain "$1: there is a store"
    kill -0 "$pid" 2>/dev/null || complain "$1: the process has ended"
}

start plain "$target" plain
plain=$pid
start seccomp "$target" seccomp
refused seccomp 'is in a seccomp sandbox, whose rules may end it for the recorder'"'"'s system calls; start it with `hakmem-trace run`'
start traced "$target" traced
refused traced "is traced already, by process $other; a debugger or strace has to leave it first"

pid=$plain
kill -STOP "$pid"
for ((i = 0; i < 600; i++)); do
    grep -q '^State:.T' "/proc/$pid/status" && break
    sleep 0.1
done
refused stopped 'is stopped by a signal; continue it first (kill -CONT)'
kill -CONT "$pid"

start preloaded env HAKMEM_TRACE_FILE="$PWD/preloaded.db" LD_PRELOAD="$BUILD/hakmem-record.so" "$target" plain
refused preloaded 'is not recorded: it runs under hakmem already'

"${CC:-gcc}" -static -O1 -o still "$SOURCE/tests/attach/target.c" 2>cc.err || complain "no static program: $(cat cc.err)"
start static ./still plain
refused static 'is statically linked' still

if [ "$(id -u)" -eq 0 ]; then
    start stranger setpriv --reuid 65534 --regid 65534 --clear-groups "$target" plain
    refused stranger 'belongs to another user, or has rights that its user has not; its user can record it'
    start files unshare -m "$target" plain
    refused files 'sees other files than this command (a container or chroot); run hakmem-trace inside'
    start network unshare -n "$target" plain
    refused network 'is in another network or pid namespace; run hakmem-trace inside'
fi

# The command line.
said() { # DUE ARGUMENTS...
    local due=$1
    shift
    "$trace" record "$@" >out 2>err
    local got=$?
    [ "$got" -eq 2 ] || complain "record $*: status $got; due: 2"
    [ "$(cat err)" = "hakmem-trace: record: $due" ] || complain "record $*: $(cat err); due: $due"
}
said '-p PID is missing: which process?'
said "'four' is no process id" -p four
said 'there is no process 4194305' -p 4194305

# And it can be recorded after all that.
pid=$plain
"$trace" record -p "$pid" --for 20ms -s plain.db >out 2>err || complain "plain: $(cat err)"
grep -qx "hakmem: [0-9,]* events of process $pid (target), plain.db" err || complain "plain: $(cat err)"
"$trace" record -p "$pid" --for 20ms -s plain.db >out 2>err && complain 'a store was replaced without --force'
grep -q 'plain.db exists already; --force replaces it' err || complain "again: $(cat err)"
exit "$status"
