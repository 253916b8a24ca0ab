/* Mappings that wait for the next block of some MiB: which serves, what is left of it, what goes.
 */
#include "large/spare.h"
#include <sys/wait.h>
#include <unistd.h>
#include "platform/lock.h"
#include "unit/large/large_world.h"

static size_t trim(void) {
    return hak_spare_trim();
}

static void set_up(void) {
    keep_up_to(8 * MIB);
    (void)trim();
}

/* Its pages are warm, also where the kernel had to move them to make it longer. */
TEST(a_block_gets_the_pages_of_the_last_one) {
    let_use_swing();
    base_t block = take(20 * MIB, NULL);
    memset(block.p, 7, 20 * MIB);
    char *start = block.p;
    ck_assert(hak_large_give(block));
    ck_assert(hak_spare_holds(start));
    ck_assert(hak_large_keeps(start));
    ck_assert(!hak_large_give(block)); /* a second time */
    base_t shorter = take(12 * MIB, NULL), rest = take(8 * MIB, NULL);
    ck_assert_ptr_eq(shorter.p, start);
    ck_assert_ptr_eq(rest.p, start + 12 * MIB);
    ck_assert(!hak_large_is_fresh(shorter) && !hak_large_is_fresh(rest));
    ck_assert(shorter.p[12 * MIB - 1] == 7 && rest.p[8 * MIB - 1] == 7);
    ck_assert(!hak_spare_holds(start));
    ck_assert(hak_large_give(rest));
    base_t longer = take(16 * MIB, NULL);
    ck_assert(longer.p[0] == 7 && longer.p[8 * MIB - 1] == 7 && longer.p[16 * MIB - 1] == 0);
    ck_assert_uint_eq(look().live_bytes, 28 * MIB);
    ck_assert(hak_large_give(longer) && hak_large_give(shorter));
    ck_assert_uint_eq(trim(), 28 * MIB);
    ck_assert_uint_eq(look().live_bytes, 0);
}

/* Blocks that a BigCache puts down for want of room, or at its thread's end, are spare. */
TEST(what_a_bigcache_puts_down_is_spare) {
    let_use_swing();
    base_t blocks[6];
    for (int i = 0; i < 6; i++)
        blocks[i] = take(3 * MIB, NULL);
    memset(blocks[0].p, 7, 3 * MIB);
    char *start = blocks[0].p;
    for (int i = 0; i < 6; i++)
        ck_assert(hak_large_give(blocks[i]));
    ck_assert(hak_spare_holds(start)); /* 8 MiB hold two of them */
    ck_assert_ptr_null(hak_large_find(start));
    hak_large_thread_end();
    for (int i = 0; i < 6; i++)
        ck_assert(hak_spare_holds(blocks[i].p));
    ck_assert_uint_eq(trim(), 18 * MIB);
    ck_assert(!hak_is_mapped(start));
}

/* Parts of one mapping that come back are one again. */
TEST(parts_are_merged) {
    let_use_swing();
    base_t whole = take(24 * MIB, NULL), parts[4];
    char *start = whole.p;
    ck_assert(hak_large_give(whole));
    for (int i = 0; i < 4; i++) {
        parts[i] = take(6 * MIB, NULL);
        ck_assert_ptr_eq(parts[i].p, start + 6 * MIB * (size_t)i);
    }
    static const int order[] = {2, 0, 3, 1};
    for (int i = 0; i < 4; i++)
        ck_assert(hak_large_give(parts[order[i]]));
    whole = take(24 * MIB, NULL);
    ck_assert_ptr_eq(whole.p, start);
    ck_assert(hak_large_give(whole));
    ck_assert_uint_eq(trim(), 24 * MIB);
}

/* Never more than 24 times what BigCaches keep; the oldest goes first. */
TEST(the_bytes_are_bounded) {
    let_use_swing();
    base_t blocks[12], used = take(300 * MIB, NULL);
    for (int i = 0; i < 12; i++)
        blocks[i] = take(20 * MIB, NULL);
    for (int i = 0; i < 12; i++)
        ck_assert(hak_large_give(blocks[i]));
    ck_assert(!hak_spare_holds(blocks[2].p) && hak_spare_holds(blocks[3].p));
    ck_assert_uint_eq(trim(), 180 * MIB);
    base_t block = take(200 * MIB, NULL);
    ck_assert(hak_large_give(block));
    ck_assert_uint_eq(trim(), 0);
    ck_assert(hak_large_give(used));
    keep_up_to(0);
    block = take(20 * MIB, NULL);
    ck_assert(hak_large_give(block));
    ck_assert_uint_eq(trim(), 0);
}

/* A process that sleeps now makes no call that could give anything back. */
TEST(little_is_spare_where_little_is_in_use) {
    let_use_swing();
    base_t blocks[10];
    for (int i = 0; i < 10; i++)
        blocks[i] = take(20 * MIB, NULL);
    for (int i = 0; i < 7; i++)
        ck_assert(hak_large_give(blocks[i]));
    ck_assert(hak_spare_holds(blocks[5].p) && hak_spare_holds(blocks[6].p));
    (void)hak_large_resize(blocks[9], 10 * MIB); /* counts as what it is now */
    ck_assert(hak_large_give(blocks[7]) && hak_large_give(blocks[8]) && hak_large_give(blocks[9]));
    ck_assert_uint_le(trim(), 32 * MIB);
    /* Greater blocks leave nothing either. */
    blocks[0] = take(20 * MIB, NULL);
    blocks[1] = take(60 * MIB, NULL);
    ck_assert(hak_large_give(blocks[0]) && hak_large_give(blocks[1]));
    ck_assert_uint_le(trim(), 32 * MIB);
}

static size_t spare_after_burst(void) {
    base_t blocks[40];
    for (int i = 0; i < 40; i++)
        blocks[i] = take(5 * MIB, NULL);
    for (int i = 0; i < 40; i++)
        ck_assert(hak_large_give(blocks[i]));
    return trim();
}

TEST(a_burst_leaves_less_than_a_swing) {
    ck_assert_uint_le(spare_after_burst(), 4 * MIB);
    let_use_swing();
    size_t bytes = spare_after_burst();
    ck_assert_uint_ge(bytes, 24 * MIB);
    ck_assert_uint_le(bytes, 32 * MIB);
}

TEST(what_is_not_taken_goes_back) {
    let_use_swing();
    base_t block = take(20 * MIB, NULL);
    ck_assert(hak_large_give(block));
    hak_large_tend();
    ck_assert(hak_spare_holds(block.p));
    for (int i = 0; i < 1000 && hak_spare_holds(block.p); i++) {
        usleep(20000);
        hak_large_tend();
    }
    ck_assert(!hak_spare_holds(block.p));
}

/* Random sizes and resizes against marks at both ends of every block. */
TEST(blocks_do_not_overlap, .until = 3) {
    enum { LIVE = 12 };
    struct {
        base_t base;
        size_t bytes;
        char mark;
    } blocks[LIVE] = {0};
    uint32_t random = (uint32_t)_i + 1;
    for (int i = 0; i < 3000; i++) {
        unsigned at = next_random(&random) % LIVE;
        size_t bytes = MIB + next_random(&random) % (20 * MIB);
        if (blocks[at].base.p) {
            ck_assert(blocks[at].base.p[0] == blocks[at].mark &&
                      blocks[at].base.p[blocks[at].bytes - 1] == blocks[at].mark);
            base_t moved = HAK_NO_BASE;
            if (next_random(&random) % 3 == 0)
                moved = hak_large_move(blocks[at].base, bytes);
            if (!moved.p) {
                ck_assert(hak_large_give(blocks[at].base));
                moved = take(bytes, NULL);
            }
            blocks[at].base = moved;
        } else {
            blocks[at].base = take(bytes, NULL);
        }
        blocks[at].bytes = bytes;
        blocks[at].mark = (char)i;
        blocks[at].base.p[0] = blocks[at].base.p[bytes - 1] = (char)i;
        if (i % 100 == 0)
            look();
    }
    for (int i = 0; i < LIVE; i++)
        if (blocks[i].base.p)
            ck_assert(hak_large_give(blocks[i].base));
    look();
}

/* The child has what its parent kept, as its own. */
TEST(a_child_goes_on) {
    let_use_swing();
    base_t block = take(20 * MIB, NULL);
    memset(block.p, 7, 20 * MIB);
    ck_assert(hak_large_give(block));
    pid_t child = fork();
    if (child == 0) {
        hak_large_after_fork();
        block = take(20 * MIB, NULL);
        _exit(block.p[MIB] == 7 ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    (void)trim();
}

RUN_TESTS(.set_up = set_up)
