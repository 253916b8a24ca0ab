/* Magazine and TLS SLL: order, caps, spills, and that classes above 1,024 B keep their arrays. */
#include "front/magazine.h"
#include <string.h>
#include "front/thread_block.h"
#include "unit/suite.h"

enum { MAGAZINE = 8, LIST = 16 };

static void set_up(void) {
    char *environment[] = {"HAKMEM_TINY_MAGAZINE_ENABLE=1", "HAKMEM_TINY_MAG_CAP=8",
                           "HAKMEM_TINY_TLS_SLL_CAP=16", NULL};
    hak_options_read(environment);
    hak_registry_start(true);
    hak_front_start();
}

TEST(small_classes_have_magazines_and_no_arrays) {
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        bool is_small = hak_class_bytes(c) <= HAK_MAGAZINE_MAX_BYTES;
        ck_assert_int_eq(hak_way_of(c), is_small ? HAK_WAY_MAGAZINE : HAK_WAY_ARRAY);
        ck_assert_int_eq(hak_thread.front->array[c].capacity != 0, !is_small);
        ck_assert_int_eq(hak_array_is_full(c), is_small);
    }
}

TEST(the_last_given_is_the_next_taken, .until = HAK_CLASS_OF_1024 + 1) {
    unsigned c = (unsigned)_i;
    base_t first = hak_magazine_pop(c), second = hak_magazine_pop(c);
    ck_assert_ptr_nonnull(first.p);
    hak_magazine_push(c, first);
    hak_magazine_push(c, second);
    ck_assert_ptr_eq(hak_magazine_pop(c).p, second.p);
    ck_assert_ptr_eq(hak_magazine_pop(c).p, first.p);
}

TEST(a_full_magazine_moves_its_older_half_onto_the_list) {
    base_t blocks[MAGAZINE + 1];
    for (int i = 0; i <= MAGAZINE; i++)
        blocks[i] = hak_magazine_pop(HAK_CLASS_OF_48);
    while (hak_magazine_of(HAK_CLASS_OF_48)->count)
        (void)hak_magazine_pop(HAK_CLASS_OF_48);
    for (int i = 0; i <= MAGAZINE; i++)
        hak_magazine_push(HAK_CLASS_OF_48, blocks[i]);
    const struct hak_cache *magazine = hak_magazine_of(HAK_CLASS_OF_48);
    const struct hak_cache *list = hak_sll_of(HAK_CLASS_OF_48);
    ck_assert_uint_eq(magazine->count, MAGAZINE / 2 + 1);
    ck_assert_uint_eq(list->count, MAGAZINE / 2);
    ck_assert_ptr_eq(list->head.p, blocks[MAGAZINE / 2 - 1].p);
    ck_assert_ptr_eq(*(void **)(void *)blocks[1].p, blocks[0].p);
    ck_assert_ptr_null(*(void **)(void *)blocks[0].p);
    /* The newer half first, then the list from its head. */
    for (int i = MAGAZINE; i >= MAGAZINE / 2; i--)
        ck_assert_ptr_eq(hak_magazine_pop(HAK_CLASS_OF_48).p, blocks[i].p);
    magazine_refill(HAK_CLASS_OF_48);
    ck_assert_uint_eq(magazine->count, MAGAZINE / 2);
    ck_assert_uint_eq(list->count, 0);
}

TEST(a_list_over_its_cap_spills_half_into_the_slabs) {
    enum { COUNT = 200 };
    base_t blocks[COUNT];
    for (int i = 0; i < COUNT; i++)
        blocks[i] = hak_magazine_pop(HAK_CLASS_OF_64);
    const struct hak_cache *magazine = hak_magazine_of(HAK_CLASS_OF_64);
    const struct hak_cache *list = hak_sll_of(HAK_CLASS_OF_64);
    for (int i = 0; i < COUNT; i++) {
        hak_magazine_push(HAK_CLASS_OF_64, blocks[i]);
        ck_assert_uint_le(magazine->count, MAGAZINE);
        ck_assert_uint_le(list->count, LIST);
    }
    const struct hak_slab *slab =
        &hak_superslab_of(blocks[0].p)->slabs[hak_slab_index_of(blocks[0].p)];
    ck_assert_uint_eq(slab->used, magazine->count + list->count);
    hak_caches_empty();
    ck_assert_uint_eq(slab->used, 0);
    ck_assert_uint_eq(magazine->count + list->count, 0);
    ck_assert_ptr_null(list->head.p);
}

TEST(random_use_keeps_every_block_single) {
    static base_t live[3000];
    uint64_t random = 88172645463325252ull;
    unsigned wrong = 0;
    for (int step = 0; step < 500000; step++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned i = (unsigned)(random % 3000), c = i % (HAK_CLASS_OF_1024 + 1);
        if (live[i].p) {
            wrong += *(unsigned *)(void *)live[i].p != i || hak_front_class_of(live[i]) != c;
            hak_magazine_push(c, live[i]);
            live[i] = HAK_NO_BASE;
        } else {
            live[i] = hak_magazine_pop(c);
            *(unsigned *)(void *)live[i].p = i;
        }
    }
    ck_assert_uint_eq(wrong, 0);
}

RUN_TESTS(.set_up = set_up)
