/* While memory goes back to the kernel after a burst, an array takes few blocks, so that frees come
 * by the slow path, which gives back a step each time. */
#include "unit/front/arrays.h"

enum { C64 = HAK_CLASS_OF_64, MANY = 8, CLOSED = 4 };

static unsigned places_of(unsigned class_index) {
    return (unsigned)(hak_thread.end[class_index] - hak_thread.front->array[class_index].bottom);
}

/* The heap as a burst leaves it; `waits`: pages are still to go back. */
static void end_burst(bool waits) {
    struct hak_heap *heap = hak_thread.heap;
    heap->had_burst = true;
    heap->swings = 0;
    heap->cooled_superslabs = heap->active_slabs + 1;
    heap->is_purging = waits;
    heap->is_purge_of_age = true;
    heap->purge_keep = 0;
    heap->purge_most = UINT32_MAX;
}

static void take_some(base_t *block) {
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_nonnull((block[i] = take(C64)).p);
    ck_assert_uint_gt(capacity_of(C64), CLOSED);
}

TEST(an_array_takes_four_blocks_while_memory_goes_back) {
    base_t block[MANY];
    take_some(block);
    end_burst(true);
    hak_front_spill(C64);
    ck_assert_uint_eq(hak_array_count(C64), 0);
    ck_assert_uint_eq(places_of(C64), CLOSED);
    for (unsigned i = 0; i < CLOSED; i++) {
        ck_assert(!hak_array_is_full(C64));
        hak_array_push(C64, block[i]);
    }
    ck_assert(hak_array_is_full(C64));
}

TEST(an_array_opens_when_nothing_waits_any_more) {
    base_t block[MANY];
    take_some(block);
    end_burst(true);
    hak_front_spill(C64);
    ck_assert_uint_eq(places_of(C64), CLOSED);
    end_burst(false);
    hak_front_spill(C64);
    ck_assert_uint_eq(places_of(C64), capacity_of(C64));
}

TEST(an_array_opens_when_it_is_filled_again) {
    base_t block[MANY];
    take_some(block);
    end_burst(true);
    hak_front_spill(C64);
    ck_assert_ptr_nonnull(hak_front_refill(C64).p);
    ck_assert_uint_eq(places_of(C64), capacity_of(C64));
}

TEST(an_array_opens_when_the_burst_is_over) {
    base_t block[MANY];
    take_some(block);
    end_burst(true);
    hak_front_spill(C64);
    hak_thread.heap->had_burst = false;
    hak_front_spill(C64);
    ck_assert_uint_eq(places_of(C64), capacity_of(C64));
}

RUN_TESTS(.set_up = set_up)
