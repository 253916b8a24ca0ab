/* The path of most calls writes and records what the other way would, and passes over no byte that
 * that looks at: for every class, every byte around a block and of a freed one. */
#include "guard/path.h"

#include "guard/around.h"
#include "guard/pages.h"
#include "guard/quarantine.h"
#include "guard/choose/first_blocks.h"
#include "guard/slot_bytes.h"
#include "world.h"

enum { HEAP = 1, OTHER_HEAP = 7, SLOT = 1, SLOT_BEHIND_OTHERS = 7 };

static void begin(unsigned level, unsigned layout, unsigned class_index) {
    make_world(level, layout);
    heap->owner = HEAP;
    hak_options.quarantine_bytes = 1 << 20;
    hak_options.quarantine_blocks = 100;
    hak_options.poison = 1;
    memset(hak_kinds_allowed, 0xff, sizeof hak_kinds_allowed);
    acquire_slab(6, class_index);
    /* The thread gets its ring. */
    (void)hand_out(slot_at(1, 0), 20, 0);
    (void)hak_check_quarantine(slot_at(1, 0), HAK_FREE, HEAP);
    while (hak_check_leaving(true).p)
        continue;
    forget_events();
}

/* In level normal, where nothing is recorded. */
static void begin_checked(unsigned class_index) {
    begin(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER, class_index);
    hak_options.trace = 0;
    hak_path_start();
}

static struct hak_located locate(base_t block) {
    struct hak_located at;
    ck_assert(hak_locate_slot(block.p, &at));
    return at;
}

static user_t take(base_t block, size_t asked_bytes) {
    set_place(block, HAK_PLACE_FRONT);
    struct hak_hand_out how = {.asked_bytes = asked_bytes, .subkind = HAK_BY_MALLOC};
    ck_assert(hak_path_may_take(&how));
    return hak_path_take(block, locate(block).class_index, &how);
}

/* The quarantine is empty afterwards. */
static enum hak_kept give(user_t user) {
    base_t block = hak_path_base_of(user);
    enum hak_kept kept = hak_path_give(block, locate(block).class_index, HAK_GIVEN_BY_FREE,
                                       HAK_PLACE_QUARANTINE, NULL);
    while (hak_check_leaving(true).p)
        continue;
    return kept;
}

/* Some sizes that are asked for in a slot of so many bytes: all of small ones. */
static size_t next_size(size_t asked_bytes, size_t most) {
    return most <= 112 ? asked_bytes + 1 : asked_bytes + 1 + (asked_bytes * 7 + most / 2) % 61;
}

TEST(each_byte_around_a_block_is_looked_at, .from = HAK_CLASS_OF_32, .until = HAK_CLASSES) {
    size_t slot_bytes = hak_class_bytes((unsigned)_i), most = slot_bytes - (HAK_HEADER_BYTES + 1);
    begin_checked((unsigned)_i);
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

TEST(each_byte_of_a_freed_block_is_looked_at, .from = HAK_CLASS_OF_32, .until = HAK_CLASSES) {
    size_t slot_bytes = hak_class_bytes((unsigned)_i);
    begin_checked((unsigned)_i);
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

/* The page of a first block is closed until it is handed out: one way and one stack do both. */
TEST(a_block_of_a_closed_page_is_handed_out_at_once) {
    begin_checked(HAK_CLASS_OF_64);
    hak_options.close_pages = 1;
    heap->owner = OTHER_HEAP; /* the first is shared: nothing of it is closed */
    hak_page_budget = (struct hak_page_budget){.credit.left = (int64_t)1 << 40, .is_started = true};
    acquire_slab(6, HAK_CLASS_OF_64);
    base_t block = slot_at(6, SLOT_BEHIND_OTHERS);
    ck_assert_uint_ne(heap->closed_pages[6] & 1, 0);
    stacks_of_calls = 0;
    user_t user = take(block, 24);
    ck_assert_ptr_nonnull(user.p);
    ck_assert_uint_eq(stacks_of_calls, 1);
    ck_assert_uint_eq(heap->closed_pages[6] & 1, 0);
    memset(user.p, 'u', 24);
    ck_assert_int_eq(give(user), HAK_KEPT);
}

/* The first blocks of a site are left to the long way, which guards them; the others take the path.
 */
TEST(blocks_of_a_site_that_is_done_take_the_path, .until = 2) {
    static const void *caller = "here";
    begin(_i ? HAK_CHECK_TRACE : HAK_CHECK_NORMAL, _i ? HAK_LAYOUT_SAME : HAK_LAYOUT_HEADER,
          HAK_CLASS_OF_64);
    strcpy(hak_options.guard, "sites:3");
    hak_options.guard_memory_bytes = 16 << 20;
    hak_guard_start();
    hak_path_start();
    struct hak_hand_out how = {.asked_bytes = 24,
                               .class_index = HAK_CLASS_NONE,
                               .subkind = HAK_BY_MALLOC,
                               .call = &caller};
    for (unsigned i = 0; i < 3; i++) {
        stacks_of_calls = 0;
        ck_assert(
            !hak_check_path.take(slot_at(6, SLOT), HAK_CLASS_OF_64, 24, HAK_BY_MALLOC, how.call));
        base_t base = hak_check_take_guarded(&how);
        ck_assert_ptr_nonnull(base.p);
        ck_assert_ptr_nonnull(hak_check_hand_out(base, &how).p);
        ck_assert_uint_eq(stacks_of_calls, 1);
        ck_assert_uint_eq(last_event().stack, STACK_OF_PROGRAM);
    }
    ck_assert_ptr_null(hak_stack_at_hand.call);
    ck_assert_ptr_null(hak_check_take_guarded(&how).p);
    ck_assert_ptr_nonnull(take(slot_at(6, SLOT), 24).p);
    stack_of_program = STACK_OF_PROGRAM + 1;
    ck_assert_ptr_null(take(slot_at(6, SLOT + 1), 24).p);
    stack_of_program = STACK_OF_PROGRAM;
    ck_assert_uint_eq(fault_count, 0);
    hak_options.guard[0] = '\0';
    hak_guard_start();
}

/* ---- records --------------------------------------------------------------------------------- */

static void give_the_other_way(user_t user, enum hak_place to) {
    base_t base;
    enum hak_record_kind kind = hak_free_by(HAK_GIVEN_BY_FREE);
    ck_assert_int_eq(hak_check_pointer(user, kind, &base), HAK_TAKE);
    if (to == HAK_PLACE_QUARANTINE)
        ck_assert_int_eq(hak_check_quarantine(base, kind, HEAP), HAK_KEPT);
    else
        ck_assert(hak_check_freed(base, kind, to));
}

static void let_leave(base_t base) {
    ck_assert_ptr_eq(hak_check_leaving(true).p, base.p);
    ck_assert(hak_check_freed(base, HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT));
}

/* The place of each class's array; all leave that are in quarantine. */
static uint8_t arrays[HAK_CLASSES];

static base_t leave_to_array(unsigned heap_id) {
    unsigned class_index = HAK_CLASS_NONE;
    base_t left = hak_check_leave_to_array(heap_id, arrays, &class_index);
    ck_assert_uint_eq(class_index, left.p ? locate(left).class_index : HAK_CLASS_NONE);
    return left;
}

static void let_all_leave_to_arrays(void) {
    memset(arrays, HAK_PLACE_FRONT, sizeof arrays);
    if (hak_quarantine)
        hak_quarantine->less_blocks = 0;
}

/* Records of two blocks that did the same. */
static void compare(const struct hak_event_fields *one, base_t of_one,
                    const struct hak_event_fields *other, base_t of_other) {
    ck_assert_uint_eq(one->kind, other->kind);
    ck_assert_uint_eq(one->class_index, other->class_index);
    ck_assert_uint_eq(one->place, other->place);
    ck_assert_uint_eq(one->subkind, other->subkind);
    ck_assert_uint_eq(one->flags, other->flags);
    ck_assert_uint_eq(one->size, other->size);
    ck_assert_uint_eq(one->delta_bytes, other->delta_bytes);
    ck_assert_uint_eq(one->stack, other->stack);
    ck_assert_uint_eq(one->epoch, other->epoch);
    ck_assert_uint_eq(one->record_count, other->record_count);
    ck_assert_uint_eq(one->old_address, other->old_address);
    ck_assert_uint_eq(one->address - base_address(of_one), other->address - base_address(of_other));
}

TEST(calls_are_recorded_as_the_other_way_records_them, .until = 2) {
    const unsigned level[] = {HAK_CHECK_TRACE, HAK_CHECK_NORMAL};
    const unsigned layout[] = {HAK_LAYOUT_SAME, HAK_LAYOUT_HEADER};
    bool keeps = level[_i] == HAK_CHECK_NORMAL;
    enum hak_place to = keeps ? HAK_PLACE_QUARANTINE : HAK_PLACE_FRONT;
    begin(level[_i], layout[_i], HAK_CLASS_OF_64);
    hak_path_start();
    let_all_leave_to_arrays();
    ck_assert_int_eq(hak_path_has_quarantine(), keeps);
    base_t one = slot_at(6, 1), other = slot_at(6, 2);
    for (unsigned life = 0; life < 2; life++) {
        user_t user = take(one, 30);
        ck_assert_ptr_nonnull(user.p);
        ck_assert_int_eq(hak_path_give(one, HAK_CLASS_OF_64, HAK_GIVEN_BY_FREE, to, NULL),
                         HAK_KEPT);
        if (keeps)
            ck_assert_ptr_eq(leave_to_array(HEAP).p, one.p);
    }
    unsigned count = event_count;
    ck_assert_uint_eq(count, keeps ? 6 : 4);
    hak_check_path = (struct hak_check_path){0};
    for (unsigned life = 0; life < 2; life++) {
        give_the_other_way(hand_out(other, 30, 0), to);
        if (keeps)
            let_leave(other);
    }
    ck_assert_uint_eq(event_count, 2 * count);
    for (unsigned i = 0; i < count; i++)
        compare(&events[i], one, &events[count + i], other);
    struct hak_slot of_one = *state_of(one), of_other = *state_of(other);
    if (!keeps)
        of_one.lives = of_other.lives; /* for patterns alone, of which there are none */
    ck_assert_mem_eq(&of_one, &of_other, sizeof of_one);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(a_record_that_is_wide_is_left_to_the_other_way) {
    begin(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER, HAK_CLASS_OF_64);
    hak_path_start();
    struct hak_hand_out moved = {.asked_bytes = 30, .moved_from = user_from(slot_at(1, 0).p)};
    ck_assert(!hak_path_may_take(&moved));
    user_t user = take(slot_at(6, 1), 30), leaving = take(slot_at(6, 2), 30);
    ck_assert_ptr_nonnull(user.p);
    ck_assert_int_eq(hak_path_give(hak_path_base_of(leaving), HAK_CLASS_OF_64, HAK_GIVEN_BY_FREE,
                                   HAK_PLACE_QUARANTINE, NULL),
                     HAK_KEPT);
    heap->slabs[6].epoch = 1u << HAK_RECORD_EPOCH_BITS;
    ck_assert_ptr_null(take(slot_at(6, 3), 30).p);
    let_all_leave_to_arrays();
    ck_assert_ptr_eq(leave_to_array(HEAP).p, slot_at(6, 2).p);
    ck_assert_uint_eq(events[event_count - 1].kind, HAK_QUARANTINE_LEAVE);
    ck_assert_uint_eq(events[event_count - 1].epoch, 1u << HAK_RECORD_EPOCH_BITS);
    ck_assert_int_eq(give(user), HAK_NOT_KEPT);
}

/* The block's owner, whether its class has an array and whether it is in quarantine at all, are
 * looked at before anything changes. */
TEST(only_a_block_of_an_array_of_the_thread_leaves_at_once) {
    begin(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER, HAK_CLASS_OF_64);
    hak_path_start();
    base_t first = slot_at(6, 1), second = slot_at(6, 2);
    user_t users[] = {take(first, 30), take(second, 30)};
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(hak_path_give(hak_path_base_of(users[i]), HAK_CLASS_OF_64,
                                       HAK_GIVEN_BY_FREE, HAK_PLACE_QUARANTINE, NULL),
                         HAK_KEPT);
    ck_assert_ptr_null(leave_to_array(HEAP).p); /* none is due */
    let_all_leave_to_arrays();
    struct hak_slot before = *state_of(first);
    size_t bytes = hak_check_quarantined().slot_bytes;
    ck_assert_ptr_null(leave_to_array(HEAP + 1).p);
    arrays[HAK_CLASS_OF_64] = HAK_PLACE_UNTOUCHED;
    ck_assert_ptr_null(leave_to_array(HEAP).p);
    ck_assert_mem_eq(state_of(first), &before, sizeof before);
    ck_assert_uint_eq(hak_check_quarantined().slot_bytes, bytes);
    arrays[HAK_CLASS_OF_64] = HAK_PLACE_MID_RING;
    ck_assert_ptr_eq(leave_to_array(HEAP).p, first.p);
    ck_assert_uint_eq(state_of(first)->place, HAK_PLACE_MID_RING);
    ck_assert_uint_eq(hak_check_quarantined().slot_bytes, bytes - 64);
    set_place(second, HAK_PLACE_SLAB);
    ck_assert_ptr_null(leave_to_array(HEAP).p);
    ck_assert_ptr_eq(hak_check_leaving(true).p, second.p);
    ck_assert(!hak_check_freed(second, HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT));
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRONG_LAYER_MOVE);
    ck_assert_ptr_null(leave_to_array(HEAP).p); /* nor is any there */
}

static void stop(bool is_stopped) {
    atomic_store(&hak_control.is_stopped, is_stopped);
    hak_control_errands.stop(is_stopped);
}

static void free_block(user_t user) {
    base_t base;
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert(hak_check_freed(base, HAK_FREE, HAK_PLACE_FRONT));
}

static void nothing_more(bool is_stopped) {
    (void)is_stopped;
}

static enum hak_kept give_at_hand(user_t user) {
    return hak_path_give(hak_path_base_of(user), HAK_CLASS_OF_64, HAK_GIVEN_BY_FREE,
                         HAK_PLACE_QUARANTINE, NULL);
}

/* _i: the level. A recorded life goes the other way, which records it. */
TEST(while_recording_is_stopped_lives_are_left_out_as_a_whole, .until = 2) {
    bool is_normal = _i == HAK_CHECK_NORMAL;
    begin((unsigned)_i, is_normal ? HAK_LAYOUT_HEADER : HAK_LAYOUT_SAME, HAK_CLASS_OF_64);
    hak_path_start();
    user_t known = take(slot_at(6, 1), 30);
    unsigned before = event_count;
    stop(true);
    user_t left_out = take(slot_at(6, 2), 30), held = take(slot_at(6, 3), 30);
    ck_assert_int_eq(give_at_hand(left_out), HAK_KEPT);
    ck_assert_uint_eq(event_count, before);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_UNRECORDED_TAKEN], 2);
    ck_assert_uint_eq(times_counted[HAK_COUNTED_UNRECORDED_GIVEN], 1);
    ck_assert_int_eq(give_at_hand(known), HAK_NOT_KEPT);
    free_block(known);
    ck_assert_uint_eq(event_count, before + 1);
    ck_assert_uint_eq(last_event().kind, HAK_FREE);
    stop(false);
    ck_assert_int_eq(give_at_hand(held), HAK_KEPT);
    ck_assert_uint_eq(event_count, before + 2);
    user_t again = take(slot_at(6, 4), 30);
    ck_assert_ptr_nonnull(again.p);
    ck_assert_uint_eq(state_of(slot_at(6, 4))->is_left_out, 0);
    ck_assert_uint_eq(event_count, before + 3);
}

/* The other way, for each kind of event. */
TEST(the_other_way_leaves_out_the_same, .until = 2) {
    hak_control_errands.stop = nothing_more;
    begin((unsigned)_i, HAK_LAYOUT_HEADER, HAK_CLASS_OF_64);
    hak_options.quarantine_bytes = 0;
    user_t known = hand_out(slot_at(6, 1), 30, 0);
    forget_events();
    stop(true);
    user_t left_out = hand_out(slot_at(6, 2), 30, 0), held = hand_out(slot_at(6, 3), 30, 0);
    hak_check_resize(left_out, 31);
    free_block(left_out);
    ck_assert_uint_eq(event_count, 0);
    hak_check_resize(known, 32);
    ck_assert_uint_eq(event_count, 1);
    ck_assert_uint_eq(last_event().kind, HAK_REALLOC);
    free_block(known);
    ck_assert_uint_eq(event_count, 2);
    stop(false);
    free_block(held);
    ck_assert_uint_eq(event_count, 3);
    free_block(hand_out(slot_at(6, 2), 30, 0));
    ck_assert_uint_eq(event_count, 5);
}

RUN_TESTS()
