/* No memory left, as a program sees it: NULL and ENOMEM, nothing breaks, and what is freed serves
 * again. Runs on any allocator (preload_test.sh). */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "unit/suite.h"

/* Space for `bytes` more than the process has now. */
static void limit_to(size_t bytes) {
    FILE *file = fopen("/proc/self/statm", "r");
    size_t pages = 0;
    ck_assert_int_eq(fscanf(file, "%zu", &pages), 1);
    fclose(file);
    struct rlimit limit = {pages * 4096 + bytes, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

static void *(*volatile take)(size_t) = malloc;

/* A chain of blocks of `bytes` until there is no more; how many, and in `why` the errno of the end.
 * Nothing is asserted meanwhile: Check needs memory itself. */
static size_t take_all(size_t bytes, void **chain, int *why) {
    size_t count = 0;
    for (;;) {
        errno = 0;
        void *block = take(bytes);
        if (!block) {
            *why = errno;
            return count;
        }
        memset(block, 1, bytes);
        memcpy(block, chain, sizeof *chain);
        *chain = block;
        count++;
    }
}

static void give_all(void *chain) {
    while (chain) {
        void *next;
        memcpy(&next, chain, sizeof next);
        free(chain);
        chain = next;
    }
}

TEST(memory_ends_and_comes_back) {
    static const size_t sizes[] = {16, 100, 1000, 5000, 30000, 100000, 3000000};
    limit_to(96 << 20);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *chain = NULL, *again = NULL;
        int why = 0, why_again = 0;
        size_t count = take_all(sizes[i], &chain, &why);
        free(NULL);
        const void *grown = realloc(chain, (size_t)200 << 20);
        const void *cleared = calloc(200 << 10, 1024);
        give_all(chain);
        size_t second = take_all(sizes[i], &again, &why_again);
        give_all(again);
        ck_assert_ptr_null(grown);
        ck_assert_ptr_null(cleared);
        ck_assert_uint_gt(count, 0);
        ck_assert_int_eq(why, ENOMEM);
        ck_assert_int_eq(why_again, ENOMEM);
        ck_assert_msg(second >= count - count / 4, "%zu bytes: first %zu blocks, then %zu",
                      sizes[i], count, second);
    }
}

static void *take_and_give(void *result) {
    void *chain = NULL;
    size_t count = 0;
    while (count < 100000) {
        void *block = take(200);
        if (!block)
            break;
        memcpy(block, &chain, sizeof chain);
        chain = block;
        count++;
    }
    give_all(chain);
    return result;
}

TEST(threads_that_find_no_memory_end_well) {
    limit_to(64 << 20);
    for (int round = 0; round < 5; round++) {
        pthread_t threads[4];
        int started = 0;
        while (started < 4 && pthread_create(&threads[started], NULL, take_and_give, NULL) == 0)
            started++;
        for (int i = 0; i < started; i++)
            pthread_join(threads[i], NULL);
        ck_assert_int_gt(started, 0);
    }
}

/* Mappings until the process may have hardly more; the kernel then moves none (mremap). */
static void map_nearly_all(void) {
    size_t allowed = 0, used = 0;
    char line[4200];
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    ck_assert_int_eq(fscanf(file, "%zu", &allowed), 1);
    fclose(file);
    file = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, file))
        used++;
    fclose(file);
    ck_assert_uint_gt(allowed, used + 2);
    size_t pages = allowed - used - 2;
    char *start = mmap(NULL, pages * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(start, MAP_FAILED);
    for (size_t i = 0; i < pages; i += 2)
        ck_assert_int_eq(mprotect(start + i * 4096, 4096, PROT_READ), 0);
}

TEST(a_block_grows_where_the_kernel_moves_no_mapping) {
    char *block = malloc(200000), *behind = malloc(200000);
    memset(block, 7, 200000);
    map_nearly_all();
    block = realloc(block, 90 << 20);
    ck_assert_ptr_nonnull(block);
    ck_assert_int_eq(block[199999], 7);
    free(block);
    free(behind);
}

RUN_TESTS()
