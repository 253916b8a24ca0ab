/* Memory after a burst, for benches: `burst THREADS MIB`. Prints the resident KiB at the peak,
 * right after everything was freed, and after two idle seconds.
 *
 * Every thread fills its share with blocks of 16 to 4,096 bytes and frees them in random order,
 * then idles as a server without visitors does: 200 small calls each hundredth second. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 64 };

static long threads, share_bytes, idle_rounds = 200;
static pthread_barrier_t all;
static long resident_kib[3];

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Without a call that allocates. */
static long read_resident_kib(void) {
    char text[128] = "";
    int file = open("/proc/self/statm", O_RDONLY);
    if (file < 0 || read(file, text, sizeof text - 1) < 0)
        abort();
    close(file);
    return atol(strchr(text, ' ')) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* All threads wait; one of them looks. */
static void note(int when) {
    if (pthread_barrier_wait(&all) == PTHREAD_BARRIER_SERIAL_THREAD)
        resident_kib[when] = read_resident_kib();
    pthread_barrier_wait(&all);
}

static void idle(uint32_t *state) {
    void *few[16] = {NULL};
    for (int i = 0; i < idle_rounds; i++) {
        for (int k = 0; k < 100; k++) {
            void **block = &few[next_random(state) % 16];
            free(*block);
            *block = malloc(16 + next_random(state) % 500);
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    for (int k = 0; k < 16; k++)
        free(few[k]);
}

static void *work(void *seed) {
    uint32_t state = (uint32_t)(long)seed + 3;
    long count = share_bytes / 2056; /* the mean size */
    void **blocks = malloc((size_t)count * sizeof *blocks);
    for (long i = 0; i < count; i++) {
        size_t bytes = 16 + next_random(&state) % 4081;
        blocks[i] = malloc(bytes);
        if (!blocks[i])
            abort();
        memset(blocks[i], 1, bytes);
    }
    note(0);
    for (long i = count - 1; i >= 0; i--) {
        long other = next_random(&state) % (i + 1);
        void *block = blocks[other];
        blocks[other] = blocks[i];
        free(block);
    }
    free(blocks);
    note(1);
    idle(&state);
    note(2);
    return NULL;
}

int main(int argc, char **argv) {
    threads = argc == 3 || argc == 4 ? atol(argv[1]) : 0;
    if (threads < 1 || threads > MOST_THREADS) {
        fputs("usage: burst THREADS [TENTHS] MIB\n", stderr);
        return 2;
    }
    if (argc == 4)
        idle_rounds = atol(argv[2]) * 10;
    share_bytes = (atol(argv[argc - 1]) << 20) / threads;
    pthread_barrier_init(&all, NULL, (unsigned)threads);
    pthread_t started[MOST_THREADS];
    for (long i = 0; i < threads; i++)
        if (pthread_create(&started[i], NULL, work, (void *)i) != 0)
            abort();
    for (long i = 0; i < threads; i++)
        pthread_join(started[i], NULL);
    printf("%ld %ld %ld\n", resident_kib[0], resident_kib[1], resident_kib[2]);
    return 0;
}
