/* One thread frees what another still uses. */
#include <pthread.h>
#include "shapes.h"

static void *run_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    void *result;
    if (pthread_create(&thread, NULL, body, argument) != 0)
        exit(2);
    pthread_join(thread, &result);
    return result;
}

static void *release(void *block) {
    free(block);
    return NULL;
}

static void *write_to(void *block) {
    ((char *)block)[4] = 't';
    return NULL;
}

static void *read_from(void *block) {
    printf("%d\n", ((char *)block)[4] == 't');
    return NULL;
}

SHAPE(freed_there_written_here) {
    char *block = opaque(malloc(71));
    run_thread(release, block);
    *(char *)opaque(block + 4) = 'h';
}

SHAPE(freed_here_written_there) {
    char *block = opaque(malloc(72));
    free(block);
    run_thread(write_to, opaque(block));
}

SHAPE(freed_there_read_here) {
    char *block = opaque(malloc(73));
    run_thread(release, block);
    printf("%d\n", *(char *)opaque(block + 4) == 'h');
}

SHAPE(freed_here_read_there) {
    char *block = opaque(malloc(74));
    free(block);
    run_thread(read_from, opaque(block));
}

static void *make_and_free(void *size) {
    char *block = opaque(malloc((size_t)size));
    free(block);
    return block;
}

SHAPE(result_of_a_thread_is_free) {
    char *block = run_thread(make_and_free, (void *)75);
    block[4] = 'h';
}

SHAPE(argument_freed_too_early) {
    pthread_t thread;
    char *argument = opaque(strdup("an argument"));
    free(argument);
    pthread_create(&thread, NULL, write_to, opaque(argument));
    pthread_join(thread, NULL);
}

RUN_ONE()
