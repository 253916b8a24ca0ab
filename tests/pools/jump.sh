#!/usr/bin/env bash
# A handler leaves a call of hak_pool_* by longjmp, in its own thread's midst: no other thread waits for ever, no call after it is a fault, and a line
# says that none is reported any more.
. "${SOURCE:?}/tests/tools/test.sh"
cat >jump.c <<'C'
#include <hakmem.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
static sigjmp_buf back;
static char pool[4096];
static void leave(int number) { (void)number; siglongjmp(back, 1); }
static void *use(void *none) {
    hak_pool_alloc(pool, pool + 64, 40);
    hak_pool_free(pool, pool + 64);
    hak_pool_free(pool, pool + 64);
    return none;
}
int main(void) {
    pthread_t thread;
    char *closed = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!hak_pool_create)
        return 1;
    hak_pool_create(pool, "rows");
    hak_pool_redzone(pool, 8, 8);
    signal(SIGSEGV, leave);
    if (!sigsetjmp(back, 1)) {
        hak_pool_alloc(pool, closed + 64, 40); /* its room cannot be written */
        return 2;
    }
    signal(SIGSEGV, SIG_DFL);
    use(NULL);
    pthread_create(&thread, NULL, use, NULL);
    pthread_join(thread, NULL);
    puts("ended");
    return 0;
}
C
"${CC:-cc}" -g -O1 -pthread -I"$SOURCE/include" -o jump jump.c || exit 2
LD_PRELOAD=$BUILD/hakmem-debug.so ./jump >said 2>err || complain "status $?: $(cat err)"
[ "$(cat said)" = ended ] || complain "it says: $(cat said)"
[ "$(grep -c 'a call of hak_pool_\* is missed, .*; no fault of a pool is reported from here on$' err)" = 1 ] || complain "on stderr: $(cat err)"
grep -q HKM- err && complain "a fault is reported: $(cat err)"
exit "$failed"
