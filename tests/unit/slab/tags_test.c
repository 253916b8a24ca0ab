/* The order of memory tags of slots in level light. */
#include "slab/tags.h"

#include "unit/suite.h"

TEST(the_tags_of_a_slot_are_of_its_kind_and_come_in_turn) {
    for (unsigned first = 1; first < HAK_TAGS; first++) {
        unsigned tag = first, lives = first % 2 ? 8 : 7;
        for (unsigned life = 0; life < lives; life++) {
            ck_assert_uint_eq(hak_slab_tag_lives_ago(first, tag), life);
            tag = hak_slab_tag_after(tag);
            ck_assert_uint_ne(tag, 0);
            ck_assert_uint_lt(tag, HAK_TAGS);
            ck_assert_uint_eq(tag % 2, first % 2);
        }
        ck_assert_uint_eq(tag, first);
    }
}

TEST(the_tag_of_a_neighbour_was_never_the_slots) {
    ck_assert_uint_eq(hak_slab_tag_lives_ago(3, 4), 0);
    ck_assert_uint_eq(hak_slab_tag_lives_ago(0, 4), 0);
    ck_assert_uint_eq(hak_slab_tag_lives_ago(4, 0), 0);
}

RUN_TESTS()
