/* The short way of a call writes what the long way would, and passes over no byte that the long way
 * looks at: for every class, every byte around a block and of a freed one. */
#include "guard/short_way.h"

#include "guard/around.h"
#include "world.h"

enum { HEAP = 1, SLOT = 1 };

static void begin(unsigned class_index) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    heap->owner = HEAP;
    hak_options.trace = 0;
    hak_options.quarantine_bytes = 1 << 20;
    hak_options.quarantine_blocks = 100;
    hak_options.poison = 1;
    memset(hak_kinds_allowed, 0xff, sizeof hak_kinds_allowed);
    acquire_slab(6, class_index);
    /* The thread gets its ring. */
    (void)hand_out(slot_at(1, 0), 20, 0);
    ck_assert_int_eq(hak_check_keep(slot_at(1, 0), HAK_FREE, HEAP), HAK_KEPT);
    while (hak_check_leaving(true, HEAP).p)
        continue;
    hak_check_short_way = true;
    forget_events();
}

static struct hak_located locate(base_t block) {
    struct hak_located at;
    ck_assert(hak_locate_slot(block.p, &at));
    return at;
}

static user_t take(base_t block, size_t asked_bytes) {
    set_place(block, HAK_PLACE_FRONT);
    return hak_check_hand_out_shortly(block, locate(block).class_index, (uint32_t)asked_bytes,
                                      HAK_BY_MALLOC);
}

/* The quarantine is empty afterwards. */
static enum hak_kept give(user_t user) {
    enum hak_kept kept = hak_check_give_shortly(user, hak_free_by(HAK_GIVEN_BY_FREE), HEAP);
    while (hak_check_leaving(true, HEAP).p)
        continue;
    return kept;
}

/* Some sizes that are asked for in a slot of so many bytes: all of small ones. */
static size_t next_size(size_t asked_bytes, size_t most) {
    return most <= 112 ? asked_bytes + 1 : asked_bytes + 1 + (asked_bytes * 7 + most / 2) % 61;
}

START_TEST(each_byte_around_a_block_is_looked_at) {
    size_t slot_bytes = hak_class_bytes((unsigned)_i), most = slot_bytes - HAK_CHECK_SHORT_AROUND;
    begin((unsigned)_i);
    base_t block = slot_at(6, SLOT);
    for (size_t asked = most > 112 ? most - 112 : 0; asked <= most;
         asked = next_size(asked, most)) {
        memset(slot_at(6, 0).p, 'x', 3 * slot_bytes);
        user_t user = take(block, asked);
        ck_assert_ptr_eq(user.p, block.p + HAK_HEADER_BYTES);
        struct hak_located at = locate(block);
        ck_assert_uint_eq(hak_header_damage(&at).bytes, 0);
        ck_assert_uint_eq(hak_canary_damage(&at).bytes, 0);
        ck_assert_int_eq(block.p[-1], 'x');
        ck_assert_int_eq(block.p[slot_bytes], 'x');
        memset(user.p, 'u', asked);
        for (char *p = block.p; p < block.p + slot_bytes; p++) {
            if (p == user.p)
                p += asked;
            *p ^= 4;
            ck_assert_int_eq(give(user), HAK_NOT_KEPT);
            ck_assert_uint_eq(at.slot->place, HAK_PLACE_LIVE);
            *p ^= 4;
        }
        ck_assert_int_eq(give(user), HAK_KEPT);
        ck_assert_uint_eq(at.slot->place, HAK_PLACE_QUARANTINE);
        ck_assert_uint_eq(hak_poison_damage(&at).bytes, 0);
        ck_assert_int_eq(block.p[slot_bytes], 'x');
        at.slot->subkind = 0;
    }
    ck_assert_uint_eq(fault_count, 0);
}
END_TEST

START_TEST(each_byte_of_a_freed_block_is_looked_at) {
    size_t slot_bytes = hak_class_bytes((unsigned)_i);
    begin((unsigned)_i);
    base_t block = slot_at(6, SLOT);
    memset(block.p, 'x', slot_bytes);
    ck_assert_int_eq(give(take(block, 1)), HAK_KEPT);
    struct hak_located at = locate(block);
    for (char *p = block.p + HAK_HEADER_BYTES; p < block.p + slot_bytes; p++) {
        *p ^= 1;
        bool is_seen = hak_poison_damage(&at).bytes != 0;
        bool is_filled = slot_bytes - HAK_HEADER_BYTES <= HAK_POISON_WHOLE_BYTES ||
                         p - block.p < HAK_HEADER_BYTES + HAK_POISON_HEAD_BYTES;
        ck_assert_int_eq(is_seen, is_filled);
        user_t user = take(block, 1);
        ck_assert_int_eq(user.p == NULL, is_seen);
        if (user.p) /* its canary was written over that byte */
            ck_assert_int_eq(give(user), HAK_KEPT);
        else
            *p ^= 1;
    }
    ck_assert_ptr_nonnull(take(block, 1).p);
    ck_assert_uint_eq(fault_count, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("guard/short_way");
    TCase *tests = tcase_create("bytes");
    int first = (int)HAK_CLASS_OF_32;
    tcase_add_loop_test(tests, each_byte_around_a_block_is_looked_at, first, HAK_CLASSES);
    tcase_add_loop_test(tests, each_byte_of_a_freed_block_is_looked_at, first, HAK_CLASSES);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
