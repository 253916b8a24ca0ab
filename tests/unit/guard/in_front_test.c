/* The filled bytes in front of the first blocks: each that is written is told with the block. */
#include "guard/in_front.h"

#include "guard/sweep.h"
#include "world.h"

enum { SLOT = 7, HEAP = 7 };

static struct hak_located locate(base_t block) {
    struct hak_located at;
    ck_assert(hak_locate_slot(block.p, &at));
    return at;
}

/* A block in slot SLOT of slab 1, behind slots that nobody had. */
static user_t begin(unsigned layout) {
    make_world(HAK_CHECK_NORMAL, layout);
    heap->owner = HEAP;
    heap->slabs[1].carved = heap->slabs[1].capacity;
    hak_options.poison = 1;
    user_t user = hand_out(slot_at(1, SLOT), 24, 0);
    struct hak_located at = locate(slot_at(1, SLOT));
    hak_fill_in_front(&at);
    forget_events();
    return user;
}

static void is_told_once(const uint8_t *p, user_t user) {
    ck_assert_uint_eq(fault_count, 1);
    struct hak_fault_facts facts = last_fault();
    ck_assert_uint_eq(facts.fault, HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
    ck_assert_uint_eq(facts.user, user_address(user));
    ck_assert_uint_eq(facts.found_address, user_address(user));
    ck_assert_int_eq(facts.offset, (const char *)p - user.p);
    ck_assert_uint_eq(facts.asked_bytes, 24);
    ck_assert_uint_eq(facts.damaged_bytes, 1);
    forget_events();
}

START_TEST(each_byte_in_front_is_told_with_the_block_behind) {
    user_t user = begin(_i);
    uint8_t *start = (uint8_t *)slot_at(1, SLOT).p;
    for (uint8_t *p = start - 256; p < start; p++) {
        struct hak_located at = locate(base_from((char *)p));
        uint8_t before = *p;
        *p = 0;
        hak_check_poison(&at, HAK_QUARANTINE_LEAVE);
        is_told_once(p, user);
        ck_assert_uint_eq(*p, before);
        hak_check_poison(&at, HAK_QUARANTINE_LEAVE);
        ck_assert_uint_eq(fault_count, 0);
    }
}
END_TEST

START_TEST(a_sweep_tells_once) {
    user_t user = begin(HAK_LAYOUT_HEADER);
    uint8_t *p = (uint8_t *)user.p - 40;
    *p = 0;
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 1);
    is_told_once(p, user);
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 0);
}
END_TEST

/* A write that begins further in front and goes through the header is one. */
START_TEST(a_write_through_the_header_is_told_once) {
    user_t user = begin(HAK_LAYOUT_HEADER);
    memset(user.p - 40, 1, 40);
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 1);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_int_eq(last_fault().offset, -40);

    user = begin(HAK_LAYOUT_HEADER);
    memset(user.p - 40, 1, 40);
    base_t base;
    ck_assert_int_eq(hak_check_take_back(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 0);
}
END_TEST

/* What is filled may be handed out, and come into a list, like any other slot. */
START_TEST(the_slots_in_front_serve_later) {
    (void)begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(1, SLOT - 1), 24, 0);
    base_t base;
    ck_assert_int_eq(hak_check_take_back(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert_uint_eq(fault_count, 0);

    base_t listed = slot_at(1, SLOT - 2);
    set_place(listed, HAK_PLACE_MAGAZINE);
    ck_assert(hak_hop_block(HAK_SLL_PUSH, listed, HAK_CLASS_OF_48));
    ck_assert_uint_eq(state_of(listed)->subkind, 0);
    *(void **)(void *)(listed.p + HAK_HEADER_BYTES) = NULL;
    ck_assert(hak_check_pop(HAK_SLL_POP, HAK_PLACE_SLL, listed, HAK_CLASS_OF_48));
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 0);
    ck_assert_uint_eq(fault_count, 0);
}
END_TEST

/* Those that somebody had are left alone. */
START_TEST(nothing_of_a_neighbour_is_filled) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.poison = 1;
    user_t neighbour = hand_out(slot_at(1, SLOT - 2), 24, 0);
    memset(neighbour.p, 'x', 24);
    (void)hand_out(slot_at(1, SLOT), 24, 0);
    struct hak_located at = locate(slot_at(1, SLOT));
    hak_fill_in_front(&at);
    ck_assert_uint_eq((uint8_t)*slot_at(1, SLOT - 1).p,
                      pattern_at(slot_at(1, SLOT - 1).p, HAK_PATTERN_FREED));
    for (unsigned i = 0; i < 24; i++)
        ck_assert_uint_eq(neighbour.p[i], 'x');
    ck_assert_uint_eq(state_of(slot_at(1, SLOT - 3))->subkind, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("guard/in_front");
    TCase *tests = tcase_create("bytes");
    tcase_add_loop_test(tests, each_byte_in_front_is_told_with_the_block_behind, HAK_LAYOUT_SAME,
                        HAK_LAYOUT_HEADER + 1);
    tcase_add_test(tests, a_sweep_tells_once);
    tcase_add_test(tests, a_write_through_the_header_is_told_once);
    tcase_add_test(tests, the_slots_in_front_serve_later);
    tcase_add_test(tests, nothing_of_a_neighbour_is_filled);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
