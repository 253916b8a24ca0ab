/* Takes and gives back more blocks than an array holds, so that the array spills onto its tray and
 * asks it again. */
#include "hakmem.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 300, ROUNDS = 50 };

static void *swing(void *unused) {
    static _Thread_local char *blocks[BLOCKS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = malloc(40);
            memset(blocks[i], round, 40);
        }
        for (int i = 0; i < BLOCKS; i++)
            free(blocks[i]);
    }
    return unused;
}

int main(void) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, swing, NULL) != 0)
            return 2;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    swing(NULL);
    if (!hak_verify || hak_verify() != 0)
        return 3;
    puts("all agrees");
    return 0;
}
