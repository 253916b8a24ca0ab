/* A program that goes from one size of blocks to the next: `phases THREADS LIVE ROUNDS`. In each of
 * 20 phases, sizes from 1 KiB to 32 KiB, every thread takes LIVE blocks, writes into each page and
 * gives them back, ROUNDS times. Prints the most memory that was resident, in KiB. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { PHASES = 20, MOST_THREADS = 64, MOST_BYTES = 32 << 10 };

static int live, rounds;

static void run_phase(char **blocks, size_t bytes) {
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < live; i++) {
            blocks[i] = malloc(bytes);
            for (size_t at = 0; at < bytes; at += 4096)
                blocks[i][at] = 1;
        }
        for (int i = 0; i < live; i++)
            free(blocks[i]);
    }
}

static void *work(void *unused) {
    char **blocks = malloc((size_t)live * sizeof *blocks);
    size_t bytes = 1024;
    for (int phase = 0; phase < PHASES; phase++) {
        run_phase(blocks, bytes < MOST_BYTES ? bytes : MOST_BYTES);
        bytes = bytes * 6 / 5;
    }
    free(blocks);
    return unused;
}

int main(int count, char **arguments) {
    if (count != 4)
        return 2;
    pthread_t threads[MOST_THREADS];
    int number = atoi(arguments[1]) < MOST_THREADS ? atoi(arguments[1]) : MOST_THREADS;
    live = atoi(arguments[2]);
    rounds = atoi(arguments[3]);
    for (int i = 0; i < number; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return 1;
    for (int i = 0; i < number; i++)
        pthread_join(threads[i], NULL);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld\n", usage.ru_maxrss);
    return 0;
}
