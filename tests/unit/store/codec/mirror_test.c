/* A mirror that was reset is as a new one, whatever blocks did in it, few or many. */
#include "hop.h"
#include "store/codec/mirror.h"
#include "unit/suite.h"

enum { MANY = 3000, STEPS = 4 };

static struct hak_mirror mirror;
static const struct hak_mirror fresh;

static uint64_t shape_of(unsigned kind, unsigned class_index, unsigned place) {
    return kind | class_index << 8 | place << 16;
}

/* Lets every block be born, end, move and be born again, or a part of that. Neighbours in number
 * are of other classes, so that each list has few blocks. */
static void let_live(uint32_t blocks) {
    static const uint8_t kind[STEPS] = {HAK_MALLOC, HAK_FREE, HAK_FRONT_SPILL, HAK_MALLOC},
                         place[STEPS] = {HAK_PLACE_FRONT, HAK_PLACE_FRONT, HAK_PLACE_MAGAZINE,
                                         HAK_PLACE_FRONT};
    for (uint32_t number = 0; number < blocks; number++) {
        uint32_t lane = number % 3, steps = 1 + number / 3 % STEPS;
        hak_mirror_enter(&mirror, lane);
        hak_mirror_meet(&mirror, number);
        for (uint32_t i = 0; i < steps; i++) {
            struct hak_shape_rule rule =
                hak_shape_rule(shape_of(kind[i], number % HAK_MIRROR_CLASSES, place[i]));
            hak_mirror_follow(&mirror, &rule, lane, number);
            mirror.cell[lane][rule.role][rule.class_index].last_base = number + 1;
        }
    }
}

TEST(is_as_new_after_a_reset, .until = 2) {
    for (int round = 0; round < 2; round++) {
        let_live(_i ? MANY : 60);
        ck_assert_int_ne(memcmp(mirror.list, fresh.list, sizeof fresh.list), 0);
        ck_assert_int_ne(memcmp(mirror.row, fresh.row, sizeof fresh.row), 0);
        hak_mirror_reset(&mirror);
        ck_assert_int_eq(memcmp(mirror.list, fresh.list, sizeof fresh.list), 0);
        ck_assert_int_eq(memcmp(mirror.row, fresh.row, sizeof fresh.row), 0);
        ck_assert_int_eq(memcmp(mirror.cell, fresh.cell, sizeof fresh.cell), 0);
        ck_assert_uint_eq(mirror.lanes, 0);
        ck_assert_uint_eq(mirror.room_used, 0);
    }
}

RUN_TESTS()
