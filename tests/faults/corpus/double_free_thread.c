/* The two frees of a block happen in different threads, or in a child process. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shapes.h"

static void *release(void *block) {
    free(opaque(block));
    return NULL;
}

static void *allocate(void *size) {
    return opaque(malloc((size_t)size));
}

static void *run_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    void *result;
    if (pthread_create(&thread, NULL, body, argument) != 0)
        exit(2);
    pthread_join(thread, &result);
    return result;
}

SHAPE(here_then_there) {
    char *block = opaque(malloc(81));
    free(block);
    run_thread(release, block);
}

SHAPE(there_then_here) {
    char *block = opaque(malloc(82));
    run_thread(release, block);
    free(opaque(block));
}

SHAPE(two_threads) {
    char *block = opaque(malloc(83));
    run_thread(release, block);
    run_thread(release, block);
}

SHAPE(block_of_an_ended_thread) {
    char *block = run_thread(allocate, (void *)84);
    free(block);
    free(opaque(block));
}

SHAPE(ended_thread_freed_it) {
    char *block = run_thread(allocate, (void *)85);
    run_thread(release, block);
    free(opaque(block));
}

static void *allocate_and_free(void *size) {
    char *block = opaque(malloc((size_t)size));
    free(block);
    return block;
}

SHAPE(freed_by_its_ended_thread) {
    char *block = run_thread(allocate_and_free, (void *)86);
    free(opaque(block));
}

SHAPE(mid_block) {
    char *block = opaque(malloc(8000));
    run_thread(release, block);
    free(opaque(block));
}

SHAPE(large_block) {
    char *block = opaque(malloc(90000));
    run_thread(release, block);
    free(opaque(block));
}

SHAPE(in_a_child) {
    char *block = opaque(malloc(87));
    free(block);
    pid_t child = fork();
    if (child == 0) {
        free(opaque(block));
        exit(0);
    }
    waitpid(child, NULL, 0);
}

SHAPE(by_thread_exit) {
    pthread_key_t key;
    char *block = opaque(malloc(88));
    pthread_key_create(&key, free);
    pthread_setspecific(key, block);
    free(opaque(block));
    pthread_exit(NULL);
}

RUN_ONE()
