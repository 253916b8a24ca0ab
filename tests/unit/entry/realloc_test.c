/* realloc as a program sees it: bytes kept on every way, glibc's answers at the edges. Runs on any
 * allocator (preload_test.sh). */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "unit/suite.h"

static void *(*volatile take)(size_t) = malloc;
static void *(*volatile resize)(void *, size_t) = realloc;

/* The bytes of a test block. */
enum { BYTES_MOST = 5000000 };
static char mark[BYTES_MOST];

static void make_marks(void) {
    for (size_t j = 0; j < BYTES_MOST; j++)
        mark[j] = (char)(j * 7 + j / 256);
}

static void fill(char *block, size_t from, size_t to) {
    if (from < to)
        memcpy(block + from, mark + from, to - from);
}

static void look(const char *block, size_t bytes, const char *when) {
    if (memcmp(block, mark, bytes) != 0)
        for (size_t j = 0; j < bytes; j++)
            if (block[j] != mark[j])
                ck_abort_msg("%s: byte %zu of %zu changed", when, j, bytes);
}

TEST(growing_and_shrinking_keep_the_bytes) {
    static const size_t sizes[] = {1,     7,     8,     9,      16,     24,      100,
                                   1000,  1008,  1009,  4096,   20000,  32767,   32768,
                                   32769, 40000, 65536, 131072, 300000, 1000000, BYTES_MOST};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (int from = 0; from < SIZES; from++)
        for (int to = 0; to < SIZES; to++) {
            char *block = take(sizes[from]);
            fill(block, 0, sizes[from]);
            block = resize(block, sizes[to]);
            ck_assert_ptr_nonnull(block);
            ck_assert_uint_ge(malloc_usable_size(block), sizes[to]);
            look(block, sizes[from] < sizes[to] ? sizes[from] : sizes[to], "resized");
            fill(block, 0, sizes[to]);
            block = resize(block, sizes[from]);
            look(block, sizes[from] < sizes[to] ? sizes[from] : sizes[to], "and back");
            free(block);
        }
}

TEST(byte_by_byte) {
    char *block = NULL;
    for (size_t bytes = 1; bytes <= 70000; bytes++) {
        block = resize(block, bytes);
        block[bytes - 1] = mark[bytes - 1];
    }
    look(block, 70000, "grown");
    for (size_t bytes = 69999; bytes > 0; bytes -= bytes > 100 ? 37 : 1) {
        block = resize(block, bytes);
        if (bytes % 1000 < 37)
            look(block, bytes, "shrinking");
    }
    free(block);
}

TEST(many_blocks_that_grow_in_turns) {
    enum { BLOCKS = 200 };
    char *blocks[BLOCKS] = {NULL};
    size_t bytes[BLOCKS] = {0};
    uint64_t random = 88172645463325252ull;
    for (int step = 0, steps = is_quick() ? 7500 : 30000; step < steps; step++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned i = (unsigned)(random % BLOCKS);
        size_t wanted = (random >> 32) % (step % 50 == 0 ? 200000 : 3000) + 1;
        if (bytes[i])
            look(blocks[i], bytes[i] < 64 ? bytes[i] : 64, "in turns");
        blocks[i] = resize(blocks[i], wanted);
        fill(blocks[i], bytes[i] < wanted ? bytes[i] : wanted, wanted);
        look(blocks[i], wanted < 4096 ? wanted : 4096, "in turns");
        bytes[i] = wanted;
    }
    for (int i = 0; i < BLOCKS; i++) {
        look(blocks[i], bytes[i], "at the end");
        free(blocks[i]);
    }
}

TEST(the_edges_are_glibcs) {
    void *block = resize(NULL, 100);
    ck_assert_ptr_nonnull(block);
    ck_assert_ptr_null(resize(block, 0)); /* frees */
    block = resize(NULL, 0);
    ck_assert_ptr_nonnull(block);
    block = resize(block, 50);
    fill(block, 0, 50);
    errno = 0;
    ck_assert_ptr_null(resize(block, SIZE_MAX));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(resize(block, (size_t)1 << 50));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    void *(*volatile resize_array)(void *, size_t, size_t) = reallocarray;
    ck_assert_ptr_null(resize_array(block, SIZE_MAX / 2, 3));
    ck_assert_int_eq(errno, ENOMEM);
    look(block, 50, "after failures");
    block = resize_array(block, 10, 100);
    look(block, 50, "as an array");
    free(block);
}

TEST(aligned_blocks_can_be_resized) {
    for (size_t alignment = 16; alignment <= 65536; alignment *= 4) {
        char *block = memalign(alignment, 3000);
        ck_assert_uint_eq((uintptr_t)block % alignment, 0);
        fill(block, 0, 3000);
        block = resize(block, 3010);
        look(block, 3000, "grown");
        block = resize(block, 100000);
        look(block, 3000, "moved");
        block = resize(block, 10);
        look(block, 10, "shrunk");
        free(block);
    }
}

RUN_TESTS(.prepare = make_marks)
