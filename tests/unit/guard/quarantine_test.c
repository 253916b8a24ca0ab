/* The quarantine: what goes in, what comes out and when, what is found meanwhile. */
#include <pthread.h>
#include <semaphore.h>
#include "platform/raw_call.h"
#include "world.h"

enum { HEAP = 7, BLOCKS = 8 };

static void begin(unsigned layout) {
    make_world(HAK_CHECK_NORMAL, layout);
    heap->owner = HEAP;
    hak_options.quarantine_bytes = 1 << 20;
    hak_options.quarantine_blocks = BLOCKS;
    hak_options.poison = 1;
}

static enum hak_kept keep(user_t user) {
    base_t base;
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
    return hak_check_quarantine(base, HAK_FREE, HEAP);
}

static unsigned let_all_leave(void) {
    unsigned count = 0;
    while (hak_check_leaving(true).p)
        count++;
    return count;
}

TEST(a_block_is_recorded_going_in_and_coming_out, EACH_LAYOUT) {
    begin(_i);
    user_t user = hand_out(slot_at(1, 3), 24, 0);
    base_t base = slot_at(1, 3);
    ck_assert_int_eq(keep(user), HAK_KEPT);
    struct hak_event_fields e = last_event();
    ck_assert_uint_eq(e.kind, HAK_FREE);
    ck_assert_uint_eq(e.place, HAK_PLACE_QUARANTINE);
    ck_assert_uint_eq(e.address, user_address(user));
    ck_assert_uint_eq(e.stack, STACK_OF_PROGRAM);
    ck_assert_uint_eq(state_of(base)->place, HAK_PLACE_QUARANTINE);
    ck_assert_uint_eq(state_of(base)->free_stack, STACK_OF_PROGRAM);
    unsigned count = event_count;
    ck_assert_ptr_null(hak_check_leaving(false).p);
    ck_assert_ptr_eq(hak_check_leaving(true).p, base.p);
    ck_assert_uint_eq(event_count, count);
    ck_assert(hak_check_freed(base, HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT));
    e = last_event();
    ck_assert_uint_eq(event_count, count + 1);
    ck_assert_uint_eq(e.kind, HAK_QUARANTINE_LEAVE);
    ck_assert_uint_eq(e.place, HAK_PLACE_FRONT);
    ck_assert_uint_eq(e.address, base_address(base));
    ck_assert_uint_eq(e.record_count, 3);
    ck_assert_uint_eq(e.stack, 0);
    ck_assert_uint_eq(state_of(base)->place, HAK_PLACE_FRONT);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(the_oldest_leave_when_there_are_too_many_blocks) {
    begin(HAK_LAYOUT_HEADER);
    for (unsigned i = 0; i < BLOCKS; i++)
        ck_assert_int_eq(keep(hand_out(slot_at(1, i), 24, 0)), HAK_KEPT);
    ck_assert_int_eq(keep(hand_out(slot_at(1, BLOCKS), 24, 0)), HAK_KEPT_OVER);
    for (unsigned round = 0; round < 20; round++) {
        unsigned left = 0;
        base_t block;
        static unsigned oldest;
        for (; (block = hak_check_leaving(false)).p; left++, oldest++) {
            ck_assert_ptr_eq(block.p, slot_at(1, oldest).p);
            ck_assert(hak_check_freed(block, HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT));
        }
        ck_assert_uint_ge(left, 1);
        ck_assert_uint_le(left, 3);
        for (unsigned i = 1; i <= left; i++)
            (void)keep(hand_out(slot_at(1, BLOCKS + oldest - left + i), 24, 0));
    }
    ck_assert_uint_eq(fault_count, 0);
}

TEST(the_oldest_leave_when_there_are_too_many_bytes) {
    begin(HAK_LAYOUT_HEADER);
    hak_options.quarantine_bytes = 4096;
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(keep(hand_out(slot_at(3, i), 1000, 0)), HAK_KEPT);
    ck_assert_uint_eq(hak_check_quarantined().slot_bytes, 4096);
    ck_assert_int_eq(keep(hand_out(slot_at(3, 4), 1000, 0)), HAK_KEPT_OVER);
    ck_assert_ptr_eq(hak_check_leaving(false).p, slot_at(3, 0).p);
    ck_assert_ptr_eq(hak_check_leaving(false).p, slot_at(3, 1).p);
    ck_assert_ptr_null(hak_check_leaving(false).p);
    ck_assert_uint_eq(hak_check_quarantined().slot_bytes, 3 * 1024);
}

TEST(a_block_that_would_take_half_of_it_goes_past) {
    begin(HAK_LAYOUT_HEADER);
    hak_options.quarantine_bytes = 2047;
    user_t user = hand_out(slot_at(3, 0), 1000, 0);
    unsigned count = event_count;
    ck_assert_int_eq(keep(user), HAK_NOT_KEPT);
    ck_assert_uint_eq(event_count, count);
    ck_assert_uint_eq(state_of(slot_at(3, 0))->place, HAK_PLACE_LIVE);
    ck_assert_int_eq(keep(hand_out(slot_at(1, 0), 24, 0)), HAK_KEPT);
}

TEST(there_is_none_in_level_trace_at_0_bytes_and_with_an_injected_fault) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(1, 0), 24, 0);
    hak_options.check = HAK_CHECK_TRACE;
    ck_assert_int_eq(keep(user), HAK_NOT_KEPT);
    hak_options.check = HAK_CHECK_NORMAL;
    hak_options.quarantine_bytes = 0;
    ck_assert_int_eq(keep(user), HAK_NOT_KEPT);
    hak_options.quarantine_bytes = 1 << 20;
    strcpy(hak_options.inject, "offset16:1");
    ck_assert_int_eq(keep(user), HAK_NOT_KEPT);
    hak_options.inject[0] = 0;
    ck_assert_int_eq(keep(user), HAK_KEPT);
}

TEST(what_is_given_back_again_meanwhile_is_told, EACH_LAYOUT) {
    begin(_i);
    user_t user = hand_out(slot_at(1, 3), 24, 0);
    base_t base;
    (void)keep(user);
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_REFUSE);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_DOUBLE_FREE);
    ck_assert_uint_eq(last_fault()->place, HAK_PLACE_QUARANTINE);
    ck_assert_uint_eq(last_fault()->free_stack, STACK_OF_PROGRAM);
    ck_assert_int_eq(hak_check_pointer(user, HAK_REALLOC, &base), HAK_REFUSE);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_DOUBLE_FREE);
    ck_assert_int_eq(hak_check_pointer(user_from(user.p + 8), HAK_FREE, &base), HAK_REFUSE);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_BAD_FREE);
    /* Two threads came as far as here, and the other one was faster. */
    ck_assert_int_eq(hak_check_quarantine(slot_at(1, 3), HAK_FREE, HEAP), HAK_KEPT);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_DOUBLE_FREE);
    ck_assert_uint_eq(fault_count, 4);
    ck_assert_uint_eq(let_all_leave(), 1);
}

TEST(only_what_is_in_quarantine_leaves_it) {
    begin(HAK_LAYOUT_HEADER);
    (void)hand_out(slot_at(1, 3), 24, 0);
    ck_assert(!hak_check_freed(slot_at(1, 3), HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT));
    ck_assert_uint_eq(last_event().flags, HAK_RECORD_ILLEGAL);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRONG_LAYER_MOVE);
    ck_assert_uint_eq(state_of(slot_at(1, 3))->place, HAK_PLACE_LIVE);
}

TEST(a_large_block_keeps_its_addresses_and_gives_its_pages_back, .until = 2) {
    begin(HAK_LAYOUT_HEADER);
    hak_options.close_pages = (uint64_t)_i;
    base_t block = hak_large_take(5 << 20, 0, NULL);
    struct hak_large *large = hak_large_find(block.p);
    struct hak_hand_out how = {.asked_bytes = 5000000, .class_index = HAK_CLASS_NONE};
    user_t user = hak_check_hand_out(block, &how);
    memset(user.p, 1, 5000000);
    ck_assert_int_eq(keep(user), HAK_KEPT);
    ck_assert_uint_eq(large->slot.place, HAK_PLACE_QUARANTINE);
    ck_assert(hak_large_is_live(large));
    ck_assert_uint_eq(hak_check_quarantined().large_blocks, 1);
    ck_assert_uint_eq(hak_check_quarantined().large_bytes, large->mapped_bytes);
    uintptr_t inside = ((uintptr_t)user.p + 100000) & ~(uintptr_t)7;
    ck_assert_int_eq(hak_raw_readable(inside), _i == 0);
    base_t base;
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_REFUSE);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_DOUBLE_FREE);
    ck_assert_ptr_eq(hak_check_leaving(true).p, block.p);
    ck_assert(hak_check_freed(block, HAK_QUARANTINE_LEAVE, HAK_PLACE_LARGE));
    ck_assert(hak_large_give(block));
    ck_assert_uint_eq(hak_check_quarantined().large_blocks, 0);
    ck_assert(!hak_raw_readable(inside));
}

/* ---- threads --------------------------------------------------------------------------------- */

static sem_t has_kept, may_end;

static void *keep_three(void *unused) {
    for (unsigned i = 20; i < 23; i++)
        (void)keep(hand_out(slot_at(1, i), 24, 0));
    sem_post(&has_kept);
    sem_wait(&may_end);
    return unused;
}

TEST(what_a_fork_left_behind_leaves_with_the_others) {
    pthread_t thread;
    begin(HAK_LAYOUT_HEADER);
    sem_init(&has_kept, 0, 0);
    sem_init(&may_end, 0, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_three, NULL), 0);
    sem_wait(&has_kept);
    (void)keep(hand_out(slot_at(1, 1), 24, 0));
    ck_assert_uint_eq(hak_check_quarantined().slot_bytes, 4 * 48);
    hak_quarantine_fork_child();
    for (unsigned left = 3; left > 1; left--) { /* its own, then one that was left behind */
        ck_assert_ptr_nonnull(hak_check_leaving(true).p);
        ck_assert_uint_eq(hak_check_quarantined().slot_bytes, left * 48);
    }
    ck_assert_uint_eq(let_all_leave(), 2);
    ck_assert_uint_eq(let_all_leave(), 0);
    ck_assert_uint_eq(hak_check_quarantined().slot_bytes, 0);
    sem_post(&may_end);
    pthread_join(thread, NULL);
}

static void *keep_one_and_end(void *unused) {
    (void)keep(hand_out(slot_at(1, 20), 24, 0));
    ck_assert_uint_eq(let_all_leave(), 1);
    hak_quarantine_thread_end();
    return unused;
}

/* Its memory serves the next thread, and never grows. */
TEST(threads_that_end_leave_nothing_behind) {
    begin(HAK_LAYOUT_HEADER);
    for (unsigned i = 0; i < 200; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, keep_one_and_end, NULL), 0);
        pthread_join(thread, NULL);
        set_place(slot_at(1, 20), HAK_PLACE_FRONT);
    }
    ck_assert_uint_eq(hak_check_quarantined().slot_bytes, 0);
    ck_assert_uint_eq(fault_count, 0);
}

RUN_TESTS()
