/* The class table: every size fits, how much is wasted, and the arithmetic without divisions. */
#include <stdio.h>
#include "size_class.h"
#include "unit/suite.h"

TEST(every_size_gets_the_smallest_class_that_holds_it) {
    for (size_t bytes = 0; bytes <= HAK_CLASS_MAX_BYTES; bytes++) {
        unsigned class_index = hak_class_of_bytes(bytes);
        ck_assert_uint_lt(class_index, HAK_CLASSES);
        ck_assert_uint_ge(hak_class_bytes(class_index), bytes);
        if (class_index > 0)
            ck_assert_uint_lt(hak_class_bytes(class_index - 1), bytes);
    }
}

TEST(waste_is_at_most_20_percent_and_10_on_average) {
    printf("class  slot bytes  sizes            worst   mean waste\n");
    size_t low = 1;
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        size_t slot = hak_class_bytes(c);
        double worst = 0, sum = 0;
        for (size_t bytes = low; bytes <= slot; bytes++) {
            double waste = (double)(slot - bytes) / (double)slot;
            worst = waste > worst ? waste : worst;
            sum += waste;
        }
        double mean = sum / (double)(slot - low + 1);
        printf("%5u  %10zu  %6zu..%-6zu  %5.1f %%  %5.1f %%\n", c, slot, low, slot, worst * 100,
               mean * 100);
        if (slot > 64) {
            ck_assert_double_le(worst, 0.20);
            ck_assert_double_le(mean, 0.10);
        }
        low = slot + 1;
    }
}

/* sqlite's pages are 4,096 bytes and a header: fifteen of them in a slab, not twelve. */
TEST(a_page_and_its_header_fit_a_class) {
    for (size_t bytes = 4360; bytes <= 4368; bytes++) {
        ck_assert_uint_eq(hak_class_bytes(hak_class_of_bytes(bytes)), 4368);
        ck_assert_uint_eq(hak_class_slots(hak_class_of_bytes(bytes)), 15);
    }
}

TEST(slots_fit_their_slab_and_the_bitmap_in_front) {
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        size_t slot = hak_class_bytes(c), first = hak_first_slot_offset(c);
        unsigned slots = hak_class_slots(c);
        ck_assert_uint_ge(slots, 2);
        ck_assert_uint_le(slots, HAK_SLOTS_OF_SLAB);
        ck_assert_uint_le(first + slots * slot, HAK_SLAB_BYTES);
        ck_assert_uint_gt(first + (slots + 1) * slot, HAK_SLAB_BYTES);
        ck_assert_uint_eq(first % slot, 0);
        if (slot < 64)
            ck_assert_uint_ge(first * 8, slots);
        else
            ck_assert_uint_le(slots, sizeof((struct hak_slab *)0)->free_bits * 8);
    }
}

/* Counted and asserted once: an assertion for each of millions of cases would take minutes. */
TEST(multiplication_divides_exactly) {
    unsigned long wrong = 0;
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        size_t slot = hak_class_bytes(c);
        for (size_t offset = 0; offset < HAK_SLAB_BYTES; offset++) {
            const void *p = (const void *)(0x7f1234560000 + offset);
            wrong += hak_slot_index(c, offset) != offset / slot;
            wrong += hak_is_slot_start(p, c) != (offset % slot == 0);
        }
    }
    for (unsigned c = HAK_CLASSES; c < 256; c++)
        for (size_t offset = 0; offset < HAK_SLAB_BYTES; offset += 8)
            wrong += hak_is_slot_start((const void *)(0x7f1234560000 + offset), c);
    ck_assert_uint_eq(wrong, 0);
}

TEST(aligned_classes_have_all_their_slots_aligned) {
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2)
        for (size_t bytes = 0; bytes <= HAK_CLASS_MAX_BYTES; bytes += 7) {
            unsigned c = hak_class_of_aligned(bytes, alignment);
            if (alignment > HAK_CLASS_MAX_BYTES) {
                ck_assert_uint_eq(c, HAK_CLASS_NONE);
                continue;
            }
            ck_assert_uint_lt(c, HAK_CLASSES);
            ck_assert_uint_ge(hak_class_bytes(c), bytes);
            ck_assert_uint_eq(hak_class_bytes(c) % alignment, 0);
            ck_assert_uint_eq(hak_first_slot_offset(c) % alignment, 0);
        }
    ck_assert_uint_eq(hak_class_of_aligned(HAK_CLASS_MAX_BYTES + 1, 16), HAK_CLASS_NONE);
}

RUN_TESTS()
