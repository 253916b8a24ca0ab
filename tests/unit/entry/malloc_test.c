/* malloc, calloc and free as a program sees them. Runs on any allocator: preload_test.sh puts ours
 * in front, in every build and layout. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "unit/suite.h"

/* Through pointers that the compiler does not see through. */
static void *(*volatile take)(size_t) = malloc;
static void *(*volatile take_zeroed)(size_t, size_t) = calloc;
static void (*volatile give)(void *) = free;

static void check_and_give(char *block, size_t bytes) {
    for (size_t i = 0; i < bytes; i += i + 16 < bytes ? 16 : 1)
        if ((unsigned char)block[i] != bytes % 251)
            ck_abort_msg("byte %zu of the block of %zu was overwritten", i, bytes);
    give(block);
}

/* A multiple of 16, below 16 bytes of 8; a guarded block below 16 bytes ends with its page, at what
 * an object of its size can need. */
static bool is_aligned(const char *block, size_t bytes) {
    uintptr_t fit = bytes < 4 ? 2 : bytes < 8 ? 4 : 8;
    if (bytes >= 16)
        return (uintptr_t)block % 16 == 0;
    return (uintptr_t)block % 8 == 0 ||
           ((uintptr_t)block % fit == 0 &&
            ((uintptr_t)block + (bytes ? bytes : 1) + fit - 1) % 4096 < fit);
}

TEST(every_size_is_aligned_writable_and_apart) {
    enum { SIZES = 40001, LIVE = 300 };
    static char *blocks[SIZES];
    for (size_t bytes = 0; bytes < SIZES; bytes++) {
        char *block = take(bytes);
        if (!block || !is_aligned(block, bytes) || malloc_usable_size(block) < bytes)
            ck_abort_msg("malloc(%zu) gave %p with %zu usable", bytes, (void *)block,
                         block ? malloc_usable_size(block) : 0);
        memset(block, (int)(bytes % 251), bytes);
        blocks[bytes] = block;
        if (bytes >= LIVE)
            check_and_give(blocks[bytes - LIVE], bytes - LIVE);
    }
    for (size_t bytes = SIZES - LIVE; bytes < SIZES; bytes++)
        check_and_give(blocks[bytes], bytes);
}

TEST(usable_bytes_may_all_be_written) {
    char *blocks[600];
    for (int i = 0; i < 600; i++) {
        size_t bytes = (size_t)i * 97;
        blocks[i] = take(bytes);
        memset(blocks[i], i, malloc_usable_size(blocks[i]));
    }
    for (int i = 0; i < 600; i++) {
        size_t usable = malloc_usable_size(blocks[i]);
        for (size_t j = 0; j < usable; j++)
            if (blocks[i][j] != (char)i)
                ck_abort_msg("byte %zu of %zu usable ones was overwritten", j, usable);
        give(blocks[i]);
    }
    ck_assert_uint_eq(malloc_usable_size(NULL), 0);
}

TEST(zero_bytes_give_single_pointers) {
    void *blocks[100];
    for (int i = 0; i < 100; i++) {
        blocks[i] = take(0);
        ck_assert_ptr_nonnull(blocks[i]);
        for (int j = 0; j < i; j++)
            ck_assert_ptr_ne(blocks[i], blocks[j]);
    }
    for (int i = 0; i < 100; i++)
        give(blocks[i]);
    give(NULL);
}

TEST(calloc_clears_what_was_used_before) {
    for (size_t bytes = 1; bytes < 200000; bytes = bytes * 5 / 4 + 1) {
        char *dirty[8];
        for (int i = 0; i < 8; i++)
            memset(dirty[i] = take(bytes), 0xff, bytes);
        for (int i = 0; i < 8; i++)
            give(dirty[i]);
        for (int i = 0; i < 8; i++) {
            dirty[i] = take_zeroed(i % 2 ? bytes : 1, i % 2 ? 1 : bytes);
            for (size_t j = 0; j < bytes; j++)
                if (dirty[i][j] != 0)
                    ck_abort_msg("byte %zu of calloc(%zu) is not zero", j, bytes);
        }
        for (int i = 0; i < 8; i++)
            give(dirty[i]);
    }
}

TEST(what_cannot_be_is_null_and_enomem) {
    const size_t impossible[] = {SIZE_MAX,        SIZE_MAX - 7,
                                 SIZE_MAX - 4096, (size_t)PTRDIFF_MAX + 1,
                                 PTRDIFF_MAX,     (size_t)1 << 50};
    for (unsigned i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        errno = 0;
        ck_assert_ptr_null(take(impossible[i]));
        ck_assert_int_eq(errno, ENOMEM);
        errno = 0;
        ck_assert_ptr_null(take_zeroed(1, impossible[i]));
        ck_assert_int_eq(errno, ENOMEM);
    }
    errno = 0;
    ck_assert_ptr_null(take_zeroed((size_t)1 << 33, (size_t)1 << 33));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_ptr_null(take_zeroed(SIZE_MAX / 2 + 1, 2));
    void *block = take_zeroed(0, 5);
    ck_assert_ptr_nonnull(block);
    give(block);
}

TEST(free_and_a_good_malloc_keep_errno) {
    const size_t sizes[] = {1, 100, 5000, 40000, 3000000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        errno = 4711;
        void *block = take(sizes[i]);
        ck_assert_int_eq(errno, 4711);
        give(block);
        ck_assert_int_eq(errno, 4711);
    }
    give(NULL);
    ck_assert_int_eq(errno, 4711);
}

TEST(a_long_random_life_keeps_every_byte) {
    enum { LIVE = 3000 };
    const int steps = is_quick() ? 75000 : 300000;
    static struct {
        unsigned char *block;
        size_t bytes;
    } live[LIVE];
    uint64_t random = 88172645463325252ull;
    for (int step = 0; step < steps; step++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned i = (unsigned)(random % LIVE);
        unsigned char mark = (unsigned char)i;
        if (live[i].block) {
            if (live[i].block[0] != mark || live[i].block[live[i].bytes - 1] != mark)
                ck_abort_msg("block %u of %zu bytes was overwritten", i, live[i].bytes);
            give(live[i].block);
        }
        live[i].bytes = (random >> 32) % (step % 100 == 0 ? 100000 : 2000) + 1;
        live[i].block = take(live[i].bytes);
        memset(live[i].block, mark, live[i].bytes);
    }
    for (int i = 0; i < LIVE; i++)
        give(live[i].block);
}

RUN_TESTS()
