/* Threads that share reference counts, a free list and a cache, with the locks that this needs. */
#include <pthread.h>
#include <stdatomic.h>
#include "../corpus/shapes.h"

struct object {
    atomic_int references;
    char bytes[80];
};
static struct object *shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static struct object *cache[16];

static void drop(struct object *object) {
    if (atomic_fetch_sub(&object->references, 1) == 1)
        free(object);
}

static void *use_shared(void *unused) {
    pthread_barrier_wait(&barrier);
    require(shared->bytes[7] == 's', "still there");
    drop(shared);
    return unused;
}

static void run_four(void *(*body)(void *)) {
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, body, (void *)(size_t)i);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
}

SHAPE(last_one_frees) {
    pthread_barrier_init(&barrier, NULL, 4);
    for (int round = 0; round < 50; round++) {
        shared = opaque(malloc(sizeof *shared));
        atomic_init(&shared->references, 4);
        memset(shared->bytes, 's', sizeof shared->bytes);
        run_four(use_shared);
    }
    pthread_barrier_destroy(&barrier);
}

static void *replace_in_cache(void *number) {
    for (size_t i = 0; i < 5000; i++) {
        struct object *fresh = opaque(calloc(1, sizeof *fresh)), *old;
        pthread_mutex_lock(&lock);
        size_t slot = (i * 7 + (size_t)number) % 16;
        old = cache[slot];
        cache[slot] = fresh;
        if (cache[(slot + 1) % 16] != NULL)
            cache[(slot + 1) % 16]->bytes[0]++;
        pthread_mutex_unlock(&lock);
        free(old);
    }
    return NULL;
}

SHAPE(cached) {
    run_four(replace_in_cache);
}

RUN_ALL()
