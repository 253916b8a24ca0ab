/* A thread reads the guard page below its own stack, which is no mapping of its own, as glibc 2.42
 * makes them. */
#include <pthread.h>
#include <sys/mman.h>

enum { PAGE = 4096, BYTES = 256 * PAGE, GUARD_INSTALL = 102 };

static void *worker(void *stack) {
    volatile char *guard = (volatile char *)stack - 100;
    return (void *)(long)*guard;
}

int main(void) {
    char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *guard = memory + 4 * PAGE, *stack = guard + 2 * PAGE;
    pthread_attr_t attributes;
    pthread_t thread;
    if (madvise(guard, 2 * PAGE, GUARD_INSTALL) != 0 && mprotect(guard, 2 * PAGE, PROT_NONE) != 0)
        return 2; /* mprotect: Linux before 6.13 */
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, (size_t)(memory + BYTES - stack));
    pthread_create(&thread, &attributes, worker, stack);
    pthread_join(thread, NULL);
    return 0;
}
