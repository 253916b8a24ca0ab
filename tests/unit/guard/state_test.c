/* Moves of blocks between the layers: places, counts, records, and what hops.def forbids. */
#include "world.h"

#define IN(place) (1u << HAK_PLACE_##place)

static const struct {
    unsigned kind, from, to;
} moves[] = {
#define HOP(name, number, from_set, to_set, sentence) {number, from_set, to_set},
#include "hops.def"
};
#undef IN

enum { FIRST_MOVE_BETWEEN_LAYERS = 5, MOVES = sizeof moves / sizeof moves[0] };

TEST(every_move_is_allowed_from_its_places_only, .until = 2) {
    make_world(_i, HAK_LAYOUT_SAME);
    for (unsigned i = 0; i < MOVES; i++) {
        if (moves[i].kind < FIRST_MOVE_BETWEEN_LAYERS || moves[i].kind == HAK_QUARANTINE_LEAVE)
            continue; /* these go through check_freed, which is told the place */
        for (unsigned place = 0; place < HAK_PLACE_COUNT; place++) {
            base_t block = slot_at(1, i);
            bool is_allowed = moves[i].from >> place & 1;
            set_place(block, place);
            forget_events();
            bool carry_out = hak_hop_block(moves[i].kind, block, HAK_CLASS_OF_48);
            bool stops = !is_allowed && _i == HAK_CHECK_NORMAL;
            ck_assert_uint_eq(event_count, 1);
            ck_assert_uint_eq(last_event().kind, moves[i].kind);
            ck_assert_uint_eq(last_event().flags, is_allowed ? 0 : HAK_RECORD_ILLEGAL);
            ck_assert_uint_eq(fault_count, stops);
            ck_assert_int_eq(carry_out, !(stops && moves[i].kind == HAK_SLL_PUSH));
            ck_assert_uint_eq(1u << state_of(block)->place, carry_out ? moves[i].to : 1u << place);
            if (stops) {
                ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRONG_LAYER_MOVE);
                ck_assert_uint_eq(last_fault()->place, place);
            }
        }
    }
}

static struct hak_large *take_large(base_t *block) {
    *block = hak_large_take(2000000, 0, NULL); /* a mapping: no move yet */
    ck_assert_ptr_nonnull(block->p);
    return hak_large_find(block->p);
}

TEST(large_blocks_move_between_their_own_layers, .until = 2) {
    base_t block;
    make_world(_i, HAK_LAYOUT_SAME);
    struct hak_large *large = take_large(&block);
    hak_hop_block(HAK_BIGCACHE_PUT, block, HAK_CLASS_NONE);
    ck_assert_uint_eq(large->slot.place, HAK_PLACE_BIGCACHE);
    ck_assert_uint_eq(last_event().place, HAK_PLACE_BIGCACHE);
    ck_assert_uint_eq(last_event().record_count, 1);
    ck_assert_uint_eq(last_event().epoch, large->epoch);
    ck_assert_uint_ne(large->epoch, 0);
    hak_hop_block(HAK_BIGCACHE_TAKE, block, HAK_CLASS_NONE);
    hak_hop_block(HAK_L25_PUT, block, HAK_CLASS_NONE);
    hak_hop_block(HAK_L25_TAKE, block, HAK_CLASS_NONE);
    ck_assert_uint_eq(last_event().epoch, large->epoch);
    ck_assert_uint_eq(last_event().record_count, 4);
    ck_assert_uint_eq(fault_count, 0);
    hak_hop_block(HAK_L25_TAKE, block, HAK_CLASS_NONE);
    ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
    hak_hop_block(HAK_FRONT_REFILL, block, HAK_CLASS_NONE);
    ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
    base_t slot = slot_at(1, 0);
    set_place(slot, HAK_PLACE_FRONT);
    hak_hop_block(HAK_L25_PUT, slot, HAK_CLASS_OF_48);
    ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
    ck_assert_uint_eq(fault_count, _i == HAK_CHECK_NORMAL ? 3 : 0);
}

TEST(a_move_gives_one_record_that_says_where_and_who) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_SAME);
    base_t block = slot_at(1, 7);
    ck_assert(hak_hop_block(HAK_MAGAZINE_FILL, block, HAK_CLASS_OF_48));
    ck_assert(hak_hop_block(HAK_SLL_PUSH, block, HAK_CLASS_OF_48));
    struct hak_event_fields e = last_event();
    ck_assert_uint_eq(event_count, 2);
    ck_assert_uint_eq(e.address, base_address(block));
    ck_assert_uint_eq(e.delta_bytes, 0);
    ck_assert_uint_eq(e.record_count, 2);
    ck_assert_uint_eq(e.epoch, heap->slabs[1].epoch);
    ck_assert_uint_eq(e.class_index, HAK_CLASS_OF_48);
    ck_assert_uint_eq(e.place, HAK_PLACE_SLL);
    ck_assert_uint_eq(e.stack, STACK_OF_LAYERS);
    ck_assert_uint_eq(state_of(block)->place, HAK_PLACE_SLL);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(a_pointer_inside_a_slot_is_a_wrong_move, .until = 2) {
    make_world(_i, HAK_LAYOUT_SAME);
    base_t block = slot_at(1, 7);
    set_place(block, HAK_PLACE_MAGAZINE);
    base_t inside = base_from(block.p + 16);
    ck_assert_int_eq(hak_hop_block(HAK_SLL_PUSH, inside, HAK_CLASS_OF_48), _i == HAK_CHECK_TRACE);
    ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
    ck_assert_uint_eq(last_event().address, base_address(inside));
    ck_assert_uint_eq(last_event().delta_bytes, 16);
    ck_assert_uint_eq(fault_count, _i == HAK_CHECK_NORMAL);
    if (_i != HAK_CHECK_NORMAL)
        return;
    struct hak_fault_facts facts = *last_fault();
    ck_assert_uint_eq(facts.fault, HAK_FAULT_WRONG_LAYER_MOVE);
    ck_assert_uint_eq(facts.kind, HAK_SLL_PUSH);
    ck_assert_uint_eq(facts.found_address, base_address(inside));
    ck_assert_uint_eq(facts.base, base_address(block));
    ck_assert_int_eq(facts.offset, 16);
    ck_assert_uint_eq(facts.slot_bytes, 48);
    ck_assert_uint_eq(facts.superslab, (uintptr_t)heap);
    ck_assert_uint_eq(facts.slab, 1);
    ck_assert_uint_eq(facts.slot, 7);
    ck_assert_uint_eq(facts.class_due, HAK_CLASS_OF_48);
    ck_assert_uint_eq(facts.record_count, 1);
    ck_assert_uint_eq(facts.epoch, heap->slabs[1].epoch);
}

TEST(another_class_than_the_slabs_is_a_mismatch, .until = 2) {
    make_world(_i, HAK_LAYOUT_SAME);
    base_t block = slot_at(1, 7);
    set_place(block, HAK_PLACE_MAGAZINE);
    hak_hop_block(HAK_SLL_PUSH, block, HAK_CLASS_OF_32);
    ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
    ck_assert_uint_eq(last_event().class_index, HAK_CLASS_OF_32);
    ck_assert_uint_eq(fault_count, _i == HAK_CHECK_NORMAL);
    if (_i == HAK_CHECK_NORMAL) {
        ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_CLASS_MISMATCH);
        ck_assert_uint_eq(last_fault()->class_found, HAK_CLASS_OF_32);
        ck_assert_uint_eq(last_fault()->class_due, HAK_CLASS_OF_48);
    }
}

TEST(a_push_of_a_pointer_in_no_superslab_stops_in_every_level, .until = 2) {
    static char elsewhere[64];
    char *const pointers[] = {elsewhere, NULL, (char *)0x7fff00000000, (char *)-16,
                              (char *)heap + 8};
    make_world(_i, HAK_LAYOUT_SAME);
    for (unsigned i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        forget_events();
        ck_assert(!hak_hop_block(HAK_SLL_PUSH, base_from(pointers[i]), HAK_CLASS_OF_48));
        ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
        ck_assert_uint_eq(fault_count, 1);
        ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_PUSH_NO_SUPERSLAB);
        ck_assert_uint_eq(last_fault()->superslab, 0);
        ck_assert_uint_eq(last_fault()->base, 0);
    }
}

TEST(a_slab_that_is_acquired_again_starts_a_new_epoch) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_SAME);
    base_t block = slot_at(1, 3);
    hak_hop_block(HAK_FRONT_REFILL, block, HAK_CLASS_OF_48);
    hak_hop_block(HAK_FRONT_SPILL, block, HAK_CLASS_OF_48);
    uint32_t epoch = heap->slabs[1].epoch;
    hak_hop_note(HAK_SLAB_RELEASE, HAK_CLASS_OF_48, slab_at(1), 0);
    ck_assert_uint_eq(last_event().epoch, epoch);
    acquire_slab(1, HAK_CLASS_OF_64);
    ck_assert_uint_gt(heap->slabs[1].epoch, epoch);
    ck_assert_uint_eq(last_event().epoch, heap->slabs[1].epoch);
    ck_assert_uint_eq(last_event().kind, HAK_SLAB_ACQUIRE);
    ck_assert_uint_eq(last_event().address, (uintptr_t)slab_at(1));
    for (unsigned i = 0; i < hak_class_slots(HAK_CLASS_OF_64); i++) {
        ck_assert_uint_eq(state_of(slot_at(1, i))->place, HAK_PLACE_UNTOUCHED);
        ck_assert_uint_eq(state_of(slot_at(1, i))->record_count, 0);
    }
    ck_assert_uint_eq(fault_count, 0);
}

TEST(every_slot_of_every_class_is_found_by_each_of_its_bytes) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_SAME);
    for (unsigned class_index = 0; class_index < HAK_CLASSES; class_index++) {
        acquire_slab(6, class_index);
        for (unsigned i = 0; i < hak_class_slots(class_index); i++) {
            char *base = slot_at(6, i).p;
            size_t bytes = hak_class_bytes(class_index);
            for (unsigned k = 0; k < 3; k++) {
                struct hak_located at;
                ck_assert(hak_locate_slot(base + k * (bytes - 1) / 2, &at));
                ck_assert_ptr_eq(at.base, base);
                ck_assert_ptr_eq(at.slot,
                                 hak_states_of(heap, 6) + hak_first_state(class_index) + i);
            }
        }
    }
}

RUN_TESTS()
