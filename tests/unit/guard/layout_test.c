/* The bytes around a block: what fits into a slot, and that every damaged byte is seen. */
#include "guard/sweep.h"
#include "world.h"

TEST(layout_same_asks_for_no_more_than_the_program) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_SAME);
    ck_assert_uint_eq(hak_check_slot_bytes(100, 0), 100);
    ck_assert_uint_eq(hak_check_slot_bytes(100, 4096), 100);
    ck_assert(!hak_check_aligns());
    user_t user = hand_out(slot_at(1, 0), 24, 0);
    ck_assert_ptr_eq(user.p, slot_at(1, 0).p);
    ck_assert_uint_eq(hak_check_usable(user, 48), 48);
    ck_assert_ptr_eq(hak_check_link_of(slot_at(1, 0)), slot_at(1, 0).p);
}

TEST(layout_header_has_room_for_header_padding_and_canary) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    ck_assert(hak_check_aligns());
    ck_assert_uint_eq(hak_check_slot_bytes(16, 0), 33);
    ck_assert_uint_eq(hak_check_slot_bytes(24, 0), 41);
    ck_assert_uint_eq(hak_check_slot_bytes(SIZE_MAX, 0), SIZE_MAX);
    ck_assert_uint_eq(hak_check_slot_bytes(SIZE_MAX - 20, 64), SIZE_MAX);
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2)
        for (size_t asked = 0; asked < 70; asked++)
            for (size_t at = 0; at < 4096; at += 16) {
                char *base = (char *)heap + at;
                char *user = hak_place_user(base, alignment);
                ck_assert_uint_eq((uintptr_t)user % alignment, 0);
                ck_assert_uint_eq((uintptr_t)user % 16, 0);
                ck_assert_int_ge(user - base, HAK_HEADER_BYTES);
                ck_assert_uint_lt((size_t)(user - base) + asked,
                                  hak_check_slot_bytes(asked, alignment));
            }
}

TEST(base_and_user_differ_by_the_header) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(1, 5), 24, 0);
    ck_assert_ptr_eq(user.p, slot_at(1, 5).p + 16);
    ck_assert_ptr_eq(hak_check_base_of(user).p, slot_at(1, 5).p);
    ck_assert_ptr_eq(hak_check_user_of(slot_at(1, 5)).p, user.p);
    ck_assert_uint_eq(hak_check_usable(user, 48), 24);
    user = hand_out(slot_at(3, 1), 100, 256);
    ck_assert_uint_eq(user_address(user) % 256, 0);
    ck_assert_ptr_eq(hak_check_base_of(user).p, slot_at(3, 1).p);
    ck_assert_ptr_eq(hak_check_user_of(slot_at(3, 1)).p, user.p);
    ck_assert_ptr_eq(hak_check_link_of(slot_at(3, 1)), slot_at(3, 1).p + 16);
}

/* Flips every byte around a block in turn and looks what a free says. */
static void damage_every_byte(base_t block, size_t asked, size_t alignment) {
    user_t user = hand_out(block, asked, alignment);
    struct hak_located at;
    ck_assert(hak_locate_slot(block.p, &at));
    char *end = at.base + at.slot_bytes;
    for (char *p = user.p - HAK_HEADER_BYTES; p < end; p++) {
        if (p == user.p)
            p += asked;
        base_t base;
        forget_events();
        *p ^= 0x20;
        ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
        ck_assert_uint_eq(fault_count, 1);
        struct hak_fault_facts facts = *last_fault();
        ck_assert_uint_eq(facts.fault, p < user.p ? HAK_FAULT_HEAP_BUFFER_UNDERFLOW
                                                  : HAK_FAULT_HEAP_BUFFER_OVERFLOW);
        ck_assert_int_eq(facts.offset, p - user.p);
        ck_assert_uint_eq(facts.damaged_bytes, 1);
        ck_assert_uint_eq(facts.asked_bytes, asked);
        ck_assert_uint_eq(facts.user, user_address(user));
        ck_assert_uint_eq(facts.found_address, user_address(user));
        ck_assert_uint_eq(facts.kind, HAK_FREE);
        /* The program goes on: the damage was repaired, so that it is reported once. */
        forget_events();
        ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
        ck_assert_uint_eq(fault_count, 0);
    }
}

TEST(each_damaged_byte_is_told, .until = 2) {
    make_world(_i, HAK_LAYOUT_HEADER);
    for (size_t asked = 0; asked <= 31; asked++)
        damage_every_byte(slot_at(1, 1), asked, 0);
    damage_every_byte(slot_at(3, 1), 900, 0);
    damage_every_byte(slot_at(3, 2), 301, 128);
}

/* No value of a byte of the header passes for the one that is due, at free, realloc or in a sweep.
 */
TEST(no_other_value_of_a_header_byte_passes, .from = 300, .until = 302) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    heap->slabs[3].carved = heap->slabs[3].capacity;
    base_t block = slot_at(3, 1), base;
    user_t user = hand_out(block, _i, _i == 301 ? 128 : 0);
    for (int offset = -HAK_HEADER_BYTES; offset < 0; offset++)
        for (unsigned change = 1; change < 256; change++) {
            static const enum hak_record_kind calls[] = {HAK_FREE, HAK_REALLOC};
            for (unsigned i = 0; i < 2; i++) {
                forget_events();
                user.p[offset] = (char)(user.p[offset] ^ (int)change);
                ck_assert_int_eq(hak_check_pointer(user, calls[i], &base), HAK_TAKE);
                ck_assert_uint_eq(fault_count, 1);
                ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
                ck_assert_int_eq(last_fault()->offset, offset);
                ck_assert_uint_eq(last_fault()->damaged_bytes, 1);
            }
            user.p[offset] = (char)(user.p[offset] ^ (int)change);
            ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 1);
            ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
            ck_assert_int_eq(last_fault()->offset, offset);
            hak_check_pointer(user, HAK_FREE, &base); /* mends it */
            state_of(block)->subkind &= (uint8_t)~HAK_SLOT_TOLD;
        }
}

/* A zero is what is written there most often. */
TEST(no_byte_of_a_header_is_zero) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    for (unsigned slot = 0; slot < 60; slot++)
        for (unsigned slab = 1; slab <= 3; slab++) {
            user_t user = hand_out(slot_at(slab, slot), slot % 32, 0);
            ck_assert_ptr_null(memchr(user.p - HAK_HEADER_BYTES, 0, HAK_HEADER_BYTES));
        }
}

/* The block that a write through a border belongs to. */
TEST(a_write_through_a_border_is_told_with_the_block_it_came_from) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    base_t base;
    user_t front = hand_out(slot_at(1, 0), 20, 0), behind = hand_out(slot_at(1, 1), 20, 0);
    memset(front.p + 20, 1, 48 - 16 - 20 + 5); /* canary, and 5 bytes of the next header */
    forget_events();
    hak_check_pointer(behind, HAK_FREE, &base);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_uint_eq(last_fault()->user, user_address(front));
    ck_assert_int_eq(last_fault()->offset, 20);
    ck_assert_uint_eq(last_fault()->damaged_span, 12 + 5);
    ck_assert_uint_eq(last_fault()->damage_is_open, 0);
    ck_assert_uint_eq(last_fault()->found_by, HAK_FOUND_BY_NEIGHBOUR);
    forget_events(); /* told, and mended without a word */
    hak_check_pointer(front, HAK_FREE, &base);
    hak_check_pointer(behind, HAK_FREE, &base);
    ck_assert_uint_eq(fault_count, 0);

    front = hand_out(slot_at(1, 2), 20, 0), behind = hand_out(slot_at(1, 3), 20, 0);
    memset(behind.p - 20, 1, 20); /* header, and the last 4 bytes of the canary in front */
    forget_events();
    hak_check_pointer(front, HAK_FREE, &base);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
    ck_assert_uint_eq(last_fault()->user, user_address(behind));
    ck_assert_uint_eq(last_fault()->damaged_span, 20);
    ck_assert_uint_eq(last_fault()->found_by, HAK_FOUND_BY_NEIGHBOUR);

    front = hand_out(slot_at(1, 4), 20, 0), behind = hand_out(slot_at(1, 5), 20, 0);
    behind.p[-16] = 1; /* the canary in front stands: a write of its own */
    forget_events();
    hak_check_pointer(behind, HAK_FREE, &base);
    ck_assert_uint_eq(last_fault()->user, user_address(behind));
    ck_assert_uint_eq(last_fault()->found_by, HAK_FOUND_BY_CALL);
}

TEST(the_damaged_bytes_are_shown) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(3, 1), 24, 0);
    memcpy(user.p + 26, "overrun", 7);
    base_t base;
    hak_check_pointer(user, HAK_FREE, &base);
    struct hak_fault_facts facts = *last_fault();
    ck_assert_int_eq(facts.offset, 26);
    ck_assert_uint_eq(facts.damaged_bytes, 7);
    ck_assert_mem_eq(facts.damage, "overrun", 7);
    ck_assert_uint_eq(facts.damage[7], pattern_at(user.p + 33, HAK_PATTERN_CANARY));
}

TEST(layout_same_has_nothing_to_damage) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_SAME);
    user_t user = hand_out(slot_at(1, 0), 24, 0);
    base_t base;
    memset(user.p, 1, 48);
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(a_resize_moves_the_canary) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(3, 1), 24, 0);
    base_t base;
    forget_events();
    hak_check_resize(user, 40);
    struct hak_event_fields e = last_event();
    ck_assert_uint_eq(e.kind, HAK_REALLOC);
    ck_assert_uint_eq(e.size, 40);
    ck_assert_uint_eq(e.place, HAK_PLACE_LIVE);
    ck_assert_uint_eq(e.address, user_address(user));
    ck_assert_uint_eq(hak_check_usable(user, 1024), 40);
    memset(user.p, 1, 40);
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert_uint_eq(fault_count, 0);
    user.p[40] = 1;
    ck_assert_int_eq(hak_check_pointer(user, HAK_REALLOC, &base), HAK_TAKE);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_uint_eq(last_fault()->kind, HAK_REALLOC);
    ck_assert_int_eq(last_fault()->offset, 40);
}

RUN_TESTS()
