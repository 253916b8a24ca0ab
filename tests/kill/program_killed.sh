#!/usr/bin/env bash
# kill -9 of the program, ROUNDS (10) times at random moments: the store misses no block but what it counts as lost, and has the
# signal, also on a kernel that shows the end of a zombie alone (before 6.15), and where a newer one is not asked (an emulator).
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
# The older kernel, for `run` and for its collector. NEWER=1: it refuses the question alone. ASKED=FILE: this is made then.
"${CC:-gcc}" -shared -fPIC -O1 -o older.so -x c - -ldl <<'END' || fail "no library"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
int ioctl(int file, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if ((request & 0xffff) != 0xff0b) /* PIDFD_GET_INFO */
        return ((int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl"))(file, request, argument);
    if (getenv("ASKED"))
        close(open(getenv("ASKED"), O_CREAT | O_WRONLY, 0600));
    errno = ENOTTY;
    return -1;
}
int uname(struct utsname *about) {
    int error = ((int (*)(struct utsname *))dlsym(RTLD_NEXT, "uname"))(about);
    strcpy(about->release, getenv("NEWER") ? "6.18.44" : "6.1.0-18-amd64");
    return error;
}
END
printf '#!/bin/sh\nLD_PRELOAD="%s" ASKED="%s" exec "%s" "$@"\n' "$PWD/older.so" "$PWD/asked" "$BUILD/hakmem-collect" >collect
chmod +x collect
RANDOM=4711
rounds=${ROUNDS:-10}
for ((round = 1; round <= rounds; round++)); do
    rm -f words store.db*
    kind=''
    [ $((round % 5)) -ne 0 ] || kind=fork
    older=()
    [ $((round % 3)) -eq 0 ] || older=("HAKMEM_COLLECT=$PWD/collect" "LD_PRELOAD=$PWD/older.so")
    [ $((round % 3)) -ne 2 ] || older+=(NEWER=1)
    env "${older[@]}" "$BUILD/hakmem-trace" run --check trace --store store.db -- "$BUILD/tests/kill/sequence" words 30 2 0 $kind \
        >run.out 2>run.err &
    run=$!
    until_true program_started words || exit 1
    sleep "0.$(printf '%03d' $((RANDOM % 150)))"
    program=$(od -A n -t u8 -N 8 words | tr -d ' ')
    # With a forked child both are killed, the child first: it must not outlive the round.
    read -r -a children <"/proc/$program/task/$program/children"
    [ ${#children[@]} -eq 0 ] || kill -9 "${children[@]}"
    kill -9 "$program"
    wait "$run"
    status=$?
    if [ "$status" -ne 137 ]; then fail "round $round: run ended with $status; 137 (killed by SIGKILL) was due" "$(cat run.err)"; fi
    until_true no_holder "$PWD/store.db" || exit 1
    signal=$("$trace" sql -s store.db --json 'select end_kind, signal from process where parent = 0' | tr -d ' \n')
    [[ $signal == *'"rows":[[2,9]]'* ]] || fail "round $round: the program's end: $signal"
    said=$(python3 "$SOURCE/tests/tools/sequence_check.py" "$BUILD/hakmem-trace" words 2 store.db 2>&1) || fail "round $round: $said"
done
[ -e asked ] || fail "the collector did not ask by the pidfd"
echo "$rounds rounds; the last: $said"
