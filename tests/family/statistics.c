/* Asks for figures while four threads allocate, and gives memory back: statistics FILE writes
 * malloc_info's XML to FILE and malloc_stats' words to stderr. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if !__GLIBC_PREREQ(2, 33)
#define mallinfo2 mallinfo
#endif

enum { THREADS = 4, ROUNDS = 30, BLOCKS = 100000, BYTES = 600 };

static atomic_int over;

static void *work(void *argument) {
    char *blocks[64] = {0};
    unsigned seed = (unsigned)(size_t)argument;
    while (!atomic_load(&over)) {
        seed = seed * 1103515245u + 12345u;
        unsigned at = seed >> 16 & 63;
        free(blocks[at]);
        blocks[at] = malloc(seed >> 8 & 0xffff);
    }
    for (int i = 0; i < 64; i++)
        free(blocks[i]);
    return NULL;
}

static long resident_bytes(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        abort();
    fclose(file);
    return pages * 4096;
}

static int fails(const char *what) {
    printf("%s\n", what);
    return 1;
}

int main(int count, char **arguments) {
    static char *blocks[BLOCKS];
    pthread_t threads[THREADS];
    if (count != 2)
        return 2;
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)(i + 1));
    /* A stream in memory allocates while malloc_info writes into it. */
    for (int i = 0; i < ROUNDS; i++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *stream = open_memstream(&text, &bytes);
        if (malloc_info(0, stream) != 0 || fclose(stream) != 0 || !strstr(text, "</malloc>"))
            return fails("malloc_info into memory");
        free(text);
        struct mallinfo2 now = mallinfo2();
        if (now.uordblks > now.arena || now.fordblks != now.arena - now.uordblks)
            return fails("mallinfo2 does not add up");
        (void)malloc_trim(0);
    }
    atomic_store(&over, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    for (int i = 0; i < BLOCKS; i++)
        memset(blocks[i] = malloc(BYTES), 1, BYTES);
    long full = resident_bytes();
    /* One in 3,000 stays, so that no whole SuperSlab gets free. */
    for (int i = 0; i < BLOCKS; i++)
        if (i % 3000 != 0)
            free(blocks[i]);
    if (malloc_trim(0) != 1)
        return fails("malloc_trim gives back nothing");
    long trimmed = resident_bytes();
    if (full - trimmed < (long)BLOCKS * BYTES / 2) {
        printf("malloc_trim gave back %ld of %ld bytes\n", full - trimmed, (long)BLOCKS * BYTES);
        return 1;
    }
    FILE *file = fopen(arguments[1], "w");
    if (!file || malloc_info(0, file) != 0 || fclose(file) != 0)
        return fails("malloc_info into a file");
    malloc_stats();
    return 0;
}
