/* A plugin, compiled twice with other names and layouts: see generations.c. */
#include <stddef.h>
#include <stdlib.h>

static __attribute__((noinline, noipa)) void NAME(size_t bytes) {
    volatile char room[ROOM];
    void *volatile block;
    room[0] = 1;
    block = malloc(bytes);
    free(block);
    room[1] = room[0];
}

void plugin_work(size_t bytes) {
    NAME(bytes);
    __asm__ volatile("" ::: "memory");
}
