/* Functions that are compiled without unwind tables, with and without frame pointer, and a plugin's
 * function: see kinds.c and kinds.sh. */
#include <stddef.h>
#include <stdlib.h>

void allocate(size_t bytes);

#ifdef PLUGIN
__attribute__((noinline)) void plugin_calls_back(void (*function)(size_t), size_t bytes) {
    function(bytes);
    __asm__ volatile("" ::: "memory");
}

/* Called by ld.so, which nothing but its own entry called. */
__attribute__((constructor)) static void library_constructor(void) {
    void *volatile block = CONSTRUCTED ? malloc(CONSTRUCTED) : NULL;
    free(block);
}
#else
__attribute__((noinline)) void NAME(size_t bytes) {
    volatile char room[200];
    room[0] = (char)bytes;
    allocate(bytes);
    room[1] = room[0];
}
#endif
