/* The aligned family as a program sees it: the whole matrix, and what is refused. Runs on any
 * allocator (preload_test.sh). */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "unit/suite.h"

static void look_at(void *block, size_t alignment, size_t bytes) {
    if (!block || (uintptr_t)block % alignment != 0 || malloc_usable_size(block) < bytes)
        ck_abort_msg("%zu bytes at %zu gave %p", bytes, alignment, block);
    memset(block, 0x5a, bytes);
}

TEST(every_alignment_with_many_sizes) {
    for (size_t alignment = 8; alignment <= (size_t)8 << 20; alignment *= 2)
        for (size_t bytes = 0; bytes <= 150000; bytes = bytes * 4 / 3 + 1) {
            void *blocks[3], *result = NULL;
            look_at(blocks[0] = memalign(alignment, bytes), alignment, bytes);
            look_at(blocks[1] = aligned_alloc(alignment, bytes), alignment, bytes);
            ck_assert_int_eq(posix_memalign(&result, alignment, bytes), 0);
            look_at(blocks[2] = result, alignment, bytes);
            for (int i = 0; i < 3; i++)
                free(blocks[i]);
        }
}

TEST(pages) {
    void *block = valloc(100);
    look_at(block, 4096, 100);
    free(block);
    block = pvalloc(100);
    look_at(block, 4096, 4096);
    free(block);
    block = pvalloc(4097);
    look_at(block, 4096, 8192);
    free(block);
}

TEST(what_is_refused) {
    void *result = &result;
    const size_t bad[] = {0, 1, 2, 4, 3, 12, 24, 100, SIZE_MAX};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        errno = 4711;
        ck_assert_int_eq(posix_memalign(&result, bad[i], 10), EINVAL);
        ck_assert_int_eq(errno, 4711);
        ck_assert_ptr_eq(result, &result);
    }
    ck_assert_int_eq(posix_memalign(&result, 64, SIZE_MAX - 100), ENOMEM);
    ck_assert_ptr_eq(result, &result);
    void *(*volatile aligned)(size_t, size_t) = memalign;
    errno = 0;
    ck_assert_ptr_null(aligned(SIZE_MAX, 1));
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    ck_assert_ptr_null(aligned(64, SIZE_MAX - 32));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(aligned((size_t)1 << 62, 100));
    ck_assert_int_eq(errno, ENOMEM);
}

TEST(an_odd_alignment_is_rounded_up) {
    volatile size_t odd = 24, none = 0; /* clang refuses them as constants */
    void *block = memalign(odd, 100);
    look_at(block, 32, 100);
    free(block);
    block = memalign(none, 100);
    look_at(block, 16, 100);
    free(block);
}

TEST(aligned_blocks_do_not_overlap) {
    enum { BLOCKS = 2000 };
    static unsigned char *blocks[BLOCKS];
    static size_t bytes[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        bytes[i] = (size_t)i * 13 % 5000 + 1;
        blocks[i] = memalign((size_t)16 << i % 9, bytes[i]);
        memset(blocks[i], i, bytes[i]);
    }
    for (int i = 0; i < BLOCKS; i++) {
        for (size_t j = 0; j < bytes[i]; j++)
            if (blocks[i][j] != (unsigned char)i)
                ck_abort_msg("byte %zu of block %d was overwritten", j, i);
        free(blocks[i]);
    }
}

RUN_TESTS()
