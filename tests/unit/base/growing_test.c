/* Arrays grow by doubling, keep what is in them, and are as they were when memory runs out. */
#include "base/growing.h"

#include <malloc.h>
#include "../suite.h"

TEST(what_is_in_an_array_stays_there) {
    uint32_t *array = NULL, capacity = 0;
    for (uint32_t count = 0; count < 1000; count++) {
        ck_assert(hak_growing_make_room(&array, count, &capacity, sizeof *array));
        ck_assert_uint_gt(capacity, count);
        ck_assert_uint_le(capacity, count < 32 ? 64 : 2 * count);
        array[count] = count;
    }
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(array[i], i);
    free(array);
}

TEST(any_element_may_be_reached_and_begins_as_zero) {
    static const uint32_t order[] = {3, 70, 5000, 4999, 64};
    mallopt(M_PERTURB, 0x55); /* memory from malloc is not zero by chance */
    uint64_t *array = NULL;
    uint32_t capacity = 0;
    for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++) {
        ck_assert(hak_growing_reach(&array, order[i], &capacity, sizeof *array));
        ck_assert_uint_eq(array[order[i]], 0);
        array[order[i]] = order[i];
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < capacity; i++)
        sum += array[i];
    ck_assert_uint_eq(sum, 3 + 70 + 5000 + 4999 + 64);
    free(array);
}

TEST(an_array_without_memory_is_as_it_was) {
    static const size_t too_large = (size_t)1 << 46;
    char *array = NULL, *before;
    uint32_t capacity = 0;
    ck_assert(!hak_growing_make_room(&array, 0, &capacity, too_large));
    ck_assert_ptr_null(array);
    ck_assert_uint_eq(capacity, 0);
    ck_assert(hak_growing_make_room(&array, 0, &capacity, 1));
    before = array;
    ck_assert(!hak_growing_reach(&array, capacity, &capacity, too_large));
    ck_assert(!hak_growing_reach(&array, UINT32_MAX, &capacity, 1));
    ck_assert_ptr_eq(array, before);
    ck_assert_uint_eq(capacity, 64);
    free(array);
}

RUN_TESTS()
