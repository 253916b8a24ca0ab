/* The bytes from a pointer on that are the program's, and the fault that a touch of more is. */
#include "world.h"

#include <sys/mman.h>
#include <ucontext.h>
#include "guard/touch.h"

enum { ASKED = 20 };

static char *block_in(unsigned slot) {
    return hand_out(slot_at(2, slot), ASKED, 0).p;
}

/* Gives a block of the world back, for its class's array. */
static void give(char *block) {
    base_t base;
    ck_assert_int_eq(hak_check_pointer(user_from(block), hak_free_by(HAK_GIVEN_BY_FREE), &base),
                     HAK_TAKE);
    ck_assert(hak_check_freed(base, hak_free_by(HAK_GIVEN_BY_FREE), HAK_PLACE_FRONT));
    forget_events();
}

static unsigned told_of(const char *p, uint64_t bytes, bool is_write) {
    forget_events();
    hak_touch_report(
        &(struct hak_touch){.pointer = p, .bytes = bytes, .call = "memcpy", .is_write = is_write});
    ck_assert_uint_le(fault_count, 1);
    return fault_count ? last_fault()->fault : 0;
}

TEST(a_live_block_has_room_to_its_end) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0);
    for (size_t i = 0; i < ASKED; i++)
        ck_assert_uint_eq(hak_room_at(block + i), ASKED - i);
    ck_assert_uint_eq(hak_room_at(block + ASKED), 0);
    ck_assert_uint_eq(hak_room_at(block - 1), 0);
}

TEST(without_a_canary_it_has_room_to_its_slots_end) {
    make_world(HAK_CHECK_TRACE, HAK_LAYOUT_SAME);
    ck_assert_uint_eq(hak_room_at(block_in(0)), 64);
}

TEST(what_is_no_block_is_not_judged) {
    static char data[64];
    char local[64];
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *mapped = hak_map(HAK_PAGE_BYTES);
    ck_assert_uint_eq(hak_room_at(data), SIZE_MAX);
    ck_assert_uint_eq(hak_room_at(local), SIZE_MAX);
    ck_assert_uint_eq(hak_room_at(mapped), SIZE_MAX);
    ck_assert_uint_eq(hak_room_at(NULL), SIZE_MAX);
    ck_assert_uint_eq(hak_room_at((void *)UINTPTR_MAX), SIZE_MAX);
    ck_assert_uint_eq(told_of(data, 1000, true), 0);
    /* A slab without a class, and a slot that nobody ever had, far from any block. */
    ck_assert_uint_eq(told_of(slab_at(5) + 100, 10, true), 0);
    ck_assert_uint_eq(told_of(slot_at(2, 9).p + 20, 10, true), 0);
}

TEST(a_block_that_another_thread_changes_is_not_judged) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0);
    state_of(slot_at(2, 0))->is_changing = 1;
    ck_assert_uint_eq(hak_room_at(block), SIZE_MAX);
    ck_assert_uint_eq(told_of(block, 1000, true), 0);
}

TEST(past_the_end_is_an_overflow) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0);
    for (size_t offset = 0; offset <= ASKED + 3; offset += 4) {
        ck_assert_uint_eq(told_of(block + offset, 30, offset != 0), HAK_FAULT_HEAP_BUFFER_OVERFLOW);
        struct hak_fault_facts facts = *last_fault();
        ck_assert_uint_eq(facts.user, (uintptr_t)block);
        ck_assert_uint_eq(facts.found_address, (uintptr_t)block + offset);
        ck_assert_int_eq(facts.offset, (int64_t)offset);
        ck_assert_uint_eq(facts.asked_bytes, ASKED);
        ck_assert_uint_eq(facts.call_bytes, 30);
        ck_assert_uint_eq(facts.found_by, HAK_FOUND_BY_FUNCTION);
        ck_assert_uint_eq(facts.access, offset != 0 ? HAK_ACCESS_WRITE : HAK_ACCESS_READ);
        ck_assert_str_eq(facts.call, "memcpy");
    }
}

TEST(in_front_it_is_of_the_block_that_it_reaches_or_that_is_nearer) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *front = hand_out(slot_at(2, 0), 47, 0).p, *behind = block_in(1);
    ck_assert_uint_eq(told_of(behind - 16, 17, true), HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
    ck_assert_int_eq(last_fault()->offset, -16);
    ck_assert_uint_eq(told_of(behind - 4, 4, true), HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
    ck_assert_uint_eq(last_fault()->user, (uintptr_t)behind);
    ck_assert_uint_eq(told_of(behind - 16, 4, true), HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_uint_eq(last_fault()->user, (uintptr_t)front);
    ck_assert_int_eq(last_fault()->offset, 48);
    give(front);
    ck_assert_uint_eq(told_of(behind - 16, 4, true), HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
}

TEST(a_freed_block_is_used_after_its_free) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(3);
    ck_assert(!hak_touch_is_after_free(block));
    give(block);
    ck_assert_uint_eq(hak_room_at(block), 0);
    ck_assert(hak_touch_is_after_free(block));
    ck_assert_uint_eq(told_of(block + 8, 4, false), HAK_FAULT_USE_AFTER_FREE);
    ck_assert_int_eq(last_fault()->offset, 8);
    ck_assert_uint_eq(last_fault()->memory, HAK_MEMORY_INSIDE_FREE);
    /* Behind what the program had there: a live block right in front is nearer. */
    ck_assert_uint_eq(told_of(block + ASKED, 4, false), HAK_FAULT_USE_AFTER_FREE);
    char *front = hand_out(slot_at(2, 2), 40, 0).p;
    ck_assert_uint_eq(told_of(slot_at(2, 3).p, 4, false), HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_uint_eq(last_fault()->user, (uintptr_t)front);
}

TEST(damage_that_was_told_of_is_not_told_again) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0);
    base_t base;
    (void)told_of(block, ASKED + 2, false);
    ck_assert(!(state_of(slot_at(2, 0))->subkind & HAK_SLOT_TOLD));
    (void)told_of(block, ASKED + 2, true);
    memset(block, 1, ASKED + 2);
    forget_events();
    ck_assert_int_eq(hak_check_pointer(user_from(block), hak_free_by(HAK_GIVEN_BY_FREE), &base),
                     HAK_TAKE);
    ck_assert_uint_eq(fault_count, 0);
}

/* Looks twice: the second look has the words at hand. The short look agrees where it answers. */
static bool is_whole_at(const char *p, bool asks) {
    struct hak_look first = hak_look_at(p, asks);
    size_t room = hak_room_near(p);
    struct hak_look second = hak_look_at(p, asks);
    ck_assert_uint_eq(first.room, second.room);
    ck_assert_uint_eq(first.is_whole, second.is_whole);
    ck_assert(room == 0 || (room == first.room && first.is_whole));
    return first.is_whole;
}

/* The fault that a look at `p` tells, 0 for none. */
static unsigned met_at(const char *p) {
    forget_events();
    hak_damage_met(p, "strlen");
    ck_assert_uint_le(fault_count, 1);
    return fault_count ? last_fault()->fault : 0;
}

TEST(a_look_sees_each_byte_around_the_block) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0);
    for (int offset = -16; offset < 32; offset++) {
        if (offset >= 0 && offset < ASKED)
            continue;
        block[offset] ^= 1;
        for (size_t p = 0; p < ASKED; p += ASKED - 1)
            ck_assert_msg(!is_whole_at(block + p, false), "offset %d", offset);
        ck_assert(is_whole_at(block + ASKED, false)); /* behind its bytes: of no block */
        block[offset] ^= 1;
        ck_assert(is_whole_at(block, false));
        ck_assert_uint_eq(hak_room_near(block + 1), ASKED - 1);
    }
    ck_assert_uint_eq(met_at(block), 0);
}

TEST(a_look_tells_of_damage_once_and_names_the_call) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0), *behind = block_in(1);
    base_t base;
    block[ASKED + 1] ^= 1;
    ck_assert_uint_eq(met_at(block + 3), HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    struct hak_fault_facts facts = *last_fault();
    ck_assert_uint_eq(facts.found_by, HAK_FOUND_BY_LOOK);
    ck_assert_str_eq(facts.call, "strlen");
    ck_assert_uint_eq(facts.user, (uintptr_t)block);
    ck_assert_int_eq(facts.offset, ASKED + 1);
    ck_assert_uint_eq(facts.damaged_bytes, 1);
    ck_assert_uint_eq(met_at(block), 0);
    forget_events();
    ck_assert_int_eq(hak_check_pointer(user_from(block), hak_free_by(HAK_GIVEN_BY_FREE), &base),
                     HAK_TAKE);
    ck_assert_uint_eq(fault_count, 0); /* nor at its free */
    behind[-1] ^= 1;
    ck_assert_uint_eq(met_at(behind), HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
    ck_assert_uint_eq(last_fault()->found_by, HAK_FOUND_BY_LOOK);
}

/* It is not known by which bytes it is surrounded, or they are not its any more. */
TEST(a_look_leaves_blocks_alone_that_another_thread_changes_or_has_freed) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0);
    block[ASKED] ^= 1;
    state_of(slot_at(2, 0))->is_changing = 1;
    ck_assert(is_whole_at(block, true));
    ck_assert_uint_eq(met_at(block), 0);
    state_of(slot_at(2, 0))->is_changing = 0;
    state_of(slot_at(2, 0))->place = HAK_PLACE_FRONT;
    ck_assert(is_whole_at(block, true));
    ck_assert_uint_eq(met_at(block), 0);
    make_world(HAK_CHECK_TRACE, HAK_LAYOUT_SAME); /* nothing lies around it */
    block = block_in(0);
    memset(block, 1, 64);
    ck_assert(is_whole_at(block, true));
    ck_assert_uint_eq(met_at(block), 0);
}

static ucontext_t test, coroutine;
static const char *looked_at;
static struct hak_look look_there;

static void look_from_there(void) {
    look_there = hak_look_at(looked_at, false);
}

/* Looks at `p` from a stack that lies in the slab in front. */
static struct hak_look look_from_stack_in_front(const char *p) {
    looked_at = p;
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = slab_at(1);
    coroutine.uc_stack.ss_size = HAK_SLAB_BYTES;
    coroutine.uc_link = &test;
    makecontext(&coroutine, look_from_there, 0);
    ck_assert_int_eq(swapcontext(&test, &coroutine), 0);
    return look_there;
}

TEST(a_block_shortly_above_a_coroutines_stack_pointer_is_no_stack) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0);
    for (size_t offset = 0; offset <= ASKED; offset++)
        ck_assert_uint_eq(look_from_stack_in_front(block + offset).room, ASKED - offset);
    ck_assert(look_from_stack_in_front(block).is_whole);
    block[ASKED] ^= 1;
    ck_assert(!look_from_stack_in_front(block).is_whole);
}

/* Words kept by one look serve no other life of the slot, nor are they trusted where they differ.
 */
TEST(a_look_trusts_neither_the_border_nor_what_it_knew) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0), *other = block_in(1), former[64];
    ck_assert(is_whole_at(block, false));
    memcpy(former, slot_at(2, 0).p, sizeof former);
    memcpy(slot_at(2, 0).p, slot_at(2, 1).p, 64); /* a border that agrees with itself */
    ck_assert(!is_whole_at(block, false));
    memcpy(slot_at(2, 0).p, former, sizeof former);
    ck_assert(is_whole_at(block, false));
    struct hak_located at;
    ck_assert(hak_locate_slot(other, &at));
    struct hak_due_border *known = hak_due_border_of(&at);
    ck_assert(is_whole_at(other, false));
    ck_assert_uint_eq(hak_room_near(other), ASKED);
    known->header.second ^= 1;
    ck_assert_uint_eq(hak_room_near(other), 0);
    ck_assert(is_whole_at(other, false));
    ck_assert_uint_eq(hak_room_near(other), ASKED);
    give(block);
    block = block_in(0);
    ck_assert_uint_eq(hak_room_near(block), 0);
    memcpy(slot_at(2, 0).p, former, sizeof former); /* as it was in its life before */
    ck_assert(!is_whole_at(block, false));
}

/* The program may have closed the pages of a block that has whole ones. */
TEST(a_slot_above_a_page_is_looked_at_where_the_kernel_may_be_asked) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    enum { SLAB = 6, BYTES = 20000 };
    acquire_slab(SLAB, hak_class_of_bytes(BYTES + HAK_HEADER_BYTES + 1));
    char *block = hand_out(slot_at(SLAB, 0), BYTES, 0).p;
    ck_assert(is_whole_at(block + 5, true));
    ck_assert_uint_eq(hak_room_near(block + 5), 0);
    block[BYTES] ^= 1;
    ck_assert(is_whole_at(block + 5, false));
    ck_assert(!is_whole_at(block + 5, true));
}

TEST(a_large_block_is_looked_at_where_the_kernel_may_be_asked) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    enum { LARGE = 300000 };
    base_t base = hak_large_take(hak_check_slot_bytes(LARGE, 0), 16, NULL);
    struct hak_hand_out how = {.asked_bytes = LARGE, .class_index = HAK_CLASS_NONE};
    char *block = hak_check_hand_out(base, &how).p;
    char *page = (char *)((uintptr_t)(block + LARGE) & ~(uintptr_t)(HAK_PAGE_BYTES - 1));
    ck_assert(is_whole_at(block + 5, true));
    block[LARGE] ^= 1;
    ck_assert(is_whole_at(block + 5, false));
    ck_assert(!is_whole_at(block + 5, true));
    ck_assert_int_eq(mprotect(page, HAK_PAGE_BYTES, PROT_NONE), 0);
    ck_assert(is_whole_at(block + 5, true));
    ck_assert_uint_eq(met_at(block), 0);
    ck_assert_int_eq(mprotect(page, HAK_PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
    ck_assert_uint_eq(met_at(block), HAK_FAULT_HEAP_BUFFER_OVERFLOW);
}

TEST(a_write_at_damage_is_told_with_it_unless_it_is_its_own) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    char *block = block_in(0);
    block[ASKED] ^= 1;
    ck_assert_uint_eq(told_of(block, ASKED + 1, true), HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_uint_eq(last_fault()->damaged_bytes, 1);
    ck_assert_uint_eq(told_of(block, ASKED + 1, true), HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_uint_eq(last_fault()->damaged_bytes, 0); /* the one before was told */
    block = block_in(1);
    block[ASKED] ^= 1;
    forget_events();
    hak_touch_report(&(struct hak_touch){
        .pointer = block, .bytes = ASKED + 1, .call = "read", .is_write = true, .is_done = true});
    ck_assert_uint_eq(last_fault()->damaged_bytes, 0);
}

TEST(a_large_block_is_judged_by_its_own_bytes) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    enum { LARGE = 300000 };
    base_t base = hak_large_take(hak_check_slot_bytes(LARGE, 0), 16, NULL);
    ck_assert_ptr_nonnull(base.p);
    struct hak_hand_out how = {.asked_bytes = LARGE, .class_index = HAK_CLASS_NONE};
    char *block = hak_check_hand_out(base, &how).p;
    ck_assert_uint_eq(hak_room_at(block), LARGE);
    ck_assert_uint_eq(hak_room_at(block + 200000), LARGE - 200000);
    ck_assert_uint_eq(told_of(block + LARGE - 8, 9, true), HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_int_eq(last_fault()->offset, LARGE - 8);
}

RUN_TESTS()
