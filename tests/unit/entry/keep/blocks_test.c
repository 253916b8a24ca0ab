/* The words of blocks: one for each address, sparse, for any thread. */
#include "entry/keep/blocks.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include "unit/suite.h"

static void *address(uintptr_t at) {
    return (void *)at;
}

TEST(every_address_of_a_block_has_its_own_word) {
    static const uintptr_t spread[] = {
        0x10,         0x18,        0x20,           0x100000,       0x100008,       0xffff0,
        0x1ffffffff8, 0x200000000, 0x555555556000, 0x7ffff7a00010, 0x7ffff7a00018, 0x7ffffffffff0};
    enum { COUNT = sizeof spread / sizeof *spread };
    hak_keep_word_t *word[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_ptr_null(hak_keep_find(address(spread[i] ^ 0x400000000000), false));
        word[i] = hak_keep_find(address(spread[i]), true);
        ck_assert_ptr_nonnull(word[i]);
        ck_assert_uint_eq(*word[i], 0);
        for (size_t other = 0; other < i; other++)
            ck_assert_ptr_ne(word[i], word[other]);
        *word[i] = hak_keep_word(1, spread[i] & 0xffff, 2);
    }
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_ptr_eq(hak_keep_find(address(spread[i]), false), word[i]);
}

TEST(what_is_no_blocks_address_has_none) {
    ck_assert_ptr_null(hak_keep_find(address(0x1004), true));
    ck_assert_ptr_null(hak_keep_find(address(0x1001), true));
    ck_assert_ptr_null(hak_keep_find(address((uintptr_t)1 << HAK_ADDRESS_BITS), true));
    ck_assert_ptr_null(hak_keep_find(address(UINTPTR_MAX - 7), true));
    ck_assert_ptr_null(hak_keep_find(address(0x123456789000), false));
}

TEST(records_take_turns_and_wrap) {
    uint64_t word = hak_keep_word(UINT32_MAX, 77, 5);
    ck_assert(hak_keep_is_live(word));
    uint64_t given = hak_keep_counted(word);
    ck_assert(!hak_keep_is_live(given));
    ck_assert_uint_eq(hak_keep_count(given), 0);
    ck_assert_uint_eq(hak_keep_subkind(given), 5);
    ck_assert_uint_eq(hak_keep_bytes(given, 80), 77);
    ck_assert(hak_keep_is_live(hak_keep_counted(given)));
}

TEST(bytes_asked_for_are_exact) {
    static const size_t asked[] = {0,          1,          4096,       ((size_t)1 << 28) - 1,
                                   1ull << 28, 3ull << 28, 1ull << 40, (1ull << 40) + 12345};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        for (size_t slack = 0; slack < (size_t)1 << 28; slack = 5 * slack + 7) {
            uint64_t word = hak_keep_word(9, asked[i], 7);
            ck_assert_uint_eq(hak_keep_bytes(word, asked[i] + slack), asked[i]);
            ck_assert_uint_eq(hak_keep_count(word), 9);
            ck_assert_uint_eq(hak_keep_subkind(word), 7);
        }
}

static pthread_barrier_t all_there;
static hak_keep_word_t *found[8][64];

static void *find_all(void *found_by_this) {
    hak_keep_word_t **words = found_by_this;
    for (uintptr_t i = 0; i < 64; i++) {
        pthread_barrier_wait(&all_there);
        words[i] = hak_keep_find(address(0x300000000000 + (i << 34)), true);
    }
    return NULL;
}

TEST(threads_that_come_at_once_find_the_same) {
    pthread_t thread[8];
    pthread_barrier_init(&all_there, NULL, 8);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, find_all, found[i]), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 8; i++)
        ck_assert_mem_eq(found[i], found[0], sizeof found[0]);
    ck_assert_ptr_nonnull(found[0][0]);
}

TEST(without_memory_there_is_none) {
    struct rlimit none = {0, 0};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    ck_assert_ptr_null(hak_keep_find(address(0x2aaaaaaab000), true));
}

RUN_TESTS()
