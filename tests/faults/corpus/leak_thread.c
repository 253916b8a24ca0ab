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

static void in_a_thread(void) {
    run_thread(lose);
}
static void in_a_thread_variable(void) {
    run_thread(keep_in_thread_variable);
}

static void under_a_key_without_destructor(void) {
    pthread_key_create(&key, NULL);
    run_thread(keep_under_key);
}

static void result_never_asked_for(void) {
    run_thread(return_block);
}

static void in_four_threads(void) {
    for (int i = 0; i < 4; i++)
        run_thread(lose);
}

static void *wait_for_ever(void *unused) {
    pause();
    return unused;
}

static void while_a_thread_runs(void) {
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

static void of_a_cancelled_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, cancelled, NULL);
    usleep(20000);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

static void in_a_child(void) {
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

static void process_ended_by_thread(void) {
    run_thread(end_the_process);
}

static const struct shape shapes[] = {
    {"in_a_thread", in_a_thread},
    {"in_a_thread_variable", in_a_thread_variable},
    {"under_a_key_without_destructor", under_a_key_without_destructor},
    {"result_never_asked_for", result_never_asked_for},
    {"in_four_threads", in_four_threads},
    {"while_a_thread_runs", while_a_thread_runs},
    {"of_a_cancelled_thread", of_a_cancelled_thread},
    {"in_a_child", in_a_child},
    {"process_ended_by_thread", process_ended_by_thread},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
