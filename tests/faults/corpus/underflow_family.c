/* One byte in front of blocks of every function that hands blocks out. */
#include <malloc.h>
#include <pthread.h>
#include "shapes.h"

static void write_in_front(char *block) {
    block = opaque(block);
    block[-1] = 'f';
    free(block);
}

static void from_malloc(void) {
    write_in_front(malloc(150));
}
static void from_calloc(void) {
    write_in_front(calloc(15, 10));
}
static void grown(void) {
    write_in_front(realloc(malloc(20), 151));
}
static void from_aligned_alloc(void) {
    write_in_front(aligned_alloc(32, 160));
}
static void from_memalign(void) {
    write_in_front(memalign(64, 161));
}
static void aligned_to_a_page(void) {
    write_in_front(memalign(4096, 162));
}
static void from_strdup(void) {
    write_in_front(strdup("a string of twenty-four"));
}
static void of_no_bytes(void) {
    write_in_front(malloc(0));
}
static void of_a_page(void) {
    write_in_front(malloc(4096));
}

static void from_posix_memalign(void) {
    void *block;
    if (posix_memalign(&block, 16, 163) == 0)
        write_in_front(block);
}

static char *kept;

static void never_freed(void) {
    kept = opaque(malloc(164));
    kept[-1] = 'f';
}

static void *write_from_thread(void *block) {
    ((char *)block)[-1] = 'f';
    return NULL;
}

static void from_a_thread(void) {
    pthread_t thread;
    char *block = opaque(malloc(165));
    pthread_create(&thread, NULL, write_from_thread, block);
    pthread_join(thread, NULL);
    free(block);
}

static void found_by_realloc(void) {
    char *block = opaque(malloc(166));
    block[-2] = 'f';
    free(realloc(block, 3000));
}

static const struct shape shapes[] = {
    {"from_malloc", from_malloc},
    {"from_calloc", from_calloc},
    {"grown", grown},
    {"from_aligned_alloc", from_aligned_alloc},
    {"from_memalign", from_memalign},
    {"aligned_to_a_page", aligned_to_a_page},
    {"from_strdup", from_strdup},
    {"of_no_bytes", of_no_bytes},
    {"of_a_page", of_a_page},
    {"from_posix_memalign", from_posix_memalign},
    {"never_freed", never_freed},
    {"from_a_thread", from_a_thread},
    {"found_by_realloc", found_by_realloc},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
