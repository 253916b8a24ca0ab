/* Gives pointers with other tags than their memory's to calls of the kernel, which answers EFAULT
 * where it compares (tests/arm/tags.sh). qemu-user does not: compares() says what a kernel would
 * do for the calling thread.
 *
 *     tag_kernel first     the program takes the tag off, and no access comes before the call
 *     tag_kernel looked    likewise, by a thread that does not know that nothing is compared, by a
 *                          call that hakmem looks at
 *     tag_kernel other     by one that it does not look at, after a malloc
 *     tag_kernel WAY BYTES  a block of so many bytes
 *     tag_kernel stale     the block was freed, and a later one lives there */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "platform/aarch64/tags.h"

enum { WRITTEN = 40, TRIES = 20000, GET_CONTROL = 56 /* PR_GET_TAGGED_ADDR_CTRL */ };

static const char *what;
static size_t bytes;
static int ends[2];
static char *kept;
static pthread_barrier_t masked;

static char *without_tag(char *p) {
    return (char *)((uintptr_t)p & (((uintptr_t)1 << HAK_TAG_SHIFT) - 1));
}

static bool compares(void) {
    return (prctl(GET_CONTROL, 0, 0, 0, 0) & (HAK_TAGS_SYNC | HAK_TAGS_ASYNC)) != 0;
}

static void *work(void *unused) {
    pthread_barrier_wait(&masked);
    bool before = compares();
    if (strcmp(what, "other") == 0) {
        void *volatile block = malloc(bytes);
        free(block);
    } else if (write(ends[1], kept, WRITTEN) != WRITTEN) {
        puts("not written");
    }
    printf("compares %d, then %d\n", before, compares());
    return unused;
}

/* A pointer to a freed block in whose place another one lives. */
static char *stale(void) {
    char *old = malloc(bytes), *next = NULL;
    free(old);
    for (int i = 0; i < TRIES && without_tag(next) != without_tag(old); i++) {
        free(next);
        next = malloc(bytes);
    }
    return old;
}

int main(int count, char **arguments) {
    pthread_t thread;
    what = count > 1 ? arguments[1] : "first";
    bytes = count > 2 ? (size_t)atol(arguments[2]) : WRITTEN;
    bool is_stale = strcmp(what, "stale") == 0, is_first = strcmp(what, "first") == 0;
    kept = is_stale ? stale() : without_tag(malloc(bytes));
    if (pipe(ends) != 0)
        return 2;
    pthread_barrier_init(&masked, NULL, 2);
    pthread_create(&thread, NULL, work, NULL);
    if (!is_stale && !is_first)
        memset(kept, 'a', WRITTEN);
    pthread_barrier_wait(&masked);
    pthread_join(thread, NULL);
    return 0;
}
