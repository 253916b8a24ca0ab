/* Shows the behaviour of BenchFast's pool: `bench_fast WHAT`.
 *
 *   pool      blocks of 64 bytes lie one behind the other and come back last in, first out
 *   family    calloc, realloc, aligned_alloc, malloc_usable_size and malloc_trim with such blocks
 *   twice     a block is freed twice, and nobody looks
 *   empty     60,000 blocks of 64 bytes are held at once
 *   threads   30 threads, 15 at a time, free blocks of each other; then a child does the same
 *   many      the same with 80, 40 at a time: more than there are portions */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 60000, FEW_THREADS = 15, MANY_THREADS = 40, ROUNDS = 20000, SHARED = 512 };

static char *blocks[BLOCKS];
static char *shared[SHARED]; /* each exchanged whole, by __atomic_exchange_n */

static int fail(const char *what) {
    puts(what);
    return 1;
}

static int pool(void) {
    for (int i = 0; i < 1000; i++)
        blocks[i] = malloc(64);
    for (int i = 1; i < 1000; i++)
        if (blocks[i] != blocks[i - 1] + 64)
            return fail("blocks do not lie one behind the other");
    free(blocks[10]);
    free(blocks[20]);
    if (malloc(64) != blocks[20] || malloc(50) != blocks[10])
        return fail("what was freed last does not come first");
    return 0;
}

static int family(void) {
    char *block = malloc(100);
    memset(block, 7, 100);
    if (malloc_usable_size(block) < 100)
        return fail("a block is smaller than what was asked");
    block = realloc(block, 1000);
    for (int i = 0; i < 100; i++)
        if (block[i] != 7)
            return fail("realloc lost what stood in the block");
    memset(block, 7, 1000);
    free(block);
    char *zeroed = calloc(10, 100);
    for (int i = 0; zeroed && i < 1000; i++)
        if (zeroed[i] != 0)
            return fail("calloc's block is not zero");
    void *aligned = aligned_alloc(256, 300);
    if ((uintptr_t)aligned % 256 != 0)
        return fail("aligned_alloc does not align");
    char *large = malloc(100000), *grown = realloc(malloc(900), 50000);
    if (!large || !grown)
        return fail("no large block");
    malloc_trim(0);
    free(grown);
    free(large);
    free(aligned);
    free(zeroed);
    return 0;
}

static int empty(void) {
    for (int i = 0; i < BLOCKS; i++)
        memset(blocks[i] = malloc(64), i, 64);
    for (int i = 0; i < BLOCKS; i++)
        for (int j = 0; j < 64; j++)
            if (blocks[i][j] != (char)i)
                return fail("two blocks lie in one place");
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return 0;
}

static void *exchange(void *seed) {
    uint32_t state = (uint32_t)(uintptr_t)seed;
    for (int i = 0; i < ROUNDS; i++) {
        state = state * 1664525u + 1013904223u;
        size_t bytes = 8 + (state >> 8) % 1200;
        char *block = malloc(bytes);
        block[0] = block[bytes - 1] = 1;
        free(__atomic_exchange_n(&shared[(state >> 20) % SHARED], block, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static int threads(int number) {
    pthread_t thread[MANY_THREADS];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < number; i++)
            pthread_create(&thread[i], NULL, exchange, (void *)(intptr_t)(i + round * number));
        for (int i = 0; i < number; i++)
            pthread_join(thread[i], NULL);
    }
    pid_t child = fork();
    if (child == 0) {
        exchange(NULL);
        _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        return fail("the child failed");
    return 0;
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    if (strcmp(what, "pool") == 0)
        return pool();
    if (strcmp(what, "family") == 0)
        return family();
    if (strcmp(what, "empty") == 0)
        return empty();
    if (strcmp(what, "threads") == 0)
        return threads(FEW_THREADS);
    if (strcmp(what, "many") == 0)
        return threads(MANY_THREADS);
    if (strcmp(what, "twice") != 0)
        return fail("bench_fast pool|family|twice|empty|threads|many");
    char *volatile block = malloc(64);
    free(block);
    free(block);
    return 0;
}
