/* Threads that do nothing but call malloc and free, as fast as they go.
 *
 * `full_speed pairs THREADS SECONDS`: each takes and frees blocks of 16 to 1,024 bytes.
 * `full_speed bounce SECONDS`: two threads hand 16 blocks to each other, each frees what it gets
 * and takes another one for it. Prints the number of calls. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kept = 64, bounced = 16 };
static double end;
static _Atomic unsigned long calls;
static _Atomic(void *) places[bounced];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *pairs(void *number) {
    void *blocks[kept] = {0};
    unsigned long made = 0, state = (unsigned long)number * 2654435761u + 1;
    while (now() < end)
        for (int i = 0; i < 4096; i++, made += 2) {
            state = state * 6364136223846793005ul + 1442695040888963407ul;
            void **place = &blocks[state >> 58];
            free(*place);
            *place = malloc(16 + (state >> 40) % 1009);
            if (!*place)
                abort();
        }
    for (int i = 0; i < kept; i++)
        free(blocks[i]);
    atomic_fetch_add(&calls, made);
    return NULL;
}

static void *bounce(void *number) {
    unsigned long made = 0, at = (unsigned long)number;
    while (now() < end)
        for (int i = 0; i < 4096; i++, made += 2) {
            void *mine = malloc(24 + i % 8 * 40);
            if (!mine)
                abort();
            free(atomic_exchange(&places[at++ % bounced], mine));
        }
    atomic_fetch_add(&calls, made);
    return NULL;
}

int main(int argc, char **argv) {
    int is_bounce = argc > 1 && strcmp(argv[1], "bounce") == 0;
    unsigned long threads = is_bounce || argc < 4 ? 2 : strtoul(argv[2], NULL, 10);
    pthread_t ids[64];
    if (argc < 3 || threads > 64) {
        fputs("usage: full_speed pairs THREADS SECONDS | bounce SECONDS\n", stderr);
        return 2;
    }
    end = now() + atof(argv[argc - 1]);
    for (unsigned long t = 0; t < threads; t++)
        pthread_create(&ids[t], NULL, is_bounce ? bounce : pairs, (void *)t);
    for (unsigned long t = 0; t < threads; t++)
        pthread_join(ids[t], NULL);
    for (int i = 0; i < bounced; i++)
        free(atomic_load(&places[i]));
    printf("%lu\n", atomic_load(&calls));
    return 0;
}
