/* Calls of every kind from threads that come and go, and a fork; then it ends. "wait": it writes
 * "ready" then, and waits to be killed. "slowly": it rests behind each round for longer than the
 * collector waits between two commits. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 6, CALLS = 1000, LIVE = 200, REST_US = 300000 };

static void *given[LIVE]; /* blocks that another thread frees */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned next(unsigned *state) {
    *state = *state * 1103515245u + 12345u;
    return *state >> 8;
}

static void *work(void *argument) {
    unsigned state = (unsigned)(size_t)argument;
    void *live[LIVE] = {NULL};
    for (int i = 0; i < CALLS; i++) {
        unsigned place = next(&state) % LIVE, what = next(&state) % 16;
        size_t bytes = 1 + next(&state) % (what == 0 ? 300000 : 3000);
        if (what < 4) {
            void *resized = realloc(live[place], bytes);
            live[place] = resized ? resized : live[place];
        } else if (what < 6) {
            free(live[place]);
            live[place] = calloc(1, bytes);
        } else if (what < 7) {
            free(live[place]);
            live[place] = memalign(64, bytes);
        } else if (what < 9) {
            pthread_mutex_lock(&lock);
            void *other = given[place];
            given[place] = live[place];
            pthread_mutex_unlock(&lock);
            live[place] = other;
        } else {
            free(live[place]);
            live[place] = malloc(bytes);
        }
    }
    for (int i = 0; i < LIVE; i++)
        free(live[i]);
    return NULL;
}

int main(int count, char **arguments) {
    pthread_t threads[THREADS];
    const char *how = count > 1 ? arguments[1] : "";
    for (long round = 0; round < ROUNDS; round++) {
        for (long i = 0; i < THREADS; i++)
            if (pthread_create(&threads[i], NULL, work, (void *)(round * THREADS + i + 1)) != 0)
                return 2;
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        pid_t child = round == 2 ? fork() : -1;
        if (child == 0) {
            work((void *)77);
            exit(0);
        }
        if (child > 0 && waitpid(child, NULL, 0) != child)
            return 2;
        if (strcmp(how, "slowly") == 0)
            usleep(REST_US);
    }
    for (int i = 0; i < LIVE; i++)
        free(given[i]);
    if (strcmp(how, "wait") == 0) {
        if (write(1, "ready\n", 6) != 6)
            return 2;
        for (;;)
            pause();
    }
    return 0;
}
