/* Large blocks that realloc makes longer: where they go, what they leave behind. */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "large/spare.h"
#include "unit/barred.h"
#include "unit/large/large_world.h"

enum { SHORT_BYTES = 600000, LONG_BYTES = 1500000 };

static void set_up(void) {
    keep_up_to(8 * MIB);
    let_use_swing();
}

static void check_bytes(const char *start, size_t bytes, char expected) {
    for (size_t i = 0; i < bytes; i++)
        if (start[i] != expected)
            ck_abort_msg("byte %zu is %d", i, start[i]);
}

static bool is_resident(const char *start) {
    unsigned char in_core = 0;
    ck_assert_int_eq(mincore((void *)(uintptr_t)start, 1, &in_core), 0);
    return in_core & 1;
}

TEST(a_block_too_long_for_the_pool_takes_its_pages_along) {
    base_t block = take(SHORT_BYTES, NULL);
    memset(block.p, 7, SHORT_BYTES);
    char *before = block.p;
    base_t moved = hak_large_move(block, LONG_BYTES);
    ck_assert_ptr_nonnull(moved.p);
    ck_assert_ptr_ne(moved.p, before);
    check_bytes(moved.p, SHORT_BYTES, 7);
    ck_assert(is_zero(moved.p + 147 * 4096, 200 * 4096));
    for (int page = 0; page < 147; page++)
        ck_assert(!is_resident(before + page * 4096));
    ck_assert(hak_large_keeps(before));
    ck_assert_ptr_null(hak_large_find(before));
    ck_assert_uint_eq(look().pool_used_bytes, 0);
    base_t again = take(SHORT_BYTES, NULL); /* the addresses are there still */
    ck_assert_ptr_eq(again.p, before);
    memset(again.p, 1, SHORT_BYTES);
    check_bytes(moved.p, SHORT_BYTES, 7);
    ck_assert(hak_large_give(moved) && hak_large_give(again));
}

/* The kernel would unlock what stays behind. */
TEST(pages_that_are_locked_stay) {
    base_t block = take(SHORT_BYTES, NULL);
    if (mlock(block.p, SHORT_BYTES) != 0)
        return; /* no right to lock memory here */
    ck_assert_ptr_null(hak_large_move(block, LONG_BYTES).p);
    ck_assert(hak_large_is_live(hak_large_find(block.p)));
    ck_assert(hak_large_give(block));
}

/* An emulator of a kernel lets go of addresses that mremap leaves mapped: a call that gets them is
 * EFAULT. Here a filter says so of a read. */
TEST(pages_come_back_whose_addresses_are_let_go) {
    base_t block = take(SHORT_BYTES, NULL);
    memset(block.p, 7, SHORT_BYTES);
    if (!bar_calls((const unsigned[]){SYS_read}, 1, EFAULT))
        return; /* no seccomp here */
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_null(hak_large_move(block, LONG_BYTES).p);
        check_bytes(block.p, SHORT_BYTES, 7);
        ck_assert(hak_large_is_live(hak_large_find(block.p)));
    }
    ck_assert(hak_large_give(block));
    (void)look();
}

TEST(a_block_that_grows_gets_one_that_is_kept) {
    base_t kept = take(2 * MIB, NULL), block = take(SHORT_BYTES, NULL);
    memset(kept.p, 1, 2 * MIB);
    memset(block.p, 7, SHORT_BYTES);
    ck_assert(hak_large_give(kept));
    base_t moved = hak_large_move(block, LONG_BYTES);
    ck_assert_ptr_eq(moved.p, kept.p);
    check_bytes(moved.p, SHORT_BYTES, 7);
    ck_assert_uint_eq(hak_large_find(moved.p)->mapped_bytes, 2 * MIB);
    ck_assert(hak_large_resize(moved, 2 * MIB));
    ck_assert(hak_large_give(moved));
    (void)look();
}

TEST(a_block_that_grows_gets_a_spare_mapping) {
    base_t spare = take(6 * MIB, NULL), block = take(2 * MIB, NULL);
    memset(spare.p, 1, 6 * MIB);
    memset(block.p, 7, 2 * MIB);
    ck_assert(hak_large_give(spare));
    ck_assert(hak_spare_holds(spare.p));
    base_t moved = hak_large_move(block, 4 * MIB);
    ck_assert_ptr_eq(moved.p, spare.p);
    check_bytes(moved.p, 2 * MIB, 7);
    ck_assert(hak_large_give(moved));
    (void)look();
}

/* A copy of all of it costs more than the few new pages. */
TEST(one_that_grows_by_little_is_not_copied) {
    base_t kept = take(3 * MIB, NULL), block = take(2 * MIB, NULL);
    base_t in_the_way = take(2 * MIB, NULL);
    memset(block.p, 7, 2 * MIB);
    ck_assert(hak_large_give(kept));
    base_t moved = hak_large_move(block, 2 * MIB + MIB / 2);
    ck_assert_ptr_nonnull(moved.p);
    ck_assert_ptr_ne(moved.p, kept.p);
    check_bytes(moved.p, 2 * MIB, 7);
    ck_assert(hak_large_give(moved) && hak_large_give(in_the_way));
}

/* Nor is one copied into a block if most of that would lie idle. */
TEST(one_that_is_much_longer_stays_kept) {
    base_t kept = take(4 * MIB, NULL), block = take(SHORT_BYTES, NULL);
    ck_assert(hak_large_give(kept));
    base_t moved = hak_large_move(block, LONG_BYTES);
    ck_assert_ptr_nonnull(moved.p);
    ck_assert_ptr_ne(moved.p, kept.p);
    ck_assert(hak_large_give(moved));
}

/* More bytes than there are addresses; threads that ended had caches, too. */
static void *keep_one(void *unused) {
    ck_assert(hak_large_give(take(SHORT_BYTES, NULL)));
    return unused;
}

TEST(one_that_no_memory_can_hold_stays) {
    base_t block = take(SHORT_BYTES, NULL);
    memset(block.p, 7, SHORT_BYTES);
    (void)keep_one(NULL);
    for (int i = 0; i < 8; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, keep_one, NULL), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    for (size_t bytes = (size_t)1 << 46; bytes < PTRDIFF_MAX / 2; bytes += bytes / 8)
        ck_assert_ptr_null(hak_large_move(block, bytes).p);
    check_bytes(block.p, SHORT_BYTES, 7);
    ck_assert(hak_large_give(block));
}

TEST(places_that_were_outgrown_become_one) {
    base_t first = take(25 * 4096, NULL), second = take(25 * 4096, NULL);
    ck_assert_ptr_eq(second.p, first.p + 25 * 4096);
    ck_assert(hak_large_give_outgrown(first) && !hak_large_give_outgrown(first));
    ck_assert(hak_large_give_outgrown(second));
    base_t longer = take(50 * 4096, NULL);
    ck_assert_ptr_eq(longer.p, first.p);
    ck_assert(hak_large_give(longer));
    (void)look();
}

RUN_TESTS(.set_up = set_up)
