#!/usr/bin/env bash
# `hunt` names the instruction that writes behind a block in front of the closed page, where the program fails at odd
# addresses: by perf_event_open, by ptrace where that is barred; where both are, or there are no debug registers, it ends with
# the block and says why. As root and as an ordinary user. FULL=1: each of these for the first thread, another one and a child.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export HAKMEM_GUARD_ALIGN=16 # the first run finds damage late
public=$(mktemp -d /tmp/hakmem-slack.XXXXXX) || exit 2 # the checkout may lie where only root comes
cleanup() { rm -rf "$public"; }
cp "$BUILD"/{hakmem-trace,hakmem-collect,hakmem-debug.so} "$BUILD/tests/hunt/slack" "$public" && chmod 755 "$public" || exit 2
trace=$public/hakmem-trace program=$public/slack
export HAKMEM_GUARD=off # of the first run: it finds the block when it is freed
export LC_ALL=C
wrong() { complain "$*"; sed -n '/^hakmem/p' err; }
line=$(grep -n '/\* here \*/' "$SOURCE/tests/hunt/slack.c" | cut -d: -f1)
PERF=298 PTRACE=101
mkdir -m 777 "$public/runs" || exit 2

# as USER BARRED COMMAND...: in a folder in which that user may write.
as() {
    local user=$1 barred=$2 before=()
    shift 2
    [ -z "$barred" ] || before=(python3 "$SOURCE/tests/tools/barred.py" "$barred")
    [ "$user" = "$(id -un)" ] || before+=(setpriv "--reuid=$user" --clear-groups)
    (cd "$public/runs" && exec timeout 300 "${before[@]}" "$@")
}
# hunt USER BARRED PLACE
hunt() {
    as "$1" "$2" "$trace" hunt -f -o hunt.db --runs "${runs:-6}" -- "$program" "$3" >out 2>err </dev/null
    status=$?
    rm -rf "$public"/runs/*
}
# Why no register watches for this user, in the words of `info`; "" = some do.
refusal() {
    as "$1" "$2" "$trace" run -f -s watch.db --watch 4 -- "$program" none </dev/null >/dev/null 2>&1
    as "$1" "$2" "$trace" info -s watch.db | grep -o 'no debug register watches.*'
    rm -rf "$public"/runs/*
}
names_instruction() { # USER BARRED PLACE
    hunt "$1" "$2" "$3"
    [ "$status" -eq 1 ] || wrong "$*: exit status $status"
    grep -q "^SUMMARY: hakmem: heap-buffer-overflow slack.c:$line " err || wrong "$*: the instruction was not named"
    grep -q '^hakmem: the instruction is named; ' err || wrong "$*: its last line"
}
names_block() { # USER BARRED PLACE
    hunt "$1" "$2" "$3"
    [ "$status" -eq 1 ] || wrong "$*: exit status $status"
    grep -q '^hakmem: the block is named, not the instruction; ' err || wrong "$*: its last line"
    [ "$(grep -c 'no debug register watched: ' err)" -eq 1 ] || wrong "$*: why nothing watched is due, once"
}

# Registers that never fire (tests/tools/deaf.h).
is_told_of_deaf() {
    cp "$BUILD/deaf/hakmem-debug.so" "$public" || exit 2
    names_block "$(id -un)" '' main
    grep -q 'no debug register watched: debug registers do not fire on this machine' err || wrong 'deaf: why nothing watched'
    run_says '--watch, deaf' --watch "$deaf" --watch 4
    HAKMEM_WATCH=4 run_says 'HAKMEM_WATCH, deaf' HAKMEM_WATCH "$deaf"
}
deaf='debug registers do not fire on this machine'
# run_says WHAT NAME REASON OPTION...: run says once that no debug register watches, "" = it says nothing.
run_says() {
    (cd "$public/runs" && HAKMEM_TRACE_FILE=watch.db "$trace" run -f "${@:4}" -- "$program" none </dev/null) 2>err
    [ "$(cat err)" = "${3:+hakmem: $2: no debug register watches: $3}" ] || wrong "run: $1"
}
# A program that has no store says nothing: run tries a register of its own, here one that counts $COUNTED writes.
"${CC:-gcc}" -shared -fPIC -O1 -o "$public/counts.so" -x c - -ldl <<'END' || exit 2
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
long syscall(long number, ...) {
    long a[6];
    __builtin_va_list list;
    __builtin_va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = __builtin_va_arg(list, long);
    __builtin_va_end(list);
    if (number != SYS_perf_event_open)
        return ((long (*)(long, ...))dlsym(RTLD_NEXT, "syscall"))(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    const char *counted = getenv("COUNTED");
    uint64_t count = strtoul(counted, NULL, 10);
    int file = memfd_create("register", MFD_CLOEXEC);
    return file >= 0 && pwrite(file, &count, sizeof count, 0) == sizeof count ? file : -1;
}
END
without_store() { LD_PRELOAD=$public/counts.so COUNTED=$1 run_says "${@:2}"; }
without_store 0 '--check light --watch, deaf' --watch "$deaf" --check light --watch 4
without_store 0 '--trace off --watch, deaf' --watch "$deaf" --trace off --watch 4
HAKMEM_WATCH=4 without_store 0 'HAKMEM_WATCH --check light, deaf' HAKMEM_WATCH "$deaf" --check light
without_store 0 '--check light' --watch '' --check light
without_store 0 '--check light --watch 0' --watch '' --check light --watch 0
without_store 1 '--check light --watch' --watch '' --check light --watch 4

users=$(id -un)
[ "$(id -u)" -ne 0 ] || users='root nobody'
for user in $users; do
    for barred in '' $PERF; do
        reason=$(refusal "$user" "$barred")
        [ -n "$barred" ] || [ "$user" != "$(id -un)" ] || has_none=$reason
        [ -z "$reason" ] || echo "skipped: the instruction is named, as $user${barred:+ without system call $barred}: $reason"
        for place in main thread child; do
            # The kind of watching and the place of the write are two things: each varies where the other is as it is mostly.
            [ "${FULL:-0}" = 1 ] || [ -z "$barred" ] && [ "$user" = "$(id -un)" ] || [ $place = main ] || continue
            if [ -n "$reason" ]; then
                names_block "$user" "$barred" "$place"
            else
                runs=${barred:+12} names_instruction "$user" "$barred" "$place"
            fi
        done
    done
    names_block "$user" "$PERF,$PTRACE" main
    grep -q 'no debug register watched: neither perf_event_open .* nor ptrace is allowed' err || wrong "$user: why nothing watched"
done
[ -n "$has_none" ] || is_told_of_deaf
