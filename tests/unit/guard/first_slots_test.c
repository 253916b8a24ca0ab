/* The slots that go out first: each ends near a page's end, with a page behind it that none uses.
 */
#include "world.h"

enum { PAGES = HAK_SLAB_BYTES / HAK_PAGE_BYTES };

static void make_first_world(void) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.close_pages = 1;
    hak_options.quarantine_bytes = 1 << 20;
}

START_TEST(each_has_a_page_of_its_own_and_one_behind_it) {
    make_first_world();
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        uint16_t slots[HAK_FIRST_SLOTS];
        unsigned count = hak_check_first_slots(c, slots), used[PAGES] = {0}, guards[PAGES] = {0};
        size_t bytes = hak_class_bytes(c), from = hak_first_slot_offset(c);
        ck_assert_uint_le(count, HAK_FIRST_SLOTS);
        ck_assert_msg(count >= (bytes <= 4096 ? 4u : 1u), "class %u: %u", c, count);
        for (unsigned i = 0; i < count; i++) {
            ck_assert_uint_lt(slots[i], hak_class_slots(c));
            size_t start = from + slots[i] * bytes, end = start + bytes;
            size_t last = (end - 1) / HAK_PAGE_BYTES;
            ck_assert_uint_lt((last + 1) * HAK_PAGE_BYTES - end, bytes);
            for (size_t page = start / HAK_PAGE_BYTES; page <= last; page++)
                ck_assert_uint_eq(used[page]++, 0);
            ck_assert_uint_lt(last + 1, PAGES);
            guards[last + 1]++;
        }
        for (unsigned page = 0; page < PAGES; page++)
            ck_assert(!(used[page] && guards[page]));
    }
}
END_TEST

/* The one that ends nearest to its page's end comes first. */
START_TEST(powers_of_two_end_at_the_end) {
    uint16_t slots[HAK_FIRST_SLOTS];
    make_first_world();
    ck_assert_uint_eq(hak_check_first_slots(HAK_CLASS_OF_64, slots), HAK_FIRST_SLOTS);
    for (unsigned i = 0; i < HAK_FIRST_SLOTS; i++)
        ck_assert_uint_eq(slots[i], 2 * i * 64 + 63);
    ck_assert_uint_gt(hak_check_first_slots(HAK_CLASS_OF_48, slots), 0);
    ck_assert_uint_eq((hak_first_slot_offset(HAK_CLASS_OF_48) + (slots[0] + 1) * 48u) % 4096, 0);
}
END_TEST

START_TEST(only_the_first_slabs_of_a_class_begin_so) {
    uint16_t slots[HAK_FIRST_SLOTS];
    make_first_world();
    unsigned begun = 0;
    for (unsigned i = 0; i < 10; i++)
        begun += hak_check_first_slots(HAK_CLASS_OF_64, slots) != 0;
    ck_assert_uint_eq(begun, 2);
    ck_assert_uint_ne(hak_check_first_slots(HAK_CLASS_OF_48, slots), 0);
}
END_TEST

START_TEST(nothing_is_moved_where_no_page_is_closed) {
    uint16_t slots[HAK_FIRST_SLOTS];
    make_first_world();
    hak_options.close_pages = 0;
    ck_assert_uint_eq(hak_check_first_slots(HAK_CLASS_OF_64, slots), 0);
    hak_options.close_pages = 1;
    hak_options.quarantine_bytes = 0;
    ck_assert_uint_eq(hak_check_first_slots(HAK_CLASS_OF_64, slots), 0);
    hak_options.quarantine_bytes = 1;
    hak_options.check = HAK_CHECK_TRACE;
    ck_assert_uint_eq(hak_check_first_slots(HAK_CLASS_OF_64, slots), 0);
    hak_options.check = HAK_CHECK_NORMAL;
    strcpy(hak_options.inject, "offset16:1");
    ck_assert_uint_eq(hak_check_first_slots(HAK_CLASS_OF_64, slots), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("guard/first_slots");
    TCase *tests = tcase_create("first_slots");
    tcase_add_test(tests, each_has_a_page_of_its_own_and_one_behind_it);
    tcase_add_test(tests, powers_of_two_end_at_the_end);
    tcase_add_test(tests, only_the_first_slabs_of_a_class_begin_so);
    tcase_add_test(tests, nothing_is_moved_where_no_page_is_closed);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
