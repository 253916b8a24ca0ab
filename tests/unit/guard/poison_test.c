/* Poison: which bytes are filled, and that each of them is looked at before the slot is used again.
 */
#include "world.h"

enum { HEAP = 7 };

static void begin(unsigned layout) {
    make_world(HAK_CHECK_NORMAL, layout);
    heap->owner = HEAP;
    hak_options.quarantine_bytes = 1 << 20;
    hak_options.quarantine_blocks = 100;
    hak_options.poison = 1;
}

static user_t give_back(base_t block, size_t asked_bytes, size_t alignment) {
    user_t user = hand_out(block, asked_bytes, alignment);
    memset(user.p, 'x', asked_bytes);
    base_t base;
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert_int_eq(hak_check_quarantine(base, HAK_FREE, HEAP), HAK_KEPT);
    return user;
}

static uint8_t *end_of(base_t block) {
    struct hak_located at;
    ck_assert(hak_locate_slot(block.p, &at));
    return (uint8_t *)block.p + at.slot_bytes;
}

static struct hak_damage damage_of(base_t block) {
    struct hak_located at;
    ck_assert(hak_locate_slot(block.p, &at));
    return hak_poison_damage(&at);
}

TEST(eight_bytes_of_it_are_no_address) {
    static const enum hak_pattern patterns[] = {HAK_PATTERN_FREED, HAK_PATTERN_CANARY,
                                                HAK_PATTERN_UNWRITTEN, HAK_PATTERN_HEADER,
                                                HAK_PATTERN_HEADER_2};
    uint8_t lives = 0;
    for (unsigned i = 0; i < 5; i++)
        for (unsigned life = 0; life < HAK_PATTERN_LIVES; life++) {
            uintptr_t base = 0x7ffff7a01230;
            uint64_t word = hak_pattern_word(patterns[i], base, 33, lives);
            ck_assert_uint_ne(word >> 56, 0); /* with 57 bits of address, too */
            ck_assert_uint_ne(word >> 56, 0xff);
            for (unsigned byte = 0; byte < 8; byte++) {
                ck_assert_uint_ge(hak_pattern_byte(word, byte), 0x80);
                ck_assert_uint_ne(hak_pattern_byte(word, byte), 0xff);
            }
            static const int64_t distances[] = {0, 8, -64, 0x3fff, -0x8000};
            for (unsigned d = 0; d < 5; d++) {
                uint64_t value = word + (uint64_t)distances[d];
                ck_assert_uint_eq(hak_pattern_of(value), patterns[i]);
                ck_assert_uint_eq(hak_pattern_lives(value), lives);
                ck_assert_uint_eq(hak_pattern_address(value), base >> 5 & HAK_PATTERN_ADDRESS_MASK);
                ck_assert(hak_pattern_is_near(value, word));
            }
            ck_assert(!hak_pattern_is_near(word + 0x4000, word));
            ck_assert_uint_eq((uint8_t)hak_pattern_turned(word, base + 3),
                              hak_pattern_byte(word, base + 3));
            uint8_t next = hak_pattern_next_life(lives);
            ck_assert_int_eq(next == 0, life == HAK_PATTERN_LIVES - 1); /* none comes twice */
            lives = next;
        }
}

TEST(each_byte_of_a_freed_slot_is_compared, EACH_LAYOUT) {
    begin(_i);
    static const size_t alignments[] = {0, 32};
    for (unsigned slab = 1; slab <= 3; slab++)
        for (unsigned a = 0; a < 2; a++) {
            if (slab == 1 && a == 1)
                continue; /* has no room for it */
            base_t block = slot_at(slab, 4 + a);
            user_t user = give_back(block, slab == 1 ? 24 : 30, alignments[a]);
            ck_assert_uint_eq(damage_of(block).bytes, 0);
            for (uint8_t *p = (uint8_t *)user.p; p < end_of(block); p++) {
                ck_assert_uint_eq(*p, pattern_at(p, HAK_PATTERN_FREED));
                *p ^= 1;
                ck_assert_uint_eq(damage_of(block).bytes, 1);
                ck_assert_ptr_eq(damage_of(block).first, p);
                *p ^= 1;
            }
        }
    ck_assert_uint_eq(fault_count, 0);
}

static void acquire_large_slots(void) {
    unsigned class_index = hak_class_of_bytes(8192);
    acquire_slab(6, class_index);
}

static bool is_filled(const uint8_t *p) {
    return *p == pattern_at(p, HAK_PATTERN_FREED);
}

TEST(of_a_great_slot_the_first_and_the_last_part_asked_for_are_compared) {
    begin(HAK_LAYOUT_HEADER);
    acquire_large_slots();
    base_t block = slot_at(6, 2);
    user_t user = give_back(block, 8000, 0);
    uint8_t *bytes = (uint8_t *)user.p, *asked_end = bytes + 8000;
    ck_assert(is_filled(bytes));
    ck_assert(is_filled(bytes + 4095));
    ck_assert_uint_eq(bytes[4096], 'x');
    ck_assert(is_filled(asked_end - 1));
    ck_assert(is_filled(asked_end - 256));
    ck_assert_uint_eq(asked_end[-256 - 16], 'x');
    bytes[4200] = 1; /* not seen */
    ck_assert_uint_eq(damage_of(block).bytes, 0);
    asked_end[-256] = 0;
    asked_end[-1] = 0;
    ck_assert_uint_eq(damage_of(block).bytes, 2);
    ck_assert_ptr_eq(damage_of(block).first, asked_end - 256);
    bytes[4095] = 0;
    ck_assert_uint_eq(damage_of(block).bytes, 3);
    ck_assert_ptr_eq(damage_of(block).first, bytes + 4095);
}

TEST(each_byte_of_a_block_up_to_4_KiB_is_compared) {
    begin(HAK_LAYOUT_HEADER);
    hak_options.quarantine_blocks = 1000;
    for (size_t asked = 1; asked <= 4096; asked += asked < 64 ? 1 : 61) {
        acquire_slab(6, hak_class_of_bytes(asked + HAK_HEADER_BYTES + 1));
        base_t block = slot_at(6, 2);
        user_t user = give_back(block, asked, 0);
        for (uint8_t *p = (uint8_t *)user.p; p < (uint8_t *)user.p + asked; p++)
            ck_assert(is_filled(p));
        ck_assert_uint_eq(damage_of(block).bytes, 0);
        user.p[asked - 1] = 7;
        ck_assert_uint_eq(damage_of(block).bytes, 1);
    }
}

TEST(a_write_is_told_when_the_block_leaves_quarantine, EACH_LAYOUT) {
    begin(_i);
    user_t user = give_back(slot_at(2, 4), 40, 0);
    user.p[8] = 1;
    user.p[13] = 1;
    ck_assert_ptr_eq(hak_check_leaving(true).p, slot_at(2, 4).p);
    ck_assert(hak_check_freed(slot_at(2, 4), HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT));
    ck_assert_uint_eq(fault_count, 1);
    struct hak_fault_facts facts = *last_fault();
    ck_assert_uint_eq(facts.fault, HAK_FAULT_WRITE_AFTER_FREE);
    ck_assert_uint_eq(facts.kind, HAK_QUARANTINE_LEAVE);
    ck_assert_uint_eq(facts.found_address, user_address(user));
    ck_assert_int_eq(facts.offset, 8);
    ck_assert_uint_eq(facts.damaged_bytes, 2);
    ck_assert_uint_eq(facts.damage[0], 1);
    ck_assert_uint_eq(facts.asked_bytes, 40);
    ck_assert_uint_eq(facts.alloc_stack, STACK_OF_PROGRAM);
    ck_assert_uint_eq(facts.free_stack, STACK_OF_PROGRAM);
    /* It is repaired, so that it is reported once. */
    ck_assert_uint_eq(damage_of(slot_at(2, 4)).bytes, 0);
    (void)hand_out(slot_at(2, 4), 40, 0);
    ck_assert_uint_eq(fault_count, 1);
}

TEST(a_later_write_is_told_when_the_block_is_handed_out_again, EACH_LAYOUT) {
    begin(_i);
    user_t user = give_back(slot_at(2, 4), 40, 0);
    (void)hak_check_leaving(true);
    hak_check_freed(slot_at(2, 4), HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT);
    ck_assert_uint_eq(fault_count, 0);
    user.p[39] = 1;
    user_t again = hand_out(slot_at(2, 4), 40, 0);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRITE_AFTER_FREE);
    ck_assert_uint_eq(last_fault()->kind, HAK_MALLOC);
    ck_assert_int_eq(last_fault()->offset, 39);
    ck_assert_uint_eq(last_fault()->free_stack, STACK_OF_PROGRAM);
    again.p[3] = 1;
    base_t base;
    ck_assert_int_eq(hak_check_pointer(again, HAK_FREE, &base), HAK_TAKE);
    ck_assert_uint_eq(fault_count, 1);
}

TEST(the_link_of_a_list_is_no_damage_and_the_bytes_around_it_are, EACH_LAYOUT) {
    begin(_i);
    base_t block = slot_at(2, 4);
    user_t user = give_back(block, 40, 0);
    (void)hak_check_leaving(true);
    hak_check_freed(block, HAK_QUARANTINE_LEAVE, HAK_PLACE_MAGAZINE);
    ck_assert(hak_hop_block(HAK_SLL_PUSH, block, HAK_CLASS_OF_64));
    *hak_check_link_of(block) = &fault_count;
    ck_assert_uint_eq(damage_of(block).bytes, 0);
    ck_assert(hak_hop_block(HAK_SLL_POP, block, HAK_CLASS_OF_64));
    user.p[8] ^= 1;
    ck_assert_uint_eq(damage_of(block).bytes, 1);
    user.p[8] ^= 1;
    struct hak_hand_out how = {.asked_bytes = 40, .class_index = HAK_CLASS_OF_64};
    (void)hak_check_hand_out(block, &how);
    ck_assert_uint_eq(fault_count, 0);
    /* The next life begins without one. */
    give_back(slot_at(2, 4), 40, 0);
    *(uint8_t *)hak_check_link_of(block) ^= 1;
    ck_assert_uint_eq(damage_of(block).bytes, 1);
}

TEST(a_free_without_quarantine_is_filled_too_unless_it_is_anothers) {
    begin(HAK_LAYOUT_HEADER);
    hak_options.quarantine_bytes = 0;
    user_t user = hand_out(slot_at(2, 4), 40, 0), of_another = hand_out(slot_at(2, 5), 40, 0);
    memset(of_another.p, 'x', 40);
    ck_assert(hak_check_freed(slot_at(2, 4), HAK_FREE, HAK_PLACE_FRONT));
    ck_assert(hak_check_freed(slot_at(2, 5), HAK_FREE, HAK_PLACE_REMOTE));
    ck_assert(is_filled((uint8_t *)user.p + 39));
    ck_assert_uint_eq((uint8_t)of_another.p[39], 'x');
    user.p[1] = 0;
    (void)hand_out(slot_at(2, 4), 40, 0);
    (void)hand_out(slot_at(2, 5), 40, 0);
    ck_assert_uint_eq(fault_count, 1);
}

TEST(nothing_is_filled_where_poison_is_off) {
    begin(HAK_LAYOUT_HEADER);
    hak_options.poison = 0;
    user_t user = give_back(slot_at(2, 4), 40, 0);
    ck_assert_int_eq(user.p[0], 'x');
    (void)hak_check_leaving(true);
    hak_check_freed(slot_at(2, 4), HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT);
    (void)hand_out(slot_at(2, 4), 40, 0);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(what_is_damaged_when_its_slab_is_given_back_is_told) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = give_back(slot_at(2, 4), 40, 0);
    (void)hak_check_leaving(true);
    hak_check_freed(slot_at(2, 4), HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT);
    hak_hop_block(HAK_FRONT_SPILL, slot_at(2, 4), HAK_CLASS_OF_64);
    user.p[10] = 1;
    hak_hop_note(HAK_SLAB_RELEASE, HAK_CLASS_OF_64, slab_at(2), 0);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRITE_AFTER_FREE);
    ck_assert_int_eq(last_fault()->offset, 10);
    hak_hop_note(HAK_SLAB_RELEASE, HAK_CLASS_OF_64, slab_at(2), 0);
    ck_assert_uint_eq(fault_count, 1);
}

RUN_TESTS()
