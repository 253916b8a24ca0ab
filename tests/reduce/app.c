/* Hands a block to a thread, which frees it, and takes another one, among calls that have nothing
 * to do with that. */
#include <pthread.h>
#include <stdlib.h>

static void *volatile handed;

static void *close_session(void *unused) {
    free(handed);
    return unused;
}

static void *work(void *unused) {
    void *volatile row[64];
    for (int i = 0; i < 64; i++)
        row[i] = malloc(16 * (size_t)i + 1);
    for (int i = 0; i < 64; i++)
        free(row[i]);
    return unused;
}

static void run(void *function(void *)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, NULL) == 0)
        pthread_join(thread, NULL);
}

int main(void) {
    void *volatile page[200];
    for (int i = 0; i < 200; i++)
        page[i] = malloc(100);
    run(work);
    run(work);
    handed = malloc(40);
    run(close_session);
    page[3] = realloc(page[3], 1000);
    for (int i = 0; i < 200; i++)
        free(page[i]);
    return 0;
}
