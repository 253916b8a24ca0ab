/* Threads that start, end, and free and resize each other's blocks: `handed ROUNDS`. */
#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 5, PLACES = 64, CALLS = 4000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *place[PLACES];

static void *work(void *number) {
    unsigned state = (unsigned)(size_t)number * 7919 + 1;
    for (int i = 0; i < CALLS; i++) {
        state = state * 1103515245u + 12345u;
        unsigned at = (state >> 8) % PLACES;
        void *mine = malloc((state >> 4) % 2000 + 1);
        pthread_mutex_lock(&lock);
        void *old = place[at];
        place[at] = mine;
        pthread_mutex_unlock(&lock);
        if (old && state & 1 << 20)
            old = realloc(old, (state >> 3) % 4000 + 1);
        free(old);
    }
    return NULL;
}

int main(int count, char **argument) {
    int rounds = count > 1 ? atoi(argument[1]) : 1;
    for (int r = 0; r < rounds; r++) {
        pthread_t thread[THREADS];
        for (size_t i = 0; i < THREADS; i++)
            pthread_create(&thread[i], NULL, work, (void *)(i + 10 * (size_t)r));
        for (int i = 0; i < THREADS; i++)
            pthread_join(thread[i], NULL);
    }
    return 0;
}
