/* The chain of first fronts: which class has which, in which order blocks go and come, and that
 * every combination of switches serves blocks once and gives all of them back. */
#include <string.h>
#include "unit/front/fronts.h"

enum { C32 = HAK_CLASS_OF_32, C64 = HAK_CLASS_OF_64, C128 = HAK_CLASS_OF_128 };

/* ---- which fronts a class has ---------------------------------------------------------------- */

static void expect_chains(const char *const chains[9]) {
    static const unsigned of_band[9] = {HAK_CLASS_OF_8,   HAK_CLASS_OF_16,   HAK_CLASS_OF_32,
                                        HAK_CLASS_OF_64,  HAK_CLASS_OF_128,  HAK_CLASS_OF_256,
                                        HAK_CLASS_OF_512, HAK_CLASS_OF_1024, HAK_CLASS_OF_2048};
    for (unsigned band = 0; band < 9; band++)
        ck_assert_str_eq(chain_of(of_band[band]), chains[band]);
}

TEST(with_no_switch_every_class_has_its_array) {
    start_with(NULL, NULL, NULL);
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        ck_assert_int_eq(hak_way_of(c), HAK_WAY_ARRAY);
    ck_assert_uint_eq(hak_plan_cache_count, 0);
    ck_assert_ptr_null(hak_thread.front->caches);
}

TEST(each_front_stands_before_the_bands_it_is_made_for, .until = 8) {
    static const struct {
        const char *variable;
        const char *chains[9];
    } cases[] = {
        {"HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1",
         {"", "", "UltraHot front ", "UltraHot front ", "", "", "", "", ""}},
        {"HAKMEM_TINY_FRONT_DISABLE_HEAPV2=0",
         {"", "", "HeapV2 front ", "HeapV2 front ", "HeapV2 front ", "HeapV2 front ", "", "", ""}},
        {"HAKMEM_TINY_FRONT_HEAPV2_ONLY=1",
         {"", "", "HeapV2 ", "HeapV2 ", "HeapV2 ", "HeapV2 ", "", "", ""}},
        {"HAKMEM_TINY_FRONT_ENABLE_FC=1",
         {"FC front ", "FC front ", "FC front ", "FC front ", "", "", "", "", ""}},
        {"HAKMEM_TINY_FRONT_ENABLE_SFC=1",
         {"SFC front ", "SFC front ", "SFC front ", "SFC front ", "SFC front ", "SFC front ",
          "SFC front ", "SFC front ", ""}},
        {"HAKMEM_TINY_HOT_RING_ENABLE=1",
         {"", "", "hot ring TLS SLL ", "hot ring TLS SLL ", "", "", "", "", ""}},
        {"HAKMEM_SMALLMID_ENABLE=1",
         {"", "", "", "", "", "Small-Mid front ", "Small-Mid front ", "Small-Mid front ",
          "Small-Mid mid ring "}},
        {"HAKMEM_TINY_MAGAZINE_ENABLE=1",
         {"magazine TLS SLL ", "magazine TLS SLL ", "magazine TLS SLL ", "magazine TLS SLL ",
          "magazine TLS SLL ", "magazine TLS SLL ", "magazine TLS SLL ", "magazine TLS SLL ", ""}},
    };
    start_with(cases[_i].variable, NULL, NULL);
    expect_chains(cases[_i].chains);
}

TEST(all_fronts_stand_in_their_order) {
    char *all[] = {"HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1",
                   "HAKMEM_TINY_FRONT_DISABLE_HEAPV2=0",
                   "HAKMEM_TINY_FRONT_ENABLE_FC=1",
                   "HAKMEM_TINY_FRONT_ENABLE_SFC=1",
                   "HAKMEM_SMALLMID_ENABLE=1",
                   "HAKMEM_TINY_MAGAZINE_ENABLE=1",
                   "HAKMEM_TINY_HOT_RING_ENABLE=1",
                   NULL};
    hak_options_read(all);
    hak_registry_start(true);
    hak_route_start();
    hak_front_start();
    ck_assert_str_eq(chain_of(HAK_CLASS_OF_16), "FC SFC magazine TLS SLL ");
    ck_assert_str_eq(chain_of(C64), "UltraHot HeapV2 FC SFC hot ring TLS SLL ");
    ck_assert_str_eq(chain_of(HAK_CLASS_OF_256), "HeapV2 SFC Small-Mid magazine TLS SLL ");
    ck_assert_str_eq(chain_of(HAK_CLASS_OF_4096), "Small-Mid mid ring ");
    ck_assert_int_eq(hak_way_of(HAK_CLASS_OF_8192), HAK_WAY_ARRAY);
}

TEST(no_tiny_front_stands_before_a_class_of_mid) {
    start_with("HAKMEM_TINY_MAX_CLASS=3", "HAKMEM_TINY_FRONT_DISABLE_HEAPV2=0",
               "HAKMEM_TINY_MAGAZINE_ENABLE=1");
    ck_assert_str_eq(chain_of(C64), "HeapV2 magazine TLS SLL ");
    ck_assert_str_eq(chain_of(C128), "");
    ck_assert_int_eq(hak_way_of(C128), HAK_WAY_ARRAY);
}

TEST(a_base_of_two_can_lose_either, .until = 2) {
    if (_i == 0)
        start_with("HAKMEM_TINY_MAGAZINE_ENABLE=1", "HAKMEM_TINY_MAG_CAP=0", NULL);
    else
        start_with("HAKMEM_TINY_MAGAZINE_ENABLE=1", "HAKMEM_TINY_TLS_SLL_CAP=0", NULL);
    ck_assert_str_eq(chain_of(C64), _i == 0 ? "TLS SLL " : "magazine ");
}

/* ---- in which order blocks move -------------------------------------------------------------- */

/* Takes `count` blocks, so that all fronts of the class are empty then or hold only what a refill
 * brought; empties these, too. */
static void take_all(unsigned class_index, base_t *blocks, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        blocks[i] = take(class_index);
    hak_caches_empty();
    if (hak_array_count(class_index))
        hak_array_spill(class_index, hak_array_count(class_index));
}

TEST(a_full_front_lets_the_block_go_to_the_next) {
    base_t blocks[12];
    start_with("HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1", NULL, NULL);
    take_all(C64, blocks, 12);
    for (unsigned i = 0; i < 12; i++)
        give(C64, blocks[i]);
    struct hak_cache *ultrahot = cache_at(C64, HAK_PLACE_ULTRAHOT);
    struct hak_cache *front = cache_at(C64, HAK_PLACE_FRONT);
    ck_assert_uint_eq(ultrahot->count, 8);
    ck_assert_uint_eq(front->count, 4);
    for (unsigned i = 0; i < 8; i++) /* nothing was flushed down */
        ck_assert_ptr_eq(ultrahot->blocks[i].p, blocks[i].p);
}

TEST(an_empty_front_is_filled_from_the_next_that_has_blocks) {
    base_t blocks[12];
    start_with("HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1", "HAKMEM_TINY_FRONT_ENABLE_FC=1", NULL);
    take_all(C64, blocks, 12);
    unsigned out = count_out(C64);
    for (unsigned i = 0; i < 12; i++)
        give(C64, blocks[i]);
    for (int i = 7; i >= 0; i--) /* the newest first */
        ck_assert_ptr_eq(take(C64).p, blocks[i].p);
    ck_assert_uint_eq(cache_at(C64, HAK_PLACE_FC)->count, 4);
    ck_assert_ptr_nonnull(take(C64).p);
    ck_assert_uint_eq(cache_at(C64, HAK_PLACE_FC)->count, 0);
    ck_assert_uint_eq(cache_at(C64, HAK_PLACE_ULTRAHOT)->count, 3);
    ck_assert_uint_eq(count_out(C64), out); /* the slabs were not asked */
    for (int i = 0; i < 3; i++)
        (void)take(C64);
    (void)take(C64);
    ck_assert_uint_gt(count_out(C64), out);
}

TEST(a_list_front_hands_out_what_came_last) {
    base_t blocks[20];
    start_with("HAKMEM_TINY_FRONT_ENABLE_SFC=1", NULL, NULL);
    take_all(C64, blocks, 20);
    for (unsigned i = 0; i < 20; i++)
        give(C64, blocks[i]);
    struct hak_cache *sfc = cache_at(C64, HAK_PLACE_SFC);
    ck_assert_uint_eq(sfc->count, 20);
    ck_assert_ptr_eq(*(void **)(void *)blocks[5].p, blocks[4].p);
    for (int i = 19; i >= 0; i--)
        ck_assert_ptr_eq(take(C64).p, blocks[i].p);
}

TEST(heapv2_alone_gives_to_the_slabs_what_it_cannot_hold) {
    enum { COUNT = 200 };
    base_t blocks[COUNT];
    start_with("HAKMEM_TINY_FRONT_HEAPV2_ONLY=1", NULL, NULL);
    take_all(C64, blocks, COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        give(C64, blocks[i]);
    ck_assert_uint_le(cache_at(C64, HAK_PLACE_HEAPV2)->count, 64);
    ck_assert_uint_eq(count_out(C64), cache_at(C64, HAK_PLACE_HEAPV2)->count);
}

/* ---- the hot ring ---------------------------------------------------------------------------- */

TEST(a_full_ring_lets_blocks_go_to_the_list_and_takes_none_of_its_own_back) {
    enum { COUNT = 100, PLACES = 64 };
    base_t blocks[COUNT];
    start_with("HAKMEM_TINY_HOT_RING_ENABLE=1", "HAKMEM_TINY_HOT_RING_C3=64", NULL);
    take_all(C64, blocks, COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        give(C64, blocks[i]);
    struct hak_cache *ring = cache_at(C64, HAK_PLACE_RING), *list = cache_at(C64, HAK_PLACE_SLL);
    ck_assert_uint_eq(ring->count, PLACES);
    ck_assert_uint_eq(list->count, COUNT - PLACES);
    for (unsigned i = 0; i < PLACES; i++)
        ck_assert_ptr_eq(ring->blocks[hak_ring_place(ring, i)].p, blocks[i].p);
    ck_assert_ptr_eq(list->head.p, blocks[COUNT - 1].p);
    for (int i = PLACES - 1; i >= 0; i--)
        ck_assert_ptr_eq(take(C64).p, blocks[i].p);
    ck_assert_uint_eq(list->count, COUNT - PLACES);
    (void)take(C64); /* half a ring is promoted */
    ck_assert_uint_eq(ring->count, PLACES / 2 - 1);
    ck_assert_uint_eq(list->count, COUNT - PLACES - PLACES / 2);
}

TEST(an_empty_list_is_filled_for_the_ring) {
    start_with("HAKMEM_TINY_HOT_RING_ENABLE=1", "HAKMEM_TINY_TLS_SLL_CAP=0", NULL);
    base_t block = take(C32);
    ck_assert_ptr_nonnull(block.p);
    ck_assert_uint_eq(cache_at(C32, HAK_PLACE_RING)->count, 63);
    ck_assert_uint_eq(cache_at(C32, HAK_PLACE_SLL)->count, 0);
    for (unsigned i = 0; i < 63; i++)
        ck_assert_ptr_nonnull(take(C32).p);
    give(C32, block);
    ck_assert_uint_eq(cache_at(C32, HAK_PLACE_RING)->count, 1);
}

TEST(a_ring_goes_round_and_spills_its_oldest) {
    enum { PLACES = 64 };
    base_t blocks[PLACES];
    start_with("HAKMEM_TINY_HOT_RING_ENABLE=1", "HAKMEM_TINY_HOT_RING_C3=64", NULL);
    take_all(C64, blocks, PLACES);
    struct hak_cache *ring = cache_at(C64, HAK_PLACE_RING);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < PLACES; i++)
            give(C64, blocks[i]);
        hak_cache_spill(ring, 10);
        ck_assert_uint_eq(ring->count, 10);
        ck_assert_uint_eq(count_out(C64), 10);
        for (int i = PLACES - 1; i >= PLACES - 10; i--)
            ck_assert_ptr_eq(take(C64).p, blocks[i].p);
        for (unsigned i = 0; i < PLACES - 10; i++)
            blocks[i] = take(C64);
        hak_caches_empty();
    }
}

/* ---- everything off, everything in any combination ------------------------------------------- */

TEST(without_a_front_a_block_goes_from_its_slab_and_back_at_once) {
    start_with("HAKMEM_TINY_UNIFIED_C3=0", NULL, NULL);
    ck_assert_int_eq(hak_way_of(C64), HAK_WAY_NONE);
    ck_assert_int_eq(hak_way_of(C32), HAK_WAY_ARRAY);
    base_t first = take(C64), second = take(C64);
    ck_assert_uint_eq(count_out(C64), 2);
    give(C64, first);
    ck_assert_uint_eq(count_out(C64), 1);
    ck_assert_ptr_eq(take(C64).p, first.p);
    give(C64, second);
    give(C64, first);
    ck_assert_uint_eq(count_out(C64), 0);
}

static void start_combination(unsigned n) {
    static const char *const switches[] = {
        "HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1",
        "HAKMEM_TINY_FRONT_DISABLE_HEAPV2=0",
        "HAKMEM_TINY_FRONT_HEAPV2_ONLY=1",
        "HAKMEM_TINY_FRONT_ENABLE_FC=1",
        "HAKMEM_TINY_FRONT_ENABLE_SFC=1",
        "HAKMEM_TINY_HOT_RING_ENABLE=1",
        "HAKMEM_SMALLMID_ENABLE=1",
        "HAKMEM_TINY_MAGAZINE_ENABLE=1",
        "HAKMEM_TINY_MAG_CAP=0",
        "HAKMEM_TINY_TLS_SLL_CAP=0",
        "HAKMEM_TINY_UNIFIED_C4=0",
        "HAKMEM_TINY_PRESET=ultra-tight",
    };
    char *environment[16] = {NULL};
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof switches / sizeof *switches; i++)
        if (n >> i & 1)
            environment[count++] = (char *)switches[i];
    hak_options_read(environment);
    hak_registry_start(true);
    hak_route_start();
    hak_front_start();
}

/* Every block holds its number while it lives, so that one that is handed out twice is seen. */
TEST(every_combination_serves_each_block_once_and_gives_all_back, .until = 128) {
    enum { LIVE = 3000, STEPS = 60000, CLASSES_USED = HAK_CLASS_OF_8192 };
    static base_t live[LIVE];
    start_combination((unsigned)_i * 37 % 4096);
    uint64_t random = 88172645463325252ull + (uint64_t)_i;
    unsigned wrong = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned i = (unsigned)(random % LIVE), c = i % CLASSES_USED;
        if (live[i].p) {
            wrong += *(unsigned *)(void *)live[i].p != i || hak_front_class_of(live[i]) != c;
            give(c, live[i]);
            live[i] = HAK_NO_BASE;
        } else {
            live[i] = take(c);
            *(unsigned *)(void *)live[i].p = i;
        }
        if (step % 20000 == 19999)
            hak_front_trim();
    }
    ck_assert_uint_eq(wrong, 0);
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        unsigned in_use = 0;
        for (unsigned i = 0; i < LIVE; i++)
            in_use += i % CLASSES_USED == c && live[i].p;
        ck_assert_uint_eq(count_out(c), in_use + count_cached(c));
    }
    for (unsigned i = 0; i < LIVE; i++)
        if (live[i].p)
            give(i % CLASSES_USED, live[i]);
    struct hak_heap *heap = hak_thread.heap;
    hak_front_end();
    ck_assert_ptr_null(heap->room);
    ck_assert_ptr_null(heap->full);
}

RUN_TESTS()
