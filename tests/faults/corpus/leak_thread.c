/* Blocks are lost in threads, or with them. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shapes.h"

static __thread char *of_thread;
static pthread_key_t key;

static void run_thread(void *(*body)(void *)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, NULL) != 0)
        exit(2);
    pthread_join(thread, NULL);
}

static void *lose(void *unused) {
    opaque(malloc(131));
    return unused;
}

static void *keep_in_thread_variable(void *unused) {
    of_thread = opaque(malloc(132));
    return unused;
}

static void *keep_under_key(void *unused) {
    pthread_setspecific(key, opaque(malloc(133)));
    return unused;
}

static void *return_block(void *unused) {
    (void)unused;
    return opaque(malloc(134));
}

SHAPE(in_a_thread) {
    run_thread(lose);
}
SHAPE(in_a_thread_variable) {
    run_thread(keep_in_thread_variable);
}

SHAPE(under_a_key_without_destructor) {
    pthread_key_create(&key, NULL);
    run_thread(keep_under_key);
}

SHAPE(result_never_asked_for) {
    run_thread(return_block);
}

SHAPE(in_four_threads) {
    for (int i = 0; i < 4; i++)
        run_thread(lose);
}

static void *wait_for_ever(void *unused) {
    pause();
    return unused;
}

SHAPE(while_a_thread_runs) {
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    opaque(malloc(135));
}

static void *cancelled(void *unused) {
    char *block = opaque(malloc(136));
    pause();
    free(block);
    return unused;
}

SHAPE(of_a_cancelled_thread) {
    pthread_t thread;
    pthread_create(&thread, NULL, cancelled, NULL);
    usleep(20000);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

SHAPE(in_a_child) {
    pid_t child = fork();
    if (child == 0) {
        opaque(malloc(137));
        exit(0);
    }
    waitpid(child, NULL, 0);
}

static void *end_the_process(void *unused) {
    opaque(malloc(138));
    exit(0);
    return unused;
}

SHAPE(process_ended_by_thread) {
    run_thread(end_the_process);
}

RUN_ONE()
