/* Asks for scans while it runs: by hak_find_leaks() with "call", by a signal with "signal", with
 * threads that allocate all the time. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include "hakmem.h"
#include "leaks.h"

static volatile int stop;
static void *volatile nothing;

static void *churn(void *unused) {
    void *block[100] = {0};
    (void)unused;
    for (unsigned i = 0; !stop; i++) {
        free(nothing); /* counted, also while the first report begins its session */
        free(block[i % 100]);
        block[i % 100] = malloc(i % 500);
    }
    for (int i = 0; i < 100; i++)
        free(block[i]);
    return NULL;
}

static __attribute__((noinline)) void lose(int count) {
    for (int i = 0; i < count; i++)
        use(take(123));
}

int main(int count, char **arguments) {
    enum { THREADS = 3 };
    pthread_t thread[THREADS];
    if (count < 2)
        return 2;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, churn, NULL) != 0)
            return 3;
    int wrong = 0;
    if (strcmp(arguments[1], "call") == 0) {
        if (!hak_find_leaks)
            return 4;
        for (int i = 0; i < 20; i++)
            wrong += hak_find_leaks() != 0;
        lose(5);
        forget_frames();
        wrong += hak_find_leaks() != 5;
    } else {
        lose(5);
        forget_frames();
        raise(SIGUSR2);
        free(take(1));
    }
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    return wrong ? 10 + wrong : 0;
}
