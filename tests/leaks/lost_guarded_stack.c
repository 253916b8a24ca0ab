/* A thread's stack in one mapping with a table below it, with guard pages between that are no
 * mapping of their own, as glibc 2.42 makes them: the table is read, and what the stack's dead part
 * holds is not. LOST direct 1 100 indirect 0 0 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>
#include "leaks.h"

enum { BYTES = 1 << 20, GUARD_AT = 64 << 10, GUARD_BYTES = 8192, GUARD_INSTALL = 102 };

static int ready[2];

static __attribute__((noinline)) void hold_deep(void) {
    void *volatile held[8192];
    held[0] = take(100);
    use((const void *)held);
}

static void *wait_there(void *nothing) {
    hold_deep();
    forget_frames(); /* does not reach down to held[0] */
    if (write(ready[1], "", 1) == 1)
        pause();
    return nothing;
}

int main(void) {
    char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
         word;
    pthread_attr_t attributes;
    pthread_t thread;
    if (madvise(memory + GUARD_AT, GUARD_BYTES, GUARD_INSTALL) != 0 &&
        mprotect(memory + GUARD_AT, GUARD_BYTES, PROT_NONE) != 0)
        return 2; /* mprotect: Linux before 6.13 */
    *(void **)memory = take(10);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, memory + GUARD_AT + GUARD_BYTES,
                          BYTES - GUARD_AT - GUARD_BYTES);
    if (pipe(ready) != 0 || pthread_create(&thread, &attributes, wait_there, NULL) != 0 ||
        read(ready[0], &word, 1) != 1)
        return 3;
    forget_frames();
    return 0;
}
