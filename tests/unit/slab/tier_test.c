/* Tiers: the rule, its hysteresis, and that a SuperSlab which drains is taken from last. */
#include "unit/slab/heap_of_test.h"

enum { A = HAK_CLASS_OF_4096, SLOTS = 16, ALL = 31 * SLOTS };

static base_t blocks[3 * ALL], others[ALL];

TEST(the_rule_is_that_of_the_table) {
    const uint32_t all = (HAK_SLABS - 1) * HAK_SLAB_BYTES;
    for (int tier = HAK_TIER_FREE; tier <= HAK_TIER_HOT; tier++) {
        ck_assert_int_eq(hak_tier_after(tier, 0), HAK_TIER_FREE);
        ck_assert_int_eq(hak_tier_after(tier, all), HAK_TIER_HOT);
        ck_assert_int_eq(hak_tier_after(tier, all / 2), HAK_TIER_HOT);
    }
    /* At most a quarter drains; more than that is hot, but has to be some more after it drained. */
    ck_assert_int_eq(hak_tier_after(HAK_TIER_HOT, all / 4), HAK_TIER_DRAINING);
    ck_assert_int_eq(hak_tier_after(HAK_TIER_HOT, all / 4 + 1), HAK_TIER_HOT);
    ck_assert_int_eq(hak_tier_after(HAK_TIER_DRAINING, all / 4 + 1), HAK_TIER_DRAINING);
    ck_assert_int_eq(hak_tier_after(HAK_TIER_DRAINING, all / 8 * 3), HAK_TIER_HOT);
    ck_assert_int_eq(hak_tier_after(HAK_TIER_DRAINING, 1), HAK_TIER_DRAINING);
    /* One that fills up for the first time does not drain. */
    ck_assert_int_eq(hak_tier_after(HAK_TIER_FREE, 1), HAK_TIER_FREE);
    ck_assert_int_eq(hak_tier_after(HAK_TIER_FREE, all / 4 + 1), HAK_TIER_HOT);
}

TEST(a_superslab_goes_through_its_tiers) {
    take(A, blocks, ALL);
    struct hak_superslab *superslab = hak_superslab_of(blocks[0].p);
    ck_assert_int_eq(superslab->tier, HAK_TIER_HOT);
    unsigned given = 0;
    while (superslab->tier == HAK_TIER_HOT) {
        ck_assert_uint_gt(superslab->used_bytes, 31 * HAK_SLAB_BYTES / 4);
        give(&blocks[given++], 1);
    }
    ck_assert_int_eq(superslab->tier, HAK_TIER_DRAINING);
    ck_assert_uint_le(superslab->used_bytes, 31 * HAK_SLAB_BYTES / 4);
    ck_assert_ptr_eq(heap->cooled, superslab);
    /* Around the border nothing changes; three eighths make it hot again. */
    take(A, others, 1);
    ck_assert_int_eq(superslab->tier, HAK_TIER_DRAINING);
    unsigned taken = 1;
    while (superslab->tier == HAK_TIER_DRAINING)
        take(A, &others[taken++], 1);
    ck_assert_int_eq(superslab->tier, HAK_TIER_HOT);
    ck_assert_uint_ge(superslab->used_bytes, 31 * HAK_SLAB_BYTES / 8 * 3);
    ck_assert_ptr_null(heap->cooled);
    ck_assert_uint_eq(count_superslabs(), 1);
}

/* Two SuperSlabs full, then a fifth of the first and most of the second are left. */
static void let_the_first_drain(struct hak_superslab **first, struct hak_superslab **second) {
    take(A, blocks, 2 * ALL);
    *first = hak_superslab_of(blocks[0].p);
    *second = hak_superslab_of(blocks[ALL].p);
    for (unsigned slab = 0; slab < 31; slab++)
        give(&blocks[slab * SLOTS], SLOTS - 3);
    ck_assert_int_eq((*first)->tier, HAK_TIER_DRAINING);
    give(&blocks[ALL], 2 * SLOTS);
    ck_assert_int_eq((*second)->tier, HAK_TIER_HOT);
}

TEST(what_drains_is_taken_from_last) {
    struct hak_superslab *first, *second;
    let_the_first_drain(&first, &second);
    take(A, others, 2 * SLOTS);
    for (unsigned i = 0; i < 2 * SLOTS; i++)
        ck_assert_ptr_eq(hak_superslab_of(others[i].p), second);
    /* Nothing else can serve now: before memory is mapped, what drains does. */
    take(A, others, 1);
    ck_assert_ptr_eq(hak_superslab_of(others[0].p), first);
    ck_assert_uint_eq(count_superslabs(), 2);
}

TEST(another_class_takes_no_slab_of_what_drains) {
    struct hak_superslab *first, *second;
    let_the_first_drain(&first, &second);
    for (unsigned slab = 0; slab < 31; slab += 2)
        give(&blocks[slab * SLOTS + SLOTS - 3], 3); /* empty slabs in the first */
    ck_assert_uint_ne(first->dirty_slabs, 0);
    take(HAK_CLASS_OF_64, others, 1);
    ck_assert_ptr_eq(hak_superslab_of(others[0].p), second);
}

TEST(what_drained_goes_to_the_pool_with_its_last_block) {
    struct hak_superslab *first, *second;
    let_the_first_drain(&first, &second);
    for (unsigned slab = 0; slab < 31; slab++)
        give(&blocks[slab * SLOTS + SLOTS - 3], 3);
    ck_assert_uint_ne(hak_registry_owner(first), heap->id);
    ck_assert_uint_eq(count_superslabs(), 1);
    ck_assert_ptr_null(heap->cooled);
}

/* Both drain; the second, which came later, has less in use. */
TEST(of_what_drains_the_fullest_serves) {
    take(A, blocks, 2 * ALL);
    struct hak_superslab *first = hak_superslab_of(blocks[0].p);
    for (unsigned slab = 0; slab < 31; slab++) {
        give(&blocks[slab * SLOTS], slab < 5 ? 6 : SLOTS);
        give(&blocks[ALL + slab * SLOTS], slab < 5 ? SLOTS - 1 : SLOTS);
    }
    ck_assert_ptr_nonnull(heap->cooled);
    ck_assert_ptr_eq(heap->cooled->next->next, NULL);
    take(A, others, 20);
    for (unsigned i = 0; i < 20; i++)
        ck_assert_ptr_eq(hak_superslab_of(others[i].p), first);
    /* An empty slab there serves no class, even if it was the last of its class with room. */
    take(HAK_CLASS_OF_64, others, 1);
    ck_assert_ptr_eq(hak_superslab_of(others[0].p), first);
    unsigned active = heap->active_slabs;
    give(others, 1);
    ck_assert_uint_eq(heap->active_slabs, active - 1);
}

/* After every step tier and used bytes are what the slots say. */
TEST(random_work_keeps_tiers_and_counts_true) {
    static base_t live[6000];
    uint64_t random = 88172645463325252ull;
    for (int step = 0; step < 300000; step++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned places = step / 20000 % 2 ? 6000 : 300; /* grows and shrinks */
        unsigned i = (unsigned)(random % 6000);
        if (live[i].p) {
            give(&live[i], 1);
            live[i] = HAK_NO_BASE;
        } else if (i < places) {
            take(12 + (unsigned)(random >> 32) % 20, &live[i], 1);
        }
        if (step % 1000 != 0)
            continue;
        const struct hak_superslab *lists[] = {heap->room, heap->full, heap->cooled};
        for (unsigned l = 0; l < 3; l++) {
            for (const struct hak_superslab *s = lists[l]; s; s = s->next) {
                size_t used_bytes = 0;
                for (unsigned k = 1; k < HAK_SLABS; k++)
                    if (s->class_of_slab[k] != HAK_CLASS_NONE)
                        used_bytes += s->slabs[k].used * hak_class_bytes(s->class_of_slab[k]);
                ck_assert_uint_eq(s->used_bytes, used_bytes);
                ck_assert_int_eq(hak_tier_after(s->tier, s->used_bytes), s->tier);
                ck_assert_int_eq(s->tier == HAK_TIER_DRAINING, l == 2);
            }
        }
    }
}

/* Each of `count` SuperSlabs keeps one block more than the one before it; all drain. Returns how
 * many stay. */
static unsigned let_all_drain(unsigned count, base_t *stays) {
    unsigned kept = 0;
    take(A, blocks, count * ALL);
    for (unsigned s = 0; s < count; s++) {
        for (unsigned i = 0; i <= s; i++)
            stays[kept++] = blocks[s * ALL + i];
        give(&blocks[s * ALL + s + 1], ALL - s - 1);
    }
    ck_assert_uint_eq(count_superslabs(), count);
    return kept;
}

TEST(what_caches_hold_goes_but_out_of_the_two_fullest) {
    base_t stays[10], going[10], kept[10];
    struct hak_staying staying;
    ck_assert(!hak_slab_find_fullest_draining(heap, &staying));
    unsigned count = let_all_drain(3, stays);
    ck_assert(hak_slab_find_fullest_draining(heap, &staying));
    ck_assert_ptr_eq(staying.first, hak_superslab_of(stays[3].p));
    ck_assert_ptr_eq(staying.second, hak_superslab_of(stays[1].p));
    ck_assert_uint_eq(hak_slab_part(&staying, stays, count, going, kept), 1);
    ck_assert_ptr_eq(going[0].p, stays[0].p);
    for (unsigned i = 1; i < count; i++)
        ck_assert_ptr_eq(kept[i - 1].p, stays[i].p);
    give(going, 1);
    ck_assert_uint_eq(count_superslabs(), 2);
    ck_assert(!hak_slab_find_fullest_draining(heap, &staying));
}

TEST(what_does_not_drain_stays) {
    static const struct hak_staying none;
    base_t kept[ALL], going[ALL], stays[10];
    (void)let_all_drain(3, stays);
    /* Room for more than the three have: the last ones are of a SuperSlab that is hot. */
    take(A, others, ALL);
    const struct hak_superslab *hot = heap->full ? heap->full : heap->room;
    ck_assert_ptr_nonnull(hot);
    ck_assert_int_eq(hot->tier, HAK_TIER_HOT);
    unsigned goes = hak_slab_part(&none, others, ALL, going, kept);
    for (unsigned i = 0; i < goes; i++)
        ck_assert_int_eq(hak_superslab_of(going[i].p)->tier, HAK_TIER_DRAINING);
    ck_assert_uint_lt(goes, ALL);
    for (unsigned i = 0; i < ALL - goes; i++)
        ck_assert_int_eq(hak_superslab_of(kept[i].p)->tier, HAK_TIER_HOT);
}

RUN_TESTS(.set_up = set_up)
