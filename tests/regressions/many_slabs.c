/* `many_slabs THREADS BLOCKS`: every thread holds BLOCKS blocks of 1,024 bytes at once, more than
 * the 32 slabs of a SuperSlab hold, while the others do the same; then each frees its neighbour's.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 1024, MOST = 16 };

static size_t blocks;
static int threads;
static unsigned char **table[MOST];
static pthread_barrier_t barrier;

static void *work(void *argument) {
    int own = (int)(intptr_t)argument, other = (own + 1) % threads;
    for (size_t i = 0; i < blocks; i++) {
        table[own][i] = malloc(BYTES);
        if (!table[own][i]) {
            fprintf(stderr, "many_slabs: thread %d has no block %zu\n", own, i);
            exit(1);
        }
        memset(table[own][i], own + 1, BYTES);
    }
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < blocks; i++) {
        if (table[other][i][0] != other + 1 || table[other][i][BYTES - 1] != other + 1) {
            fprintf(stderr, "many_slabs: block %zu of thread %d was written by another\n", i,
                    other);
            exit(1);
        }
        free(table[other][i]);
    }
    return NULL;
}

int main(int count, char **arguments) {
    pthread_t thread[MOST];
    threads = count > 1 ? atoi(arguments[1]) : 4;
    blocks = count > 2 ? strtoul(arguments[2], NULL, 10) : 4000;
    if (threads < 1 || threads > MOST)
        return 2;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++)
        table[i] = calloc(blocks, sizeof *table[i]);
    for (int i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < threads; i++)
        free(table[i]);
    return 0;
}
