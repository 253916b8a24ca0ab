/* Key destructors, cleanup handlers and detached threads give back what threads hold. */
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>
#include "../corpus/shapes.h"

static pthread_key_t key;
static sem_t done;
static __thread char *of_thread;

static void *hold_under_key(void *unused) {
    pthread_setspecific(key, opaque(malloc(100)));
    return unused;
}

SHAPE(key_destructor) {
    pthread_key_create(&key, free);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, hold_under_key, NULL);
        pthread_join(thread, NULL);
    }
    pthread_key_delete(key);
}

static void *wait_with_block(void *unused) {
    char *block = opaque(malloc(200));
    pthread_cleanup_push(free, block);
    for (;;)
        pause();
    pthread_cleanup_pop(1);
    return unused;
}

SHAPE(cancelled) {
    pthread_t thread;
    pthread_create(&thread, NULL, wait_with_block, NULL);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

static void *leave_by_exit(void *block) {
    pthread_cleanup_push(free, block);
    pthread_exit(NULL);
    pthread_cleanup_pop(0);
    return NULL;
}

SHAPE(exited) {
    pthread_t thread;
    pthread_create(&thread, NULL, leave_by_exit, opaque(malloc(50)));
    pthread_join(thread, NULL);
}

static void *work_detached(void *block) {
    free(block);
    of_thread = opaque(malloc(60));
    free(of_thread);
    of_thread = NULL;
    sem_post(&done);
    return NULL;
}

SHAPE(detached) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sem_init(&done, 0, 0);
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        pthread_create(&thread, &attributes, work_detached, opaque(malloc(70)));
    }
    for (int i = 0; i < 10; i++)
        sem_wait(&done);
    pthread_attr_destroy(&attributes);
}

static void *work_for_ever(void *unused) {
    char *held = opaque(malloc(300));
    of_thread = opaque(malloc(400));
    for (;;) {
        char *block = opaque(malloc(64));
        memset(block, 'w', 64);
        free(block);
        held[0]++;
        usleep(100);
    }
    return unused;
}

/* They run on while the process ends. */
SHAPE(running_at_exit) {
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, work_for_ever, NULL);
        pthread_detach(thread);
    }
    usleep(10000);
}

RUN_ALL()
