/* Measures how long a program stands, by its own clock: `paused [THREADS]`. Each of its threads (1)
 * reads the clock and calls malloc and free without a pause. At SIGTERM one line for each gap of 50
 * us and more: thread, begin and length in ns of CLOCK_MONOTONIC. The first thread is the one of
 * THREADS 1 that has to make a recorder's calls. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { GAPS = 1 << 16, THREADS_MAX = 16, LEAST_NS = 50000, CLOCK_NS = 1000000000 };

struct gaps {
    uint64_t begin[GAPS], ns[GAPS];
    uint32_t count;
};
static struct gaps *all[THREADS_MAX];
static volatile sig_atomic_t is_over;

static void note_end(int number) {
    is_over = number;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * CLOCK_NS + (uint64_t)now.tv_nsec;
}

static void *work(void *context) {
    struct gaps *gaps = context;
    for (uint64_t before = now_ns(); !is_over;) {
        free(malloc(100));
        uint64_t now = now_ns();
        if (now - before >= LEAST_NS && gaps->count < GAPS) {
            gaps->begin[gaps->count] = before;
            gaps->ns[gaps->count++] = now - before;
        }
        before = now;
    }
    return NULL;
}

int main(int count, char **arguments) {
    int threads = count > 1 ? atoi(arguments[1]) : 1;
    pthread_t thread[THREADS_MAX];
    if (threads < 1 || threads > THREADS_MAX)
        return 2;
    signal(SIGTERM, note_end);
    for (int i = 0; i < threads; i++)
        all[i] = calloc(1, sizeof *all[i]);
    puts("ready");
    fflush(stdout);
    for (int i = 1; i < threads; i++)
        pthread_create(&thread[i], NULL, work, all[i]);
    work(all[0]);
    for (int i = 1; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < threads; i++)
        for (uint32_t n = 0; n < all[i]->count; n++)
            printf("%d %llu %llu\n", i, (unsigned long long)all[i]->begin[n],
                   (unsigned long long)all[i]->ns[n]);
    return 0;
}
