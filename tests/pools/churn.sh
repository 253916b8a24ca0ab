#!/usr/bin/env bash
# A leak scan beside a thread that takes pieces, gives them back and uses their memory for blocks that hold the only pointers to others:
# all is reached at each moment, and no scan says otherwise.
. "${SOURCE:?}/tests/tools/test.sh"
cat >churn.c <<'E'
#include <hakmem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { CHUNKS = 64, SCANS = 60, STEPS = 200 };
static char pool;
static void *volatile chunk[CHUNKS];
static char *volatile held[CHUNKS];
static volatile unsigned long steps, wanted;
/* A chunk is none, the pool's with one piece in it, or a node with the only pointer to a block. */
static void *churn(void *none) {
    unsigned seed = 1, state[CHUNKS] = {0};
    for (; wanted != -1UL; steps++) {
        int i = rand_r(&seed) % CHUNKS;
        if (state[i] == 0) {
            char *memory = malloc(512);
            chunk[i] = memory;
            hak_pool_alloc(&pool, memory + 128, 300);
            held[i] = memory + 128;
            memset(memory + 128, 0, 300);
        } else if (state[i] == 1) {
            hak_pool_free(&pool, held[i]);
            held[i] = NULL;
            void **node = chunk[i];
            memset(node, 0, 512);
            node[32] = malloc(64);
        } else {
            void **node = chunk[i];
            free(node[32]);
            node[32] = NULL;
            free(node);
            chunk[i] = NULL;
        }
        state[i] = (state[i] + 1) % 3;
    }
    return none;
}
int main(void) {
    pthread_t thread;
    size_t lost = 0;
    if (!hak_pool_create)
        return 1;
    hak_pool_create(&pool, "chunks");
    pthread_create(&thread, NULL, churn, NULL);
    for (int i = 0; i < SCANS; i++) {
        for (wanted = steps + STEPS; steps < wanted;)
            usleep(100);
        lost += hak_find_leaks();
    }
    wanted = -1UL;
    pthread_join(thread, NULL);
    printf("%zu\n", lost);
    fflush(stdout);
    _exit(0);
}
E
${CC:-cc} -g -O1 -pthread -I"$SOURCE/include" -o churn churn.c || exit 1
HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" ./churn >lost 2>err || complain "the program failed: $(cat err)"
[ "$(cat lost)" = 0 ] || complain "lost blocks where all are reached: $(cat lost) $(cat err)"
exit "$failed"
