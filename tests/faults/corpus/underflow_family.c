/* One byte in front of blocks of every function that hands blocks out. */
#include <malloc.h>
#include <pthread.h>
#include "shapes.h"

static void write_in_front(char *block) {
    block = opaque(block);
    block[-1] = 'f';
    free(block);
}

SHAPE(from_malloc) {
    write_in_front(malloc(150));
}
SHAPE(from_calloc) {
    write_in_front(calloc(15, 10));
}
SHAPE(grown) {
    write_in_front(realloc(malloc(20), 151));
}
SHAPE(from_aligned_alloc) {
    write_in_front(aligned_alloc(32, 160));
}
SHAPE(from_memalign) {
    write_in_front(memalign(64, 161));
}
SHAPE(aligned_to_a_page) {
    write_in_front(memalign(4096, 162));
}
SHAPE(from_strdup) {
    write_in_front(strdup("a string of twenty-four"));
}
SHAPE(of_no_bytes) {
    write_in_front(malloc(0));
}
SHAPE(of_a_page) {
    write_in_front(malloc(4096));
}

SHAPE(from_posix_memalign) {
    void *block;
    if (posix_memalign(&block, 16, 163) == 0)
        write_in_front(block);
}

static char *kept;

SHAPE(never_freed) {
    kept = opaque(malloc(164));
    kept[-1] = 'f';
}

static void *write_from_thread(void *block) {
    ((char *)block)[-1] = 'f';
    return NULL;
}

SHAPE(from_a_thread) {
    pthread_t thread;
    char *block = opaque(malloc(165));
    pthread_create(&thread, NULL, write_from_thread, block);
    pthread_join(thread, NULL);
    free(block);
}

SHAPE(found_by_realloc) {
    char *block = opaque(malloc(166));
    block[-2] = 'f';
    free(realloc(block, 3000));
}

RUN_ONE()
