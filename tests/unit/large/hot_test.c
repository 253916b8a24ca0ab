/* The shortest way of a large block: the block that was taken last comes back without a look into
 * the address map, and no other pointer does. */
#include "large/hot.h"
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include "unit/large/large_world.h"

enum { BYTES = 100000, LONG_BYTES = 2 << 20 };

static const char here; /* the caller of all */

/* A block that was taken last, on the shortest way. */
static base_t take_last(size_t bytes) {
    base_t block = take(bytes, &here), again;
    ck_assert(hak_large_give(block));
    ck_assert(hak_large_take_hot(bytes, &here, &again));
    ck_assert_ptr_eq(again.p, block.p);
    return again;
}

TEST(the_block_taken_last_comes_back_once) {
    keep_up_to(8 * MIB);
    base_t block = take_last(BYTES), again;
    ck_assert(hak_large_is_live(hak_large_find(block.p)));
    ck_assert(hak_large_give_last(block));
    ck_assert(!hak_large_give_last(block)); /* a double free */
    ck_assert(!hak_large_give(block));
    ck_assert(hak_large_keeps(block.p));
    look();
    ck_assert(hak_large_take_hot(BYTES, &here, &again));
    ck_assert_ptr_eq(again.p, block.p);
    ck_assert(!hak_large_is_fresh(again));
    ck_assert(!hak_large_take_hot(BYTES, &here, &again)); /* it is the program's */
    ck_assert(hak_large_give_last(block));
    look();
}

TEST(another_caller_and_other_sizes_take_the_long_way) {
    keep_up_to(8 * MIB);
    base_t block = take_last(BYTES), none;
    ck_assert(hak_large_give_last(block));
    ck_assert(!hak_large_take_hot(BYTES, NULL, &none));
    ck_assert(!hak_large_take_hot(BYTES + 4096, &here, &none));
    ck_assert(!hak_large_take_hot(BYTES / 2, &here, &none));
    ck_assert(!hak_large_take_hot(SIZE_MAX, &here, &none));
    ck_assert(!hak_large_take_hot(SIZE_MAX - BYTES, &here, &none));
    ck_assert(!hak_large_take_hot(((size_t)1 << 62) + BYTES, &here, &none));
    ck_assert_uint_eq(look().live_blocks, 0);
}

TEST(no_other_pointer_is_taken_for_it) {
    keep_up_to(8 * MIB);
    base_t other = take(3 * BYTES, NULL), block = take_last(BYTES);
    char local;
    ck_assert(!hak_large_give_last(HAK_NO_BASE));
    ck_assert(!hak_large_give_last(other));
    ck_assert(!hak_large_give_last(base_from(&local)));
    ck_assert(!hak_large_give_last(base_from((char *)block.p + 4096)));
    ck_assert_uint_eq(look().live_blocks, 2);

    /* Another thread may be about to fill the struct: live, and still of no block. */
    struct hak_large *last = hak_bigcache_own->last;
    base_t base = last->base;
    last->base = HAK_NO_BASE;
    ck_assert(!hak_large_give_last(HAK_NO_BASE));
    last->base = base;
    ck_assert(hak_large_give_last(block) && hak_large_give(other));
}

/* One place, and the other block has it. */
TEST(it_waits_for_an_empty_place) {
    keep_up_to(8 * MIB);
    base_t other = take(BYTES, NULL), block = take_last(BYTES);
    ck_assert(hak_large_give_hot(other));
    ck_assert(!hak_large_give_last(block));
    ck_assert(hak_large_is_live(hak_large_find(block.p)));
    ck_assert(hak_large_give_hot(block));
    ck_assert_uint_eq(look().kept_blocks, 2);
}

TEST(it_is_kept_within_the_share_alone) {
    keep_up_to(8 * MIB);
    base_t block = take_last(BYTES);
    (void)hak_bigcache_trim(); /* the share goes back */
    ck_assert(!hak_large_give_last(block));
    ck_assert(hak_large_give_hot(block));
    look();
}

static void *free_outgrown(void *block) {
    ck_assert(hak_large_give_outgrown(base_from(block)));
    return NULL;
}

static void free_in_another_thread(base_t block) {
    pthread_t thread;
    pthread_create(&thread, NULL, free_outgrown, block.p);
    pthread_join(thread, NULL);
}

/* Another thread frees it, and its struct is that of another block then. */
TEST(its_struct_may_be_anothers) {
    keep_up_to(8 * MIB);
    base_t block = take_last(BYTES), below = take(BYTES, NULL);
    const struct hak_large *large = hak_large_find(block.p);
    free_in_another_thread(block);
    ck_assert_ptr_null(hak_large_find(block.p));
    ck_assert_ptr_null(large->base.p); /* in no use: no base */
    ck_assert(!hak_large_give_last(block));
    ck_assert(!hak_large_give_last(HAK_NO_BASE));
    base_t longer = take(BYTES + 20000, NULL);
    ck_assert_ptr_eq(hak_large_find(longer.p), large);
    ck_assert_ptr_ne(longer.p, block.p);
    ck_assert(!hak_large_give_last(block) && !hak_large_give(block));
    ck_assert(!hak_large_give_last(below));
    ck_assert(hak_large_is_live(large));
    ck_assert(hak_large_give_last(longer)); /* it is its struct now */
    ck_assert(hak_large_give(below));
    look();
}

/* A mapping of its own likewise. */
TEST(the_struct_of_a_mapping_has_no_base_when_it_is_gone) {
    keep_up_to(8 * MIB);
    base_t block = take_last(LONG_BYTES);
    const struct hak_large *large = hak_large_find(block.p);
    ck_assert(hak_large_give_last(block));
    (void)hak_large_trim();
    ck_assert(!hak_is_mapped(block.p));
    ck_assert_ptr_null(large->base.p);
    ck_assert(!hak_large_give_last(block));
}

/* ---- moved pages ----------------------------------------------------------------------------- */

static struct hak_large *moving;

void *__real_hak_remap(void *start, size_t old_bytes, size_t new_bytes);
void *__wrap_hak_remap(void *start, size_t old_bytes, size_t new_bytes);
/* The kernel: as soon as pages have moved, their old address can be another thread's block. */
void *__wrap_hak_remap(void *start, size_t old_bytes, size_t new_bytes) {
    void *moved = __real_hak_remap(start, old_bytes, new_bytes);
    if (moving && moved)
        ck_assert(!hak_large_is_live_at(moving, start));
    return moved;
}

TEST(a_block_whose_pages_move_is_nowhere_meanwhile) {
    keep_up_to(8 * MIB);
    base_t block = take_last(LONG_BYTES);
    moving = hak_large_find(block.p);
    base_t moved = hak_large_move(block, 20 * LONG_BYTES);
    ck_assert_ptr_nonnull(moved.p);
    ck_assert_ptr_ne(moved.p, block.p);
    ck_assert(hak_large_is_live_at(moving, moved.p));
    ck_assert(!hak_large_give_last(block));
    ck_assert(hak_large_give_hot(moved));
    moving = NULL;
    look();
}

/* ---- fork and time --------------------------------------------------------------------------- */

/* A struct that another thread was writing is lost in the child, and may say anything. */
TEST(a_child_begins_without) {
    keep_up_to(8 * MIB);
    base_t block = take_last(BYTES);
    pid_t child = fork();
    if (child == 0) {
        hak_large_after_fork();
        ck_assert(!hak_large_give_last(block));
        ck_assert(hak_large_give_hot(block));
        look();
        _exit(0);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert(hak_large_give_last(block));
}

TEST(a_thread_that_ends_has_none) {
    keep_up_to(8 * MIB);
    base_t block = take_last(BYTES), none;
    hak_large_thread_end();
    ck_assert(!hak_large_give_last(block));
    ck_assert(!hak_large_take_hot(BYTES, &here, &none));
    ck_assert(hak_large_give_hot(block));
    ck_assert_uint_eq(look().kept_blocks, 0);
}

/* Makes two looks, a decay period apart at least. */
static void look_at_idle(void) {
    uint32_t before = hak_bigcache_own->look;
    while (hak_bigcache_own->look == before) {
        hak_bigcache_tend();
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
}

/* The shortest way writes no time. */
TEST(a_block_in_use_stays_and_an_idle_one_goes) {
    keep_up_to(8 * MIB);
    base_t block = take_last(BYTES), again;
    for (int round = 0; round < 4; round++) {
        ck_assert(hak_large_give_last(block));
        look_at_idle();
        ck_assert(hak_large_take_hot(BYTES, &here, &again));
        ck_assert_ptr_eq(again.p, block.p);
    }
    ck_assert(hak_large_give_last(block));
    look_at_idle();
    look_at_idle();
    ck_assert_uint_eq(look().kept_blocks, 0);
}

/* The long way, which looks, comes in between. */
TEST(a_look_comes_after_so_many_blocks) {
    keep_up_to(8 * MIB);
    base_t block = take_last(BYTES), again;
    int long_ways = 0;
    for (unsigned i = 0; i < 10 * HAK_BIGCACHE_LOOK_EVERY; i++) {
        if (!hak_large_give_last(block)) {
            ck_assert(hak_large_give_hot(block));
            long_ways++;
        }
        ck_assert(hak_large_take_hot(BYTES, &here, &again));
    }
    ck_assert_int_eq(long_ways, 10);
}

RUN_TESTS()
