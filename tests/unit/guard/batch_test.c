/* Moves of several blocks at once: they leave what as many single moves leave, record by record. */
#include "world.h"

enum { MANY = 300 };

static base_t blocks[MANY];

static void refill(unsigned count, unsigned class_index) {
    for (unsigned i = 0; i < count; i++)
        set_place(blocks[i], HAK_PLACE_SLAB);
    forget_events();
    batches_noted = 0;
    hop_all(HAK_FRONT_REFILL, blocks, count, class_index);
}

/* Event `i` is the legal move of `block` to FRONT. */
static void assert_moved(unsigned i, base_t block, uint32_t epoch) {
    ck_assert_uint_eq(events[i].kind, HAK_FRONT_REFILL);
    ck_assert_uint_eq(events[i].address, base_address(block));
    ck_assert_uint_eq(events[i].record_count, state_of(block)->record_count);
    ck_assert_uint_eq(events[i].place, HAK_PLACE_FRONT);
    ck_assert_uint_eq(events[i].stack, STACK_OF_LAYERS);
    ck_assert_uint_eq(events[i].epoch, epoch);
    ck_assert_uint_eq(events[i].flags, 0);
    ck_assert_uint_eq(state_of(block)->place, HAK_PLACE_FRONT);
}

TEST(neighbours_go_together_and_in_their_order, .until = 2) {
    make_world(_i, HAK_LAYOUT_SAME);
    for (unsigned i = 0; i < MANY; i++)
        blocks[i] = slot_at(1, (i * 7) % MANY);
    refill(MANY, HAK_CLASS_OF_48);
    ck_assert_uint_eq(event_count, MANY);
    ck_assert_uint_eq(batches_noted, (MANY + HAK_MOVES_BATCH_MAX - 1) / HAK_MOVES_BATCH_MAX);
    for (unsigned i = 0; i < MANY; i++)
        assert_moved(i, blocks[i], heap->slabs[1].epoch);
    ck_assert_uint_eq(state_of(blocks[5])->record_count, 1);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(the_last_one_goes_first_when_it_is_asked_for, .until = 2) {
    make_world(_i, HAK_LAYOUT_SAME);
    for (unsigned i = 0; i < 10; i++) {
        blocks[i] = slot_at(2, i);
        set_place(blocks[i], HAK_PLACE_REMOTE);
    }
    forget_events();
    hop_all_down(HAK_DRAIN_FRONT, blocks, 10, HAK_CLASS_OF_64);
    ck_assert_uint_eq(event_count, 10);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq(events[i].address, base_address(blocks[9 - i]));
}

TEST(another_slab_begins_another_batch, .until = 2) {
    make_world(_i, HAK_LAYOUT_SAME);
    acquire_slab(6, HAK_CLASS_OF_48);
    for (unsigned i = 0; i < 9; i++)
        blocks[i] = slot_at(i / 3 == 1 ? 6 : 1, i);
    refill(9, HAK_CLASS_OF_48);
    ck_assert_uint_eq(batches_noted, 3);
    ck_assert_uint_eq(event_count, 9);
    for (unsigned i = 0; i < 9; i++)
        assert_moved(i, blocks[i], heap->slabs[i / 3 == 1 ? 6 : 1].epoch);
}

TEST(a_block_that_may_not_move_is_told_of_as_when_it_is_alone, .until = 2) {
    make_world(_i, HAK_LAYOUT_SAME);
    for (unsigned i = 0; i < 8; i++)
        blocks[i] = slot_at(1, i);
    for (unsigned i = 0; i < 8; i++)
        set_place(blocks[i], HAK_PLACE_SLAB);
    set_place(blocks[3], HAK_PLACE_LIVE);
    blocks[5] = base_from(blocks[5].p + 16);
    forget_events();
    hop_all(HAK_FRONT_REFILL, blocks, 8, HAK_CLASS_OF_48);
    ck_assert_uint_eq(event_count, 8);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_uint_eq(events[i].address, base_address(blocks[i]));
        ck_assert_uint_eq(events[i].flags, i == 3 || i == 5 ? HAK_RECORD_ILLEGAL : 0);
    }
    ck_assert_uint_eq(events[5].delta_bytes, 16);
    ck_assert_uint_eq(fault_count, _i == HAK_CHECK_NORMAL ? 2 : 0);
}

TEST(a_class_that_is_not_the_slabs_and_addresses_of_no_slab_are_wrong_moves) {
    make_world(HAK_CHECK_TRACE, HAK_LAYOUT_SAME);
    blocks[0] = slot_at(1, 0), blocks[1] = slot_at(1, 1);
    blocks[2] = base_from(slab_at(5)), blocks[3] = base_from((char *)0x7fff00000000);
    set_place(blocks[0], HAK_PLACE_SLAB), set_place(blocks[1], HAK_PLACE_SLAB);
    forget_events();
    hop_all(HAK_FRONT_REFILL, blocks, 4, HAK_CLASS_OF_64);
    ck_assert_uint_eq(event_count, 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(events[i].flags, HAK_RECORD_ILLEGAL);
}

TEST(nothing_is_recorded_where_nobody_hears_and_states_move_all_the_same) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_SAME);
    hak_options.trace = 0;
    blocks[0] = slot_at(1, 0), blocks[1] = slot_at(1, 1);
    refill(2, HAK_CLASS_OF_48);
    ck_assert_uint_eq(event_count, 0);
    ck_assert_uint_eq(state_of(blocks[1])->place, HAK_PLACE_FRONT);
    ck_assert_uint_eq(state_of(blocks[1])->record_count, 1);
}

RUN_TESTS()
