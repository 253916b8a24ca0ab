/* The three stages by which a slab is found, what each prefers, and what goes back. */
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "slab/lists.h"
#include "slab/tune.h"
#include "unit/slab/heap_of_test.h"

enum { A = HAK_CLASS_OF_1024, B = HAK_CLASS_OF_512, SLOTS_A = 64, SLOTS_B = 128 };

static base_t blocks[40000], others[40000];

/* Leaves one EMPTY slab of each class behind; a block of each class stays, so that the last slab of
 * the class is another one. */
static void leave_empty_slabs(struct hak_slab **empty_a, struct hak_slab **empty_b) {
    base_t a[2 * SLOTS_A], b[2 * SLOTS_B];
    take_slabs(A, a, 2);
    take_slabs(B, b, 2);
    *empty_a = slab_of(a[0]);
    *empty_b = slab_of(b[0]);
    give(&a[SLOTS_A], 1);
    give(&b[SLOTS_B], 1);
    give(a, SLOTS_A);
    give(b, SLOTS_B);
    ck_assert_uint_eq(heap->dirty_slabs, 2);
}

/* All slots that the class's slabs still have. */
static void use_up(unsigned class_index) {
    while (heap->classes[class_index].lists[0] || heap->classes[class_index].lists[1])
        take(class_index, others, 1);
}

TEST(an_empty_slab_of_the_class_is_taken_first_and_as_it_is) {
    struct hak_slab *empty_a, *empty_b;
    leave_empty_slabs(&empty_a, &empty_b);
    use_up(B);
    unsigned carved = empty_b->carved;
    take(B, others, 1);
    ck_assert_ptr_eq(slab_of(others[0]), empty_b);
    ck_assert_uint_eq(empty_b->carved, carved);
    ck_assert_uint_eq(heap->dirty_slabs, 1);
    take(B, others, SLOTS_B - 1);
    ck_assert_ptr_eq(slab_of(others[SLOTS_B - 2]), empty_b);
}

TEST(an_empty_slab_of_another_class_is_taken_before_an_unused_one) {
    struct hak_slab *empty_a, *empty_b;
    leave_empty_slabs(&empty_a, &empty_b);
    take_slabs(HAK_CLASS_OF_64, others, 2);
    ck_assert(slab_of(others[0]) == empty_a || slab_of(others[0]) == empty_b);
    ck_assert(slab_of(others[1024]) == empty_a || slab_of(others[1024]) == empty_b);
    ck_assert_uint_eq(heap->dirty_slabs, 0);
}

/* Else every chunk that is posted to it would be followed by a walk over all its slabs. */
TEST(a_heap_without_a_thread_keeps_no_empty_slab_and_has_nothing_to_trim) {
    take(A, blocks, 1);
    give(blocks, 1);
    ck_assert_uint_eq(heap->active_slabs, 1);
    ck_assert(heap->has_empty);
    hak_slab_trim(heap);
    ck_assert_uint_eq(heap->active_slabs, 0);
    ck_assert(!heap->has_empty);
    take(A, blocks, 1);
    take(B, others, 1);
    heap->is_closing = true;
    give(blocks, 1);
    ck_assert_uint_eq(heap->active_slabs, 1);
    give(others, 1);
    ck_assert_uint_eq(heap->active_slabs, 0);
    ck_assert(!heap->has_empty);
    heap->is_closing = false;
}

TEST(without_reuse_an_unused_slab_comes_first) {
    hak_options.empty_reuse = 0;
    struct hak_slab *empty_a, *empty_b;
    leave_empty_slabs(&empty_a, &empty_b);
    take_slabs(HAK_CLASS_OF_64, others, 1);
    ck_assert(slab_of(others[0]) != empty_a && slab_of(others[0]) != empty_b);
    /* But no memory is mapped while empty ones are there. */
    take_slabs(HAK_CLASS_OF_64, others, 31 - 4 - 1 + 2);
    ck_assert_uint_eq(count_superslabs(), 1);
    ck_assert_uint_eq(heap->dirty_slabs, 0);
}

/* Two SuperSlabs with a free slab: the first in the list an UNUSED one, the second an EMPTY one. */
static struct hak_superslab *leave_empty_slab_in_second(void) {
    take_slabs(A, blocks, 31 * 2);
    give(&blocks[32 * SLOTS_A], 1); /* so that no slab is the last of the class with room */
    give(&blocks[31 * SLOTS_A], SLOTS_A);
    give(&blocks[0], SLOTS_A);
    hak_slab_purge(heap, 1);
    ck_assert_ptr_eq(heap->room, hak_superslab_of(blocks[0].p));
    ck_assert_uint_eq(heap->room->dirty_slabs, 0);
    ck_assert_uint_ne(heap->room->next->dirty_slabs, 0);
    return heap->room->next;
}

TEST(stage_one_looks_at_no_more_superslabs_than_it_may, .until = 2) {
    struct hak_superslab *second = leave_empty_slab_in_second();
    hak_options.empty_scan_limit = _i ? 2 : 1;
    take(B, others, 1);
    ck_assert_int_eq(hak_superslab_of(others[0].p) == second, _i);
}

TEST(a_superslab_of_the_reserve_is_claimed_before_one_is_mapped) {
    take_slabs(A, blocks, 31 * 2);
    struct hak_superslab *second = hak_superslab_of(blocks[31 * SLOTS_A].p);
    give(&blocks[31 * SLOTS_A], 31 * SLOTS_A);
    ck_assert_uint_eq(hak_registry_owner(second), HAK_OWNER_RESERVE);
    take(B, others, 1);
    ck_assert_ptr_eq(hak_superslab_of(others[0].p), second);
    ck_assert_uint_eq(hak_registry_owner(second), heap->id);
}

TEST(superslabs_by_class_are_shared_by_none) {
    hak_options.superslab_compact = 0;
    take(A, blocks, 1);
    take(B, others, 1);
    ck_assert_ptr_ne(hak_superslab_of(blocks[0].p), hak_superslab_of(others[0].p));
    take_slabs(A, blocks, 5);
    for (unsigned i = 0; i < 5 * SLOTS_A; i++)
        ck_assert_ptr_ne(hak_superslab_of(blocks[i].p), hak_superslab_of(others[0].p));
    ck_assert_uint_eq(count_superslabs(), 2);
    give(blocks, 5 * SLOTS_A);
    take(HAK_CLASS_OF_64, blocks, 1); /* an EMPTY one of the other classes is not for it either */
    ck_assert_uint_eq(count_superslabs(), 3);
}

TEST(classes_share_a_superslab) {
    for (unsigned c = 0; c < 20; c++)
        take(c, &blocks[c], 1);
    ck_assert_uint_eq(count_superslabs(), 1);
}

static unsigned count_slabs_of_band(size_t low, size_t high) {
    unsigned count = 0;
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        unsigned c = heap->room->class_of_slab[i];
        count += c < HAK_CLASSES && hak_class_bytes(c) > low && hak_class_bytes(c) <= high;
    }
    return count;
}

TEST(precharge_takes_slabs_for_the_bands_it_names_once) {
    hak_options.precharge_c3 = 3;
    hak_options.precharge_c7 = 5;
    hak_slab_precharge(heap);
    ck_assert_uint_eq(count_slabs_of_band(32, 64), 3);
    ck_assert_uint_eq(count_slabs_of_band(512, 1024), 5);
    ck_assert_uint_eq(heap->active_slabs, 8);
    hak_slab_precharge(heap); /* the next thread of this heap has them */
    ck_assert_uint_eq(heap->active_slabs, 8);
    take(HAK_CLASS_OF_64, blocks, 1);
    ck_assert_uint_eq(heap->active_slabs, 8);
    give(blocks, 1);
    hak_slab_trim(heap);
    ck_assert_uint_eq(count_superslabs(), 0);
}

/* ---- the hot slab ---------------------------------------------------------------------------- */

TEST(a_refill_takes_from_one_slab_where_that_is_useful) {
    take_slabs(B, blocks, 4);
    /* In the fourth slab forty slots are free, then in each of the others one. */
    give(&blocks[3 * SLOTS_B], 40);
    for (unsigned i = 0; i < 3; i++)
        give(&blocks[i * SLOTS_B], 1);
    ck_assert_uint_eq(hak_slab_take_some(heap, B, others, 32), 32);
    for (unsigned i = 0; i < 32; i++)
        ck_assert_ptr_eq(slab_of(others[i]), slab_of(blocks[3 * SLOTS_B]));
    /* The eight that are left are a useful part; then the single ones are used up before another
     * slab begins to serve. */
    ck_assert_uint_eq(hak_slab_take_some(heap, B, others, 32), 8);
    unsigned active = heap->active_slabs;
    ck_assert_uint_ge(hak_slab_take_some(heap, B, others, 32), 8);
    ck_assert_uint_eq(heap->active_slabs, active + 1);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(slab_of(blocks[i * SLOTS_B])->used, SLOTS_B);
}

TEST(runs_of_blocks_are_counted_like_single_ones) {
    take_slabs(A, blocks, 6);
    enum { COUNT = 6 * SLOTS_A };
    uint64_t random = 88172645463325252ull;
    for (unsigned i = COUNT - 1; i > 0; i--) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned j = (unsigned)(random % (i + 1));
        base_t block = blocks[i];
        blocks[i] = blocks[j];
        blocks[j] = block;
    }
    struct hak_superslab *superslab = hak_superslab_of(blocks[0].p);
    for (unsigned given = 0; given < COUNT - 10;) {
        unsigned count = given + 7 < COUNT - 10 ? 7 : COUNT - 10 - given;
        give(&blocks[given], count);
        given += count;
        unsigned used = 0;
        for (unsigned i = 1; i < HAK_SLABS; i++)
            used += superslab->class_of_slab[i] == A ? superslab->slabs[i].used : 0;
        ck_assert_uint_eq(used, COUNT - given);
        ck_assert_uint_eq(superslab->used_bytes, (COUNT - given) * 1024);
    }
}

static int compare_addresses(const void *a, const void *b) {
    uintptr_t left = (uintptr_t)((const base_t *)a)->p, right = (uintptr_t)((const base_t *)b)->p;
    return (left > right) - (left < right);
}

static void sort_by_address(base_t *some, unsigned count) {
    qsort(some, count, sizeof *some, compare_addresses);
}

/* ---- back ------------------------------------------------------------------------------------ */

static unsigned count_resident_slabs(const base_t *some, unsigned step, unsigned count) {
    unsigned resident = 0;
    for (unsigned i = 0; i < count; i += step) {
        unsigned char in_core = 0;
        void *page = (void *)((uintptr_t)some[i].p & ~(uintptr_t)4095);
        resident += mincore(page, 1, &in_core) == 0 && (in_core & 1);
    }
    return resident;
}

/* A block in each SuperSlab stays, so none is unmapped. */
TEST(a_burst_leaves_few_pages_behind_at_once) {
    enum { SUPERSLABS = 6, SLABS = 31 * SUPERSLABS };
    take_slabs(A, blocks, SLABS);
    for (unsigned i = 0; i < SLABS * SLOTS_A; i++)
        *blocks[i].p = 1;
    for (unsigned i = 0; i < SLABS; i++)
        if (i % 31 != 0)
            give(&blocks[i * SLOTS_A], SLOTS_A);
    ck_assert_uint_le(heap->dirty_slabs, 64);
    ck_assert_uint_le(count_resident_slabs(blocks, SLOTS_A, SLABS * SLOTS_A),
                      64 + SUPERSLABS + 1); /* one empty slab stays with its class */
    ck_assert_uint_gt(heap->slabs_purged, 0);
    /* Purged slabs are zero, others are as they were, and all of them serve again. */
    take_slabs(A, others, SLABS - SUPERSLABS);
    for (unsigned i = 0; i < (SLABS - SUPERSLABS) * SLOTS_A; i++)
        *others[i].p = 2;
    ck_assert_uint_gt(heap->slabs_retouched, 0);
}

/* Each call bears a few slabs only, at a burst's end and after an idle time. */
TEST(no_call_gives_many_slabs_back) {
    enum { SUPERSLABS = 6, SLABS = 31 * SUPERSLABS, AT_ONCE = 4 };
    take_slabs(A, blocks, SLABS);
    uint64_t before = 0;
    for (unsigned i = 0; i < SLABS; i++) {
        if (i % 31 != 0)
            give(&blocks[i * SLOTS_A], SLOTS_A);
        ck_assert_uint_le(heap->slabs_purged - before, AT_ONCE);
        before = heap->slabs_purged;
    }
    ck_assert_uint_gt(before, AT_ONCE);
    give_back_all();
    hak_slab_set_purge_delay(0);
    hak_slab_decay(heap); /* the first one looks from when on nothing was used */
    unsigned calls = 0;
    while (heap->dirty_slabs > 4 && calls++ < 100) {
        before = heap->slabs_purged;
        hak_slab_decay(heap);
        (void)hak_slab_give_back_some(heap);
        ck_assert_uint_le(heap->slabs_purged - before, AT_ONCE);
    }
    ck_assert_uint_lt(calls, 100);
}

/* The number of slabs is from the begin: by its end the program may have taken some of them. */
TEST(a_purge_of_age_leaves_some_slabs) {
    enum { SLABS = 31 };
    take_slabs(A, blocks, SLABS);
    for (unsigned i = 1; i < SLABS; i++)
        give(&blocks[i * SLOTS_A], SLOTS_A);
    ck_assert_uint_gt(heap->dirty_slabs, HAK_KEPT_SLABS);
    hak_slab_begin_purge_of_age(heap, SLABS);
    while (heap->is_purging)
        (void)hak_slab_give_back_some(heap);
    ck_assert_uint_eq(heap->dirty_slabs, HAK_KEPT_SLABS);
}

/* The pages of the blocks' slabs that are resident. */
static unsigned count_resident_pages(const base_t *some, unsigned step, unsigned count) {
    unsigned resident = 0;
    for (unsigned i = 0; i < count; i += step) {
        unsigned char in_core[HAK_PAGES_OF_SLAB];
        ck_assert_int_eq(mincore(hak_slab_start(slab_of(some[i])), HAK_SLAB_BYTES, in_core), 0);
        for (unsigned page = 0; page < HAK_PAGES_OF_SLAB; page++)
            resident += in_core[page] & 1;
    }
    return resident;
}

/* Gives all blocks but one of each slab, slab after slab in turns, as a burst's end that frees in
 * any order. The block that stays is another one in each slab. */
static void give_all_but_one(unsigned slabs) {
    for (unsigned turn = 0; turn < SLOTS_A; turn++)
        for (unsigned i = 0; i < slabs; i++)
            if ((i + turn) % SLOTS_A != 0)
                give(&blocks[i * SLOTS_A + turn], 1);
}

/* A block that stays in each slab keeps the page that it lies in, not 64 KiB. */
TEST(scattered_blocks_keep_few_pages) {
    enum { SLABS = 31 * 12 };
    take_slabs(A, blocks, SLABS);
    for (unsigned i = 0; i < SLABS * SLOTS_A; i++)
        *blocks[i].p = 1;
    give_all_but_one(SLABS);
    ck_assert_uint_lt(count_resident_pages(blocks, SLOTS_A, SLABS * SLOTS_A),
                      SLABS * HAK_PAGES_OF_SLAB / 4);
    for (unsigned i = 0; i < SLABS; i++)
        ck_assert_int_eq(*blocks[i * SLOTS_A + (SLOTS_A - i % SLOTS_A) % SLOTS_A].p, 1);
    /* They all serve again, and what stays is not touched. */
    take(A, others, SLABS * (SLOTS_A - 1));
    for (unsigned i = 0; i < SLABS * (SLOTS_A - 1); i++)
        *others[i].p = 2;
    for (unsigned i = 0; i < SLABS; i++)
        ck_assert_int_eq(*blocks[i * SLOTS_A + (SLOTS_A - i % SLOTS_A) % SLOTS_A].p, 1);
    ck_assert_uint_eq(count_superslabs(), 12);
}

/* One that is empty a moment later is not worth a call of the kernel. */
TEST(slabs_that_empty_one_after_the_other_are_not_thinned) {
    enum { SLABS = 31 * 12 };
    take_slabs(A, blocks, SLABS);
    for (unsigned i = 0; i < SLABS; i++) { /* the first of each SuperSlab stays */
        if (i % 31 == 0)
            continue;
        give(&blocks[i * SLOTS_A], SLOTS_A - 1);
        give(&blocks[i * SLOTS_A + SLOTS_A - 1], 1);
    }
    ck_assert(hak_slab_is_after_burst(heap));
    ck_assert_uint_eq(heap->slabs_thinned, 0);
    ck_assert_uint_gt(heap->next_few, 0);
}

/* Use that swings so is given its pages again and again only until that is seen. */
TEST(slabs_that_serve_again_are_left_alone) {
    enum { SLABS = 31 * 12, ROUNDS = 40 };
    take_slabs(A, blocks, SLABS);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < SLABS * SLOTS_A; i++)
            *blocks[i].p = 1;
        give_all_but_one(SLABS);
        for (unsigned i = 0, place = 0; i < SLABS; i++) {
            base_t stays = blocks[i * SLOTS_A + (SLOTS_A - i % SLOTS_A) % SLOTS_A];
            blocks[place++] = stays;
        }
        take(A, &blocks[SLABS], SLABS * (SLOTS_A - 1));
        sort_by_address(blocks, SLABS * SLOTS_A);
    }
    give_all_but_one(SLABS);
    ck_assert_uint_gt(count_resident_pages(blocks, SLOTS_A, SLABS * SLOTS_A),
                      SLABS * HAK_PAGES_OF_SLAB * 3 / 4);
}

/* A use that swings needs its pages again: after some rounds they are left to it. */
TEST(a_use_that_swings_keeps_its_pages) {
    enum { SLABS = 31 * 5 };
    take_slabs(A, blocks, SLABS);
    uint64_t purged = 0;
    for (int round = 0; round < 12; round++) {
        for (unsigned i = 0; i < SLABS; i++)
            if (i % 31 != 0)
                give(&blocks[i * SLOTS_A], SLOTS_A);
        for (unsigned i = 0; i < SLABS; i++)
            if (i % 31 != 0)
                take_slabs(A, &blocks[i * SLOTS_A], 1);
        if (round == 7)
            purged = heap->slabs_purged;
    }
    ck_assert_uint_gt(purged, 0);
    ck_assert_uint_eq(heap->slabs_purged, purged);
}

TEST(no_memory_gives_nothing_and_breaks_nothing) {
    take_slabs(A, blocks, 30);
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = (rlim_t)1 << 20;
    setrlimit(RLIMIT_AS, &limit);
    unsigned left = hak_slab_take(heap, A, others, 2 * SLOTS_A);
    ck_assert_uint_eq(left, SLOTS_A); /* the last slab of the SuperSlab */
    ck_assert_uint_eq(hak_slab_take(heap, A, others, 1), 0);
    ck_assert_uint_eq(hak_slab_take_some(heap, B, others, 32), 0);
    give(&blocks[0], 1);
    ck_assert_uint_eq(hak_slab_take(heap, A, others, 5), 1);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
    take(A, others, 100);
}

RUN_TESTS(.set_up = set_up)
