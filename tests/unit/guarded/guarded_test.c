/* Guarded blocks: pages between closed ones, in which order slots are used again, and what happens
 * when memory, mappings or the kernel's patience end. */
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "guarded/closed.h"
#include "guarded/guarded.h"
#include "large_map/memory.h"
#include "large/totals.h"
#include "platform/raw_call.h"
#include "unit/guard/world.h"

enum {
    MEMORY = 1 << 20,
    SLOTS = MEMORY / 4 / (128 + 2 * 16), /* of one page that fit what is kept of slots */
    BLOCKS = MEMORY / 4 * 3 / 4096,      /* of one page that fit what may be open */
    MOST_PAGES = 1024,
};
/* By mappings, then by guard markers where the kernel has them. */
#define EACH_WAY .from = 0, .until = 2

static void begin(void) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.guard_memory_bytes = MEMORY;
    memset(times_counted, 0, sizeof times_counted);
}

static struct hak_large *take(size_t pages) {
    return hak_guarded_take(pages * HAK_PAGE_BYTES, HAK_GUARDED_AFTER, NULL);
}

static bool is_readable(const void *p) {
    return hak_raw_readable((uintptr_t)p & ~(uintptr_t)7);
}

TEST(a_block_lies_between_closed_pages, EACH_WAY) {
    hak_closed_tries_regions = _i;
    for (size_t pages = 1; pages <= 3; pages++) {
        struct hak_large *large = take(pages);
        ck_assert_ptr_nonnull(large);
        char *start = large->base.p, *end = start + pages * HAK_PAGE_BYTES;
        memset(start, 1, pages * HAK_PAGE_BYTES);
        ck_assert(!is_readable(start - 1) && !is_readable(end));
        ck_assert(hak_guarded_covers(start - 1) && hak_guarded_covers(end));
        ck_assert_ptr_eq(hak_large_find(start), large);
        ck_assert(hak_large_is_live(large) && large->is_fresh);
        ck_assert_uint_eq(large->slot.place, HAK_PLACE_GUARDED);
        ck_assert_uint_eq(large->mapped_bytes, pages * HAK_PAGE_BYTES);
        ck_assert(!hak_large_resize(large->base, 1) &&
                  !hak_large_resize(large->base, 100 * HAK_PAGE_BYTES));
    }
    int on_stack = 0;
    ck_assert(!hak_guarded_covers(&on_stack));
    ck_assert_ptr_null(hak_guarded_verify());
}

TEST(what_is_given_back_is_closed_and_still_found, EACH_WAY) {
    hak_closed_tries_regions = _i;
    struct hak_large *large = take(2);
    char *start = large->base.p;
    memset(start, 1, 2 * HAK_PAGE_BYTES);
    hak_guarded_give(large);
    ck_assert(!is_readable(start) && !is_readable(start + HAK_PAGE_BYTES));
    ck_assert_ptr_eq(hak_large_find(start), large);
    ck_assert(!hak_large_is_live(large));
    ck_assert(hak_guarded_covers(start));
    ck_assert_ptr_null(hak_guarded_verify());
}

TEST(slots_that_were_never_used_come_first_then_the_oldest, EACH_WAY) {
    hak_closed_tries_regions = _i;
    static char *order[SLOTS];
    for (unsigned i = 0; i < SLOTS; i++) {
        struct hak_large *large = take(1);
        ck_assert_ptr_nonnull(large);
        order[i] = large->base.p;
        ck_assert(i == 0 || order[i] > order[i - 1]);
        order[i][7] = 1;
        hak_guarded_give(large);
    }
    for (unsigned i = 0; i < 2 * SLOTS; i++) {
        struct hak_large *large = take(1);
        ck_assert_ptr_eq(large->base.p, order[i % SLOTS]);
        ck_assert(large->is_fresh);
        ck_assert_int_eq(large->base.p[7], 0);
        large->base.p[7] = 1;
        hak_guarded_give(large);
    }
    /* A slot of one page serves no block of two. */
    ck_assert_ptr_null(take(2));
    ck_assert_uint_eq(times_counted[HAK_COUNTED_GUARD_MEMORY], 1);
    ck_assert_ptr_null(hak_guarded_verify());
}

TEST(memory_is_bounded, EACH_WAY) {
    hak_closed_tries_regions = _i;
    struct hak_large *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++)
        ck_assert_ptr_nonnull(blocks[i] = take(1));
    ck_assert_ptr_null(take(1));
    ck_assert_uint_eq(times_counted[HAK_COUNTED_GUARD_MEMORY], 1);
    hak_guarded_give(blocks[3]);
    ck_assert_ptr_null(take(2));
    ck_assert_ptr_nonnull(take(1));
    ck_assert_ptr_null(take(1));
    ck_assert_ptr_null(hak_guarded_verify());
}

TEST(mappings_are_bounded) {
    hak_closed_tries_regions = false;
    hak_options.guard_memory_bytes = (size_t)1 << 36;
    unsigned count = 0;
    while (take(1))
        count++;
    ck_assert_uint_ge(count, 10000);
    ck_assert_uint_le(count, 65530 / 4);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_GUARD_MAPPINGS], 1);
    ck_assert_ptr_null(hak_guarded_verify());
}

/* Half of the live blocks would not be there by mappings. */
TEST(markers_take_no_mappings) {
    hak_options.guard_memory_bytes = (size_t)1 << 36;
    if (!hak_kernel_is_from(6, 15)) {
        puts("Linux before 6.15 shows no guard markers: not tried");
        return;
    }
    for (unsigned i = 0; i < 65530 / 2; i++)
        ck_assert_ptr_nonnull(take(1));
    ck_assert_ptr_null(hak_guarded_verify());
}

/* The first block's pages become writable with markers, the second one's do not, the third one's do
 * again. */
TEST(a_slot_without_markers_is_a_mapping) {
    struct rlimit before, none = {HAK_PAGE_BYTES, 0};
    hak_options.guard_memory_bytes = (size_t)64 << 20;
    struct hak_large *first = take(1), *large = NULL, *last = NULL;
    ck_assert_int_eq(getrlimit(RLIMIT_DATA, &before), 0);
    none.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &none), 0);
    while (!times_counted[HAK_COUNTED_GUARD_REFUSED])
        if ((large = take(33)))
            last = large;
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &before), 0);
    for (unsigned i = 0; i < 40; i++) {
        ck_assert_ptr_nonnull(large = take(1 + i % 3 * 16));
        memset(large->base.p, (int)i + 1, large->mapped_bytes);
        ck_assert(!is_readable(large->base.p - 1));
        ck_assert(!is_readable(large->base.p + large->mapped_bytes));
        if (i % 2)
            hak_guarded_give(large);
    }
    ck_assert(hak_large_is_live(first) && (!last || hak_large_is_live(last)));
    ck_assert_ptr_null(hak_guarded_verify());
}

/* Locked pages take no markers. */
TEST(locked_pages_are_closed_too, EACH_WAY) {
    hak_closed_tries_regions = _i;
    struct hak_large *large = take(1);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        puts("no memory may be locked here: not tried");
        return;
    }
    struct hak_large *next = take(2);
    ck_assert_ptr_nonnull(next);
    for (unsigned i = 0; i < 3; i++) {
        memset(large->base.p, 1, HAK_PAGE_BYTES);
        memset(next->base.p, 1, 2 * HAK_PAGE_BYTES);
        char *start = large->base.p, *start_of_next = next->base.p;
        hak_guarded_give(large);
        hak_guarded_give(next);
        ck_assert(!is_readable(start) && !is_readable(start_of_next));
        ck_assert_ptr_nonnull(large = take(1));
        ck_assert_ptr_nonnull(next = take(2));
        ck_assert_int_eq(munlockall(), 0);
    }
    ck_assert_ptr_null(hak_guarded_verify());
}

TEST(what_is_too_large_is_refused, EACH_WAY) {
    hak_closed_tries_regions = _i;
    hak_options.guard_memory_bytes = (size_t)1 << 30;
    ck_assert_ptr_null(take(MOST_PAGES + 1));
    ck_assert_uint_eq(times_counted[HAK_COUNTED_GUARD_SIZE], 1);
    ck_assert_ptr_nonnull(take(MOST_PAGES));
}

/* The kernel opens no page, then it does again. */
TEST(a_refusal_of_the_kernel_is_no_block) {
    hak_closed_tries_regions = false;
    struct hak_large *first = take(1);
    struct rlimit before, none = {HAK_PAGE_BYTES, 0};
    ck_assert_int_eq(getrlimit(RLIMIT_DATA, &before), 0);
    none.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &none), 0);
    struct hak_large *refused = take(1);
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &before), 0);
    ck_assert_ptr_null(refused);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_GUARD_REFUSED], 1);
    ck_assert_ptr_null(hak_guarded_verify());
    ck_assert_ptr_nonnull(take(1));
    ck_assert(hak_large_is_live(first));
}

/* No addresses are free for the first piece. */
TEST(without_addresses_there_is_no_block, EACH_WAY) {
    hak_closed_tries_regions = _i;
    struct rlimit before, little = {16 << 20, 0};
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    little.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &little), 0);
    struct hak_large *refused = take(1);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
    ck_assert_ptr_null(refused);
    ck_assert_ptr_null(hak_guarded_verify());
    ck_assert_ptr_nonnull(take(1));
}

/* As in a signal handler that interrupted its thread while that held a lock. */
TEST(who_holds_the_lock_gets_no_block, EACH_WAY) {
    hak_closed_tries_regions = _i;
    struct hak_large *large = take(1);
    hak_lock(&hak_large_memory_lock);
    ck_assert_ptr_null(take(1));
    hak_guarded_give(large);
    hak_unlock(&hak_large_memory_lock);
    ck_assert_ptr_nonnull(take(1));
    ck_assert_ptr_null(hak_guarded_verify());
}

TEST(in_a_sandbox_nothing_is_opened_or_closed, EACH_WAY) {
    hak_closed_tries_regions = _i;
    struct hak_large *large = take(1);
    hak_guarded_stop();
    ck_assert_ptr_null(take(1));
    ck_assert_uint_eq(times_counted[HAK_COUNTED_GUARD_REFUSED], 1);
    hak_guarded_give(large);
    ck_assert(is_readable(large->base.p));
    ck_assert(!hak_guarded_open_at(large->base.p + HAK_PAGE_BYTES, NULL));
    ck_assert_ptr_null(hak_guarded_verify());
}

static struct hak_large *filled;
static unsigned fills;

/* Nobody else can have it meanwhile. */
static void fill(struct hak_large *large) {
    filled = large;
    fills++;
    memset(large->base.p, 7, large->mapped_bytes);
    ck_assert(!hak_large_is_live(large));
    ck_assert(hak_guarded_open_at(large->base.p, fill));
    ck_assert_uint_eq(fills, 1);
}

TEST(a_block_is_opened_for_a_program_that_goes_on, EACH_WAY) {
    hak_closed_tries_regions = _i;
    struct hak_large *large = take(2);
    char *start = large->base.p, *behind = start + 2 * HAK_PAGE_BYTES;
    hak_guarded_give(large);
    ck_assert(hak_guarded_open_at(start + HAK_PAGE_BYTES + 100, fill));
    ck_assert_ptr_eq(filled, large);
    ck_assert_int_eq(start[8], 7);
    start[100] = 1;
    ck_assert(!large->is_fresh);
    ck_assert(!is_readable(behind));
    ck_assert(hak_guarded_open_at(behind + 8, fill));
    behind[8] = 1;
    ck_assert_uint_eq(fills, 1);
    int on_stack = 0;
    ck_assert(!hak_guarded_open_at(&on_stack, fill));
    struct hak_large *again = NULL;
    for (unsigned i = 0; i < 2 * SLOTS && again != large; i++) {
        again = take(2);
        ck_assert_ptr_nonnull(again);
        if (again != large)
            hak_guarded_give(again);
    }
    ck_assert_ptr_eq(again, large);
    ck_assert(hak_large_is_live(large));
}

enum { THREADS = 4, ROUNDS = 3000 };

static void *take_and_give(void *failed) {
    struct hak_large *held[8] = {NULL};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct hak_large **place = &held[i * 7 % 8];
        if (*place && (*place)->base.p[9] != (char)(uintptr_t)place)
            *(bool *)failed = true;
        if (*place)
            hak_guarded_give(*place);
        *place = take(1 + i % 2);
        if (*place)
            (*place)->base.p[9] = (char)(uintptr_t)place;
    }
    for (unsigned i = 0; i < 8; i++)
        if (held[i])
            hak_guarded_give(held[i]);
    return NULL;
}

TEST(threads_share_the_slots, EACH_WAY) {
    hak_closed_tries_regions = _i;
    pthread_t threads[THREADS];
    bool failed[THREADS] = {false};
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, &failed[i]), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(!failed[i]);
    }
    ck_assert_ptr_null(hak_guarded_verify());
    unsigned live = 0;
    while (take(1))
        live++;
    ck_assert_uint_gt(live, 100);
}

TEST(a_child_goes_on_with_the_blocks, EACH_WAY) {
    hak_closed_tries_regions = _i;
    struct hak_large *large = take(1);
    large->base.p[0] = 'p';
    pid_t child = fork();
    if (child == 0) {
        hak_guarded_after_fork();
        struct hak_large *more = take(1);
        bool is_well = large->base.p[0] == 'p' && more && !hak_guarded_verify();
        hak_guarded_give(large);
        is_well = is_well && !is_readable(large->base.p) && !hak_guarded_verify();
        _exit(is_well ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_int_eq(large->base.p[0], 'p');
}

TEST(the_large_layer_agrees, EACH_WAY) {
    hak_closed_tries_regions = _i;
    struct hak_large_totals totals;
    struct hak_large *large = take(3);
    (void)take(1);
    hak_guarded_give(large);
    ck_assert_ptr_null(hak_large_verify(&totals));
    ck_assert_uint_eq(totals.live_blocks, 1);
    ck_assert_uint_eq(totals.kept_blocks, 0);
}

RUN_TESTS(.set_up = begin)
