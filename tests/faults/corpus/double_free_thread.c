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

static void here_then_there(void) {
    char *block = opaque(malloc(81));
    free(block);
    run_thread(release, block);
}

static void there_then_here(void) {
    char *block = opaque(malloc(82));
    run_thread(release, block);
    free(opaque(block));
}

static void two_threads(void) {
    char *block = opaque(malloc(83));
    run_thread(release, block);
    run_thread(release, block);
}

static void block_of_an_ended_thread(void) {
    char *block = run_thread(allocate, (void *)84);
    free(block);
    free(opaque(block));
}

static void ended_thread_freed_it(void) {
    char *block = run_thread(allocate, (void *)85);
    run_thread(release, block);
    free(opaque(block));
}

static void *allocate_and_free(void *size) {
    char *block = opaque(malloc((size_t)size));
    free(block);
    return block;
}

static void freed_by_its_ended_thread(void) {
    char *block = run_thread(allocate_and_free, (void *)86);
    free(opaque(block));
}

static void mid_block(void) {
    char *block = opaque(malloc(8000));
    run_thread(release, block);
    free(opaque(block));
}

static void large_block(void) {
    char *block = opaque(malloc(90000));
    run_thread(release, block);
    free(opaque(block));
}

static void in_a_child(void) {
    char *block = opaque(malloc(87));
    free(block);
    pid_t child = fork();
    if (child == 0) {
        free(opaque(block));
        exit(0);
    }
    waitpid(child, NULL, 0);
}

static void by_thread_exit(void) {
    pthread_key_t key;
    char *block = opaque(malloc(88));
    pthread_key_create(&key, free);
    pthread_setspecific(key, block);
    free(opaque(block));
    pthread_exit(NULL);
}

static const struct shape shapes[] = {
    {"here_then_there", here_then_there},
    {"there_then_here", there_then_here},
    {"two_threads", two_threads},
    {"block_of_an_ended_thread", block_of_an_ended_thread},
    {"ended_thread_freed_it", ended_thread_freed_it},
    {"freed_by_its_ended_thread", freed_by_its_ended_thread},
    {"mid_block", mid_block},
    {"large_block", large_block},
    {"in_a_child", in_a_child},
    {"by_thread_exit", by_thread_exit},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
