/* Commits one misuse of free or realloc, named by the argument; misuse_test.sh looks at the end. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if !__GLIBC_PREREQ(2, 33)
#define mallinfo2 mallinfo
#endif

static char zeroed[256];
static void (*volatile give)(void *) = free;
static void *(*volatile take)(size_t) = malloc;
static void *(*volatile resize)(void *, size_t) = realloc;

extern void *__libc_malloc(size_t bytes);

static void *give_in_thread(void *block) {
    give(block);
    return NULL;
}

/* Makes full arrays spill, so that what went into them wrongly is noticed. */
static void churn(size_t bytes) {
    void *blocks[500];
    for (int i = 0; i < 500; i++)
        blocks[i] = take(bytes);
    for (int i = 0; i < 500; i++)
        give(blocks[i]);
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    char local[64] = "";
    char *small = take(100), *large = take(100000);
    char *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gone, 4096);
    if (strcmp(what, "stack") == 0) {
        give(local + 16);
    } else if (strcmp(what, "static") == 0) {
        give(zeroed);
    } else if (strcmp(what, "code") == 0) {
        give((void *)(size_t)main);
    } else if (strcmp(what, "unmapped") == 0) {
        give(gone);
    } else if (strcmp(what, "nonsense") == 0) {
        give((void *)0xdeadbeefdeadbeef);
    } else if (strcmp(what, "inside") == 0) {
        give(small + 16);
    } else if (strcmp(what, "inside-large") == 0) {
        give(large + 4096);
    } else if (strcmp(what, "twice") == 0) {
        give(small);
        give(small);
    } else if (strcmp(what, "twice-large") == 0) {
        give(large);
        give(large);
    } else if (strcmp(what, "twice-later") == 0) {
        void *other = take(100);
        give(small);
        give(other);
        give(small);
        churn(100);
    } else if (strcmp(what, "inside-in-thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, give_in_thread, small + 16);
        pthread_join(thread, NULL);
        churn(100);
    } else if (strcmp(what, "realloc-stack") == 0) {
        resize(local, 100);
    } else if (strcmp(what, "realloc-inside") == 0) {
        resize(small + 8, 200);
    } else if (strcmp(what, "mapping") == 0) {
        give(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        puts("went on");
    } else if (strcmp(what, "glibc") == 0) {
        void *blocks[100];
        for (int i = 0; i < 100; i++)
            blocks[i] = __libc_malloc(1000);
        for (int i = 0; i < 100; i++)
            give(blocks[i]);
        struct mallinfo2 left = mallinfo2(); /* glibc's own: ours has none */
        printf("went on, %s\n", left.uordblks < 50000 ? "given to glibc" : "leaked");
    } else {
        puts("unknown misuse");
    }
    return 0;
}
