#!/usr/bin/env bash
# Processes that the collector cannot look at, since there is no /proc or no descriptor left: they live, and nothing of
# them is lost.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"

check_store() { # NAME PROCESSES
    until_true no_holder "$PWD/store.db" || exit 1
    "$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 ||
        complain "$1: check ended with $?: $(head -n 3 check.out)"
    grep -q 'Nothing was lost' check.out || complain "$1: $(tail -n 1 check.out)"
    grep -q "of $2 processes" check.out || complain "$1: $2 processes were due: $(tail -n 1 check.out)"
}

for check in trace normal; do
    rm -f store.db
    said=$(unshare -m bash -c "umount -l /proc && [ ! -e /proc/self ] && HAKMEM_CHECK=$check HAKMEM_TRACE_FILE=store.db \
        HAKMEM_COLLECT=$BUILD/hakmem-collect LD_PRELOAD=$BUILD/hakmem-debug.so $BUILD/tests/memory/forked 12" 2>&1)
    [ "$said" = flat ] || complain "no /proc, $check: said: $said"
    check_store "no /proc, $check" 15
done

cat >many.c <<'E'
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    int go[2];
    char byte;
    if (pipe(go) != 0)
        return 1;
    for (int i = 0; i < 150; i++) {
        pid_t child = fork();
        if (child != 0)
            continue;
        close(go[1]);
        for (int k = 0; k < 2000; k++)
            free(malloc((size_t)k));
        if (read(go[0], &byte, 1) != 0)
            return 1;
        for (int k = 0; k < 2000; k++)
            free(malloc((size_t)k));
        _exit(7);
    }
    sleep(2);
    close(go[1]);
    int status, bad = 0;
    while (wait(&status) > 0)
        bad += !WIFEXITED(status) || WEXITSTATUS(status) != 7;
    printf("%d bad\n", bad);
    return 0;
}
E
"${CC:-cc}" -O0 -o many many.c || exit 1
rm -f store.db
said=$(ulimit -n 60 && "$BUILD/hakmem-trace" run --check trace -s store.db -- ./many 2>&1)
[ "$said" = '0 bad' ] || complain "few descriptors: said: $said"
check_store "few descriptors" 151
events=$("$BUILD/hakmem-trace" sql -s store.db "select count(*) from event where kind in ('MALLOC', 'FREE')" | tail -n 1)
[ "$events" -ge 1200000 ] || complain "few descriptors: $events events"
