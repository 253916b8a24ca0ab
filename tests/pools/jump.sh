#!/usr/bin/env bash
# A handler leaves a call of hak_pool_* by longjmp, in its own thread's midst: no other thread waits for ever, no call after it is a fault, and a line
# says that none is reported any more. Nor is a free a fault whose piece was handed out in a handler that interrupted a call: that call was missed.
. "${SOURCE:?}/tests/tools/test.sh"
cat >jump.c <<'C'
#include <hakmem.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/time.h>
static sigjmp_buf back;
static char pool[4096], *closed;
static void leave(int number) { (void)number; siglongjmp(back, 1); }
static void tick(int number) { (void)number; }
static void hand_out(int number) {
    (void)number;
    hak_pool_alloc(pool, pool + 64, 40);
    mprotect(closed, 8192, PROT_READ | PROT_WRITE);
}
static void *use(void *none) {
    hak_pool_alloc(pool, pool + 64, 40);
    hak_pool_free(pool, pool + 64);
    hak_pool_free(pool, pool + 64);
    return none;
}
int main(int argc, char **argv) {
    pthread_t thread;
    (void)argv;
    closed = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!hak_pool_create)
        return 1;
    hak_pool_create(pool, "rows");
    hak_pool_redzone(pool, 8, 8);
    if (argc > 1) {
        hak_pool_alloc(pool, pool + 64, 40);
        hak_pool_free(pool, pool + 64);
        signal(SIGSEGV, hand_out);
        hak_pool_alloc(pool, closed + 64, 40);
        hak_pool_free(pool, pool + 64);
        puts("ended");
        return 0;
    }
    signal(SIGSEGV, leave);
    if (!sigsetjmp(back, 1)) {
        hak_pool_alloc(pool, closed + 64, 40); /* its room cannot be written */
        return 2;
    }
    signal(SIGSEGV, SIG_DFL);
    use(NULL);
    /* A profiler's timer interrupts each wait. */
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = tick, .sa_flags = SA_RESTART}, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 100000}, {0, 100000}}, NULL);
    pthread_create(&thread, NULL, use, NULL);
    pthread_join(thread, NULL);
    puts("ended");
    return 0;
}
C
"${CC:-cc}" -g -O1 -pthread -I"$SOURCE/include" -o jump jump.c || exit 2
for way in "" interrupt; do
    "$trace" run -s "jump$way.db" -- ./jump $way >said 2>err || complain "$way: status $?: $(cat err)"
    [ "$(cat said)" = ended ] || complain "$way: it says: $(cat said)"
    [ "$(grep -c 'a call of hak_pool_\* is missed, .*; no fault of a pool is reported from here on$' err)" = 1 ] || complain "$way: on stderr: $(cat err)"
    grep -q HKM- err && complain "$way: a fault is reported: $(cat err)"
done
# The record says how many calls it lacks: all three of use() twice, and of the handler one.
missed() { # STORE WORDS
    "$trace" info -s "$1" >page
    [ $? -eq 4 ] && grep -q "The program's own pools: $2\. Nothing else was lost in this capture\." page || complain "$1: $(cat page)"
}
missed jump.db '6 calls were missed'
missed jumpinterrupt.db '1 call was missed'
exit "$failed"
