/* Faults that a pop of a TLS SLL finds, in both layouts and both levels. */
#include "world.h"

static char *state_base(base_t block) {
    struct hak_located at;
    return hak_locate_slot(block.p, &at) ? at.base : NULL;
}

/* Pushes a block of the 48-byte class as the magazine does. */
static void push(base_t block, unsigned class_index) {
    set_place(base_from(slot_at(1, 0).p + (block.p - slot_at(1, 0).p) / 48 * 48),
              HAK_PLACE_MAGAZINE);
    hak_hop_block(HAK_SLL_PUSH, block, class_index);
    if (block.p == state_base(block))
        *hak_check_link_of(block) = NULL; /* as the front does */
}

static struct hak_fault_facts refuse_pop(base_t block, unsigned class_index) {
    forget_events();
    ck_assert(!check_pop(block, class_index));
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(event_count, 0);
    ck_assert_uint_eq(last_fault()->kind, HAK_SLL_POP);
    ck_assert_uint_eq(last_fault()->found_address, base_address(block));
    ck_assert_uint_eq(last_fault()->class_found, class_index);
    return *last_fault();
}

TEST(a_block_in_the_list_is_popped, EACH_LAYOUT) {
    make_world(HAK_CHECK_NORMAL, _i);
    base_t never_lived = slot_at(1, 0), lived = slot_at(1, 1), aligned = slot_at(1, 2), base;
    push(never_lived, HAK_CLASS_OF_48);
    ck_assert(check_pop(never_lived, HAK_CLASS_OF_48));
    user_t user = hand_out(lived, 20, 0);
    memset(user.p, 0xff, 20);
    hak_check_pointer(user, HAK_FREE, &base);
    hak_check_freed(base, HAK_FREE, HAK_PLACE_MAGAZINE);
    push(lived, HAK_CLASS_OF_48);
    ck_assert(check_pop(lived, HAK_CLASS_OF_48));
    user = hand_out(aligned, 1, 32);
    memset(aligned.p, 0xff, user.p - aligned.p > 16 ? user.p - aligned.p - 16 : 0);
    hak_check_pointer(user, HAK_FREE, &base);
    hak_check_freed(base, HAK_FREE, HAK_PLACE_MAGAZINE);
    push(aligned, HAK_CLASS_OF_48);
    *hak_check_link_of(aligned) = lived.p;
    ck_assert(check_pop(aligned, HAK_CLASS_OF_48));
    ck_assert_uint_eq(fault_count, 0);
}

/* Free may put a block into a list itself: then it carries a header for the list from there on. */
TEST(every_list_is_popped_from_its_own_place, EACH_LAYOUT) {
    static const struct {
        unsigned place, fill, pop;
    } lists[] = {{HAK_PLACE_SLL, HAK_SLL_FILL, HAK_PROMOTE},
                 {HAK_PLACE_SFC, HAK_SFC_FILL, HAK_MALLOC},
                 {HAK_PLACE_MID_LIFO, HAK_MID_OVERFLOW, HAK_MID_RETURN}};
    make_world(HAK_CHECK_NORMAL, _i);
    for (unsigned i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        base_t filled = slot_at(3, 2 * i), freed = slot_at(3, 2 * i + 1), base;
        set_place(filled, lists[i].fill == HAK_MID_OVERFLOW ? HAK_PLACE_MID_RING : HAK_PLACE_SLAB);
        hak_hop_block(lists[i].fill, filled, HAK_CLASS_OF_1024);
        user_t user = hand_out(freed, 1, 64);
        memset(freed.p, 0xff, user.p - freed.p > 16 ? user.p - freed.p - 16 : 0);
        hak_check_pointer(user, HAK_FREE, &base);
        hak_check_freed(base, HAK_FREE, lists[i].place);
        *hak_check_link_of(freed) = filled.p;
        forget_events();
        ck_assert(check_list_pop(lists[i].pop, lists[i].place, filled, HAK_CLASS_OF_1024));
        ck_assert(check_list_pop(lists[i].pop, lists[i].place, freed, HAK_CLASS_OF_1024));
        ck_assert_uint_eq(fault_count, 0);
        unsigned other = lists[(i + 1) % 3].place;
        ck_assert(!check_list_pop(lists[i].pop, other, filled, HAK_CLASS_OF_1024));
        ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRONG_LAYER_MOVE);
        ck_assert_uint_eq(last_fault()->kind, lists[i].pop);
    }
}

TEST(a_pointer_16_bytes_off_is_a_reset_header, EACH_LAYOUT) {
    make_world(HAK_CHECK_TRACE, _i);
    base_t block = slot_at(1, 7);
    push(base_from(block.p + 16), HAK_CLASS_OF_48);
    ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
    ck_assert_uint_eq(fault_count, 0);
    struct hak_fault_facts facts = refuse_pop(base_from(block.p + 16), HAK_CLASS_OF_48);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_TLS_SLL_HDR_RESET);
    ck_assert_int_eq(facts.offset, 16);
    ck_assert_uint_eq(facts.base, base_address(block));
    ck_assert_uint_eq(facts.slot, 7);
}

TEST(a_header_that_the_program_overwrote_is_a_reset_header, .until = 2) {
    make_world(_i, HAK_LAYOUT_HEADER);
    for (unsigned i = 0; i < HAK_HEADER_BYTES; i++) {
        base_t block = slot_at(1, i);
        push(block, HAK_CLASS_OF_48);
        block.p[i] ^= 1;
        struct hak_fault_facts facts = refuse_pop(block, HAK_CLASS_OF_48);
        ck_assert_uint_eq(facts.fault, HAK_FAULT_TLS_SLL_HDR_RESET);
        ck_assert_int_eq(facts.offset, 0);
    }
}

TEST(a_header_copied_from_another_block_does_not_stand, .until = 2) {
    make_world(_i, HAK_LAYOUT_HEADER);
    push(slot_at(1, 0), HAK_CLASS_OF_48);
    push(slot_at(1, 1), HAK_CLASS_OF_48);
    memcpy(slot_at(1, 1).p, slot_at(1, 0).p, HAK_HEADER_BYTES);
    ck_assert_uint_eq(refuse_pop(slot_at(1, 1), HAK_CLASS_OF_48).fault,
                      HAK_FAULT_TLS_SLL_HDR_RESET);
}

TEST(a_header_of_another_class_does_not_stand, .until = 2) {
    make_world(_i, HAK_LAYOUT_HEADER);
    struct hak_located at;
    push(slot_at(1, 0), HAK_CLASS_OF_48);
    ck_assert(hak_locate_slot(slot_at(1, 0).p, &at));
    at.class_index = HAK_CLASS_OF_64;
    hak_write_list_header(&at);
    ck_assert_uint_eq(refuse_pop(slot_at(1, 0), HAK_CLASS_OF_48).fault,
                      HAK_FAULT_TLS_SLL_HDR_RESET);
}

/* The link of a block that is in order itself, and a head that came from nowhere. */
TEST(a_wild_link_is_not_followed, .until = 4) {
    static char elsewhere[64];
    make_world(_i & 1, _i & 2 ? HAK_LAYOUT_HEADER : HAK_LAYOUT_SAME);
    char *const pointers[] = {elsewhere, (char *)8, (char *)-8, (char *)heap, slab_at(5) + 64};
    for (unsigned i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        struct hak_fault_facts facts = refuse_pop(base_from(pointers[i]), HAK_CLASS_OF_48);
        ck_assert_uint_eq(facts.fault, HAK_FAULT_FOREIGN_POINTER);
        ck_assert_uint_eq(facts.base, 0);
        ck_assert_uint_eq(facts.link, (uintptr_t)pointers[i]);

        base_t block = slot_at(1, i);
        push(block, HAK_CLASS_OF_48);
        *hak_check_link_of(block) = pointers[i];
        forget_events();
        ck_assert(!check_pop(block, HAK_CLASS_OF_48));
        facts = *last_fault();
        ck_assert_uint_eq(facts.fault, HAK_FAULT_FOREIGN_POINTER);
        ck_assert_uint_eq(facts.base, base_address(block));
        ck_assert_uint_eq(facts.found_address, (uintptr_t)hak_check_link_of(block));
        ck_assert_uint_eq(facts.link, (uintptr_t)pointers[i]);
        ck_assert_uint_eq(facts.slot, i);
    }
}

/* A link into a block of ours is left to that block's pop: a wrong push may have put it there. */
TEST(a_link_to_some_block_of_ours_is_followed, .until = 4) {
    make_world(_i & 1, _i & 2 ? HAK_LAYOUT_HEADER : HAK_LAYOUT_SAME);
    base_t block = slot_at(1, 0);
    push(block, HAK_CLASS_OF_48);
    *hak_check_link_of(block) = slot_at(3, 2).p + 5;
    forget_events();
    ck_assert(check_pop(block, HAK_CLASS_OF_48));
    ck_assert_uint_eq(fault_count, 0);
    ck_assert_uint_eq(refuse_pop(base_from(slot_at(3, 2).p + 5), HAK_CLASS_OF_48).fault,
                      HAK_FAULT_CLASS_MISMATCH);
}

TEST(a_block_of_another_class_is_a_mismatch, EACH_LAYOUT) {
    make_world(HAK_CHECK_TRACE, _i);
    base_t block = slot_at(1, 7);
    push(block, HAK_CLASS_OF_32);
    struct hak_fault_facts facts = refuse_pop(block, HAK_CLASS_OF_32);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_CLASS_MISMATCH);
    ck_assert_uint_eq(facts.class_due, HAK_CLASS_OF_48);
}

TEST(the_second_pop_of_a_double_push_is_a_wrong_move, EACH_LAYOUT) {
    make_world(HAK_CHECK_TRACE, _i);
    base_t block = slot_at(1, 7);
    push(block, HAK_CLASS_OF_48);
    ck_assert(hak_hop_block(HAK_SLL_PUSH, block, HAK_CLASS_OF_48));
    ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
    ck_assert(check_pop(block, HAK_CLASS_OF_48));
    hak_hop_block(HAK_SLL_POP, block, HAK_CLASS_OF_48);
    ck_assert_uint_eq(refuse_pop(block, HAK_CLASS_OF_48).fault, HAK_FAULT_WRONG_LAYER_MOVE);
    struct hak_hand_out how = {.asked_bytes = 24, .class_index = HAK_CLASS_OF_48};
    hak_check_hand_out(block, &how);
    struct hak_fault_facts facts = refuse_pop(block, HAK_CLASS_OF_48);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_WRONG_LAYER_MOVE);
    ck_assert_uint_eq(facts.place, HAK_PLACE_LIVE);
}

RUN_TESTS()
