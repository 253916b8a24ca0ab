/* Measures how much stack a call of the allocator takes: `stack`. Prints the bytes.
 *
 * A thread on a stack of PTHREAD_STACK_MIN, which was filled before, makes every call for the first
 * time, deep paths among them: caches that run empty and over, large blocks, frees of another
 * thread's blocks. Bytes that are no longer as they were filled were used. Fails when the thread
 * cannot be started. */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { filling = 0xa5, blocks_max = 400 };

static void *foreign[blocks_max];
static uintptr_t entered_at;

static __attribute__((noinline)) void use_all(void) {
    static void *blocks[blocks_max];
    void *aligned;
    for (int i = 0; i < blocks_max; i++)
        blocks[i] = i % 3 ? malloc((size_t)(i * 111 % 3000)) : calloc(1, (size_t)i * 200);
    for (int i = 0; i < blocks_max; i++)
        blocks[i] = realloc(blocks[i], (size_t)(i * 77 % 60000) + 1);
    for (int i = 0; i < blocks_max; i++)
        free(blocks[i]);
    for (int i = 0; i < blocks_max; i++)
        free(foreign[i]);
    for (int i = 0; i < 200; i++)
        blocks[i] = malloc(64);
    for (int i = 0; i < 200; i++)
        free(blocks[i]);
    if (posix_memalign(&aligned, 4096, 100) != 0)
        abort();
    free(aligned);
    free(malloc(300000));
}

static void *work(void *unused) {
    entered_at = (uintptr_t)__builtin_frame_address(0);
    use_all();
    return unused;
}

int main(int argc, char **argv) {
    size_t bytes = argc > 1 ? (size_t)atol(argv[1]) : (size_t)PTHREAD_STACK_MIN;
    unsigned char *stack =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attributes;
    pthread_t thread;
    for (int i = 0; i < blocks_max; i++)
        foreign[i] = malloc((size_t)(i * 59 % 2000));
    memset(stack, filling, bytes);
    pthread_attr_init(&attributes);
    int error = pthread_attr_setstack(&attributes, stack, bytes);
    if (!error)
        error = pthread_create(&thread, &attributes, work, NULL);
    if (error) {
        printf("a thread of %zu bytes does not start: %s\n", bytes, strerror(error));
        return 1;
    }
    pthread_join(thread, NULL);
    size_t untouched = 0;
    while (untouched < bytes && stack[untouched] == filling)
        untouched++;
    /* from the frame of the thread's function down; and what of the stack nobody touched */
    printf("%zu %zu\n", (size_t)(entered_at - (uintptr_t)stack) - untouched, untouched);
    return 0;
}
