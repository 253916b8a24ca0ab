#!/usr/bin/env bash
# Processes that `record -p` refuses, with the reason, and leaves as they were.
# timeout: 600
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/await.sh"
target=$BUILD/tests/attach/target
pids=()
as=()
cleanup() {
    for one in "${pids[@]}"; do kill -KILL "$one" 2>/dev/null; done
    wait 2>/dev/null
}
# NAME COMMAND...: starts it; pid becomes the process that is to be recorded.
start() {
    local name=$1
    shift
    "$@" >"$name.out" 2>&1 &
    pids+=($!)
    await grep -q ready "$name.out"
    read -r _ pid other <"$name.out"
    pid=$((10#${pid:-0})) # one of them writes it with zeros in front
    [ "$pid" -gt 0 ] || { complain "$name: $(cat "$name.out")"; pid=0; }
    pids+=("$pid")
}
# NAME PATTERN: one line on stderr, status 2, no store, and the process is there.
refused() {
    "${as[@]}" "$trace" record -p "$pid" --for 10ms -s refused.db >out 2>err
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
# Another `record` has this name as long as it lives, and traces the process for some moments of that time.
python3 -c 'import signal, socket, sys
name = socket.socket(socket.AF_UNIX)
name.bind("\0hakmem-record-%s-%s" % (sys.argv[1], open("/proc/%s/stat" % sys.argv[1]).read().rpartition(")")[2].split()[19]))
name.listen()
print("ready", flush=True)
signal.pause()' "$pid" >named.out 2>&1 &
named=$!
pids+=($!)
await grep -q ready named.out
refused named 'is being recorded by another hakmem-trace; that one has to end first'
kill -KILL "$named"
wait "$named" 2>/dev/null
refused left "is traced already, by process $other; a debugger or strace has to leave it first"

pid=$plain
kill -STOP "$pid"
await grep -q '^State:.T' "/proc/$pid/status"
refused stopped 'is stopped by a signal; continue it first (kill -CONT)'
kill -CONT "$pid"

if ! command -v strace >/dev/null; then
    echo 'skipped: a process that strace has: no strace'
else
    start straced "$target" plain
    strace -o straced.txt -p "$pid" 2>strace.err &
    other=$!
    pids+=($!)
    await grep -q "^TracerPid:.$other$" "/proc/$pid/status"
    refused straced "is traced already, by process $other; a debugger or strace has to leave it first"
    kill -TERM "$other"
    wait "$other"
fi

# Processes that are recorded already: by a library that came with them, under `run`, or by another command.
start preloaded env HAKMEM_TRACE_FILE="$PWD/preloaded.db" LD_PRELOAD="$BUILD/hakmem-record.so" "$target" plain
refused preloaded 'runs under hakmem already'
start under "$trace" run -s under.db -- "$target" plain
refused under 'runs under hakmem already'

pid=$plain
"$trace" record -p "$pid" -s first.db >first.out 2>&1 &
other=$!
pids+=($!)
is_recorded() { "$trace" sql -s first.db "select 'it is ' || (count(*) > 0) from event" | grep -q 'it is 1'; }
await is_recorded
refused twice 'is being recorded by another hakmem-trace; that one has to end first'
kill -INT "$other"
wait "$other" || complain "the first of two ended with $?: $(cat first.out)"
grep -qx "hakmem: [0-9,]* events of process $pid (target), first.db" first.out || complain "the first of two: $(cat first.out)"

# Targets that are no process of their own, or none any more.
# shellcheck disable=SC2016
start zombie bash -c '"$0" plain & exec sleep 1000' "$target"
zombie=$pid
await grep -q ^sleep "/proc/${pids[-2]}/cmdline"
kill -KILL "$zombie"
await grep -q '^State:.Z' "/proc/$zombie/status"
refused zombie 'has ended; its parent has not asked yet how'
start threads "$target" threads
group=$pid pid=$other
refused thread "is a thread of process $group; record that one"
# shellcheck disable=SC2016
bash -c 'exec "$0" record -p $$ -s refused.db' "$trace" 2>err
[ $? -eq 2 ] || complain 'itself: another status than 2'
grep -Eqx 'hakmem-trace: record: process [0-9]+ \(hakmem-trace\) is this command itself' err || complain "itself: $(cat err)"
# kthreadd, where there is one to be seen.
if [ "$(id -u)" -eq 0 ] && [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ]; then
    pid=2
    refused kernel 'is a thread of the kernel' kthreadd
fi

# Programs of another kind.
compile() { # NAME ARGUMENTS...: of the same program, with others
    local name=$1
    shift
    "${CC:-gcc}" -O1 -w -o "$name" "$@" -pthread 2>cc.err || { complain "$name: $(cat cc.err)"; return 1; }
}
of_kind() { # NAME DUE
    start "$1" "./$1" plain
    refused "$1" "$2" "$1"
}
compile still -static "$SOURCE/tests/attach/target.c" && of_kind still 'is statically linked'
compile stillpie -static-pie "$SOURCE/tests/attach/target.c" && of_kind stillpie 'is statically linked'
cp "$(readlink -f /lib64/ld-linux-x86-64.so.2)" ld-musl-x86_64.so.1
compile musl -Wl,--dynamic-linker="$PWD/ld-musl-x86_64.so.1" "$SOURCE/tests/attach/target.c" && of_kind musl 'is linked against another C library than glibc'
cat >own.c <<'END'
#include <stddef.h>
static _Alignas(16) char room[1 << 20];
static size_t used;
void *malloc(size_t bytes) { char *p = room + used % (sizeof room / 2); used += (bytes + 31) & -16ul; return p; }
void free(void *p) { (void)p; }
END
compile own "$SOURCE/tests/attach/target.c" own.c -fno-builtin && of_kind own 'has a malloc of its own inside'
# ld.so without a libc: system calls alone.
cat >bare.c <<'END'
static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
void _start(void) {
    char text[] = "ready 0000000000\n", *digit = text + sizeof text - 2;
    for (long pid = call(39, 0, 0, 0); pid; pid /= 10)
        *--digit = (char)('0' + pid % 10);
    call(1, 1, (long)text, sizeof text - 1);
    for (;;)
        call(34, 0, 0, 0);
}
END
"${CC:-gcc}" -O1 -w -shared -nostdlib -o libnothing.so -x c - <<<'int nothing;' || complain 'no empty library'
compile bare -fno-stack-protector -nostdlib -pie -fPIE bare.c -Wl,--no-as-needed ./libnothing.so &&
    of_kind bare 'has no glibc whose file can be read: it is static, of another C library, or its files were replaced since it started'
# 32 bit, where the compiler makes such programs and the kernel runs them.
sed 's/"syscall"/"int $0x80"/; s/"D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory"/"b"(a), "c"(b), "d"(c) : "memory"/; s/call(39,/call(20,/; s/call(1, 1/call(4, 1/; s/call(34,/call(29,/' bare.c >narrow.c
if "${CC:-gcc}" -m32 -O1 -w -fno-stack-protector -nostdlib -static -fno-pic -no-pie -o narrow narrow.c 2>cc.err; then
    ./narrow >narrow.try 2>&1 &
    pids+=($!)
    runs_or_is_gone() { grep -q ready narrow.try || ! kill -0 "${pids[-1]}"; }
    await runs_or_is_gone
    if grep -q ready narrow.try; then of_kind narrow 'is a 32-bit program'; fi
fi

# Rights and namespaces.
if [ "$(id -u)" -eq 0 ]; then
    nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    pid=$plain as=("${nobody[@]}")
    refused ofroot 'belongs to another user, or has rights that its user has not; its user can record it'
    # A daemon that changed its user is root's to record.
    start changed "$target" nobody
    refused itsown 'is closed to its own user, as one that changed its user is (prctl, PR_SET_DUMPABLE); root can record it'
    as=(setpriv --reuid 65533 --regid 65533 --clear-groups)
    refused others 'belongs to another user, or has rights that its user has not; root can record it'
    as=(setpriv --bounding-set=-sys_ptrace --inh-caps=-all)
    refused bounded 'cannot be traced: this root has no CAP_SYS_PTRACE; a container gets it by --cap-add SYS_PTRACE'
    as=()
    "$trace" record -p "$pid" --for 20ms -s changed.db >out 2>err || complain "changed: $(cat err)"
    grep -qx "hakmem: [0-9,]* events of process $pid (target), changed.db" err || complain "changed: $(cat err)"
    "$trace" check -s changed.db >out 2>&1 || complain "changed: $(cat out)"
    # /proc that hides what other users run: its folder is there with 1, and is not with 2.
    pid=$plain
    for hidepid in 1 2; do
        unshare -m bash -c 'mount -t proc -o hidepid="$1" proc /proc && shift && exec "$@"' hide $hidepid \
            "${nobody[@]}" "$trace" record -p "$pid" --for 10ms -s refused.db >out 2>err
        got=$?
        [ $got -eq 2 ] && [ "$(cat err)" = "hakmem-trace: record: process $pid is hidden by /proc's mount option hidepid; root can record it" ] ||
            complain "hidepid=$hidepid: status $got: $(cat err)"
    done
    start files unshare -m "$target" plain
    refused files 'sees other files than this command (a container or chroot); run hakmem-trace inside'
    start network unshare -n "$target" plain
    refused network 'is in another network or pid namespace; run hakmem-trace inside'
    start numbers unshare -p -f "$target" plain
    pid=$(pgrep -P "${pids[-2]}" | head -n 1)
    pids+=("$pid")
    refused numbers 'is in another network or pid namespace; run hakmem-trace inside'
    mkdir -p cell/lib64 cell/lib/x86_64-linux-gnu
    cp "$target" cell && cp /lib64/ld-linux-x86-64.so.2 cell/lib64
    for file in $(ldd "$target" | grep -o '/lib/[^ ]*'); do cp "$file" cell/lib/x86_64-linux-gnu; done
    start cell chroot cell /target plain
    refused cell 'sees other files than this command (a container or chroot); run hakmem-trace inside'
    # A root that may not read what root may.
    mkdir -p hidden
    cp "$trace" "$BUILD/hakmem-attach.so" "$BUILD/hakmem-collect" hidden
    chown 65534 hidden/hakmem-attach.so && chmod 600 hidden/hakmem-attach.so
    start unreadable setpriv --bounding-set=-all --inh-caps=-all "$target" plain
    trace=$PWD/hidden/hakmem-trace
    refused unreadable "has a loader that refuses $PWD/hidden/hakmem-attach.so (not readable there, mounted noexec, or no thread-local memory left)"
    trace=$BUILD/hakmem-trace
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
