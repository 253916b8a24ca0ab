/* Sorting: numbers and pairs by radix as qsort does it, pairs of one key in their order; sorted
 * numbers without doubles. */
#include <stdlib.h>
#include "../suite.h"
#include "base/sorted.h"

enum { MOST = 5000 };

static uint64_t random_state = 7;

static uint64_t draw(void) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return random_state >> 20;
}

static int compare_pairs(const void *a, const void *b) { /* by key, then by place */
    const struct hak_pair *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key)
                            : (x->value > y->value) - (x->value < y->value);
}

/* The bits in which keys differ: none, low ones, high ones, some of each, all. */
static const uint64_t masks[] = {0, 0xff, 0xfff0000000000000, 0x7f0000fff0, UINT64_MAX};
static const uint32_t counts[] = {0, 1, 2, 63, 64, 65, MOST};
enum { MASKS = sizeof masks / sizeof *masks, COUNTS = sizeof counts / sizeof *counts };

TEST(pairs_are_sorted_and_alike_ones_keep_their_order, .until = MASKS * COUNTS) {
    static struct hak_pair pair[MOST], due[MOST], scratch[MOST];
    static uint64_t key[MOST], key_scratch[MOST];
    uint32_t count = counts[_i % COUNTS];
    for (uint32_t i = 0; i < count; i++) {
        key[i] = (draw() << 30 ^ draw()) & masks[_i / COUNTS];
        pair[i] = due[i] = (struct hak_pair){key[i], i};
    }
    qsort(due, count, sizeof *due, compare_pairs);
    hak_sort_pairs(pair, count, scratch);
    hak_sort_keys(key, count, key_scratch);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(pair[i].key, due[i].key);
        ck_assert_uint_eq(pair[i].value, due[i].value);
        ck_assert_uint_eq(key[i], due[i].key);
    }
}

TEST(a_sorted_list_takes_each_number_once_and_no_more_than_it_has_room_for) {
    uint64_t list[64], same[1000];
    uint32_t count = 0, refused = 0;
    for (int i = 0; i < 1000; i++) {
        same[i] = draw() % 80;
        refused += !hak_add_sorted(list, &count, 64, same[i]);
    }
    ck_assert_uint_eq(count, 64);
    ck_assert_uint_gt(refused, 0);
    for (uint32_t i = 1; i < count; i++)
        ck_assert_uint_lt(list[i - 1], list[i]);
    ck_assert_uint_eq(hak_sort_distinct(same, 1000), 80);
    for (uint32_t i = 0; i < 80; i++)
        ck_assert_uint_eq(same[i], i);
}

RUN_TESTS()
