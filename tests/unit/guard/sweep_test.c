/* The sweep: the blocks that it looks at, its findings, told once, and who asked for it. */
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include "unit/barred.h"
#include "guard/sweep.h"
#include "platform/readable.h"
#include HAK_ARCH_FILE(context.h)
#include "world.h"

static void make_swept_world(void) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.poison = hak_options.sweep = 1;
    for (unsigned slab = 1; slab <= 4; slab++)
        heap->slabs[slab].carved = heap->slabs[slab].capacity;
}

static base_t free_block(user_t user) {
    base_t base;
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &base), HAK_TAKE);
    ck_assert(hak_check_freed(base, HAK_FREE, HAK_PLACE_FRONT));
    return base;
}

TEST(a_heap_that_is_whole_is_silent) {
    make_swept_world();
    for (unsigned i = 0; i < 50; i++) {
        hand_out(slot_at(1, i), i % 32, 0);
        hand_out(slot_at(3, i), i * 18, i % 3 == 0 ? 64 : 0);
        free_block(hand_out(slot_at(2, i), i % 40, 0));
    }
    forget_events();
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 0);
    ck_assert_uint_eq(fault_count, 0);
    ck_assert_uint_eq(event_count, 0);
}

TEST(each_damaged_block_is_told_once_the_first_with_the_count) {
    make_swept_world();
    user_t over = hand_out(slot_at(1, 3), 24, 0), under = hand_out(slot_at(1, 9), 24, 0);
    user_t aligned = hand_out(slot_at(3, 2), 500, 128);
    over.p[24] = 'x';
    under.p[-16] = 0;
    aligned.p[500] = aligned.p[507] = 0;
    forget_events();
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_SIGNAL), 3);
    ck_assert_uint_eq(fault_count, 3);
    ck_assert_uint_eq(faults[0].fault, HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_uint_eq(faults[0].user, user_address(over));
    ck_assert_int_eq(faults[0].offset, 24);
    ck_assert_uint_eq(faults[0].damage[0], 'x');
    ck_assert_uint_eq(faults[0].more_damaged, 2);
    ck_assert_uint_eq(faults[0].found_by, HAK_FOUND_BY_SIGNAL);
    ck_assert_uint_eq(faults[1].fault, HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
    ck_assert_uint_eq(faults[1].user, user_address(under));
    ck_assert_int_eq(faults[1].offset, -16);
    ck_assert_uint_eq(faults[2].user, user_address(aligned));
    ck_assert_uint_eq(faults[2].damaged_bytes, 2);
    ck_assert_uint_eq(faults[2].damaged_span, 8);
    ck_assert_uint_eq(faults[2].more_damaged, 0);
    forget_events();
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 0);
    free_block(over);
    free_block(under);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(more_than_fit_a_list_are_told_too) {
    make_swept_world();
    for (unsigned i = 0; i < 200; i++)
        hand_out(slot_at(1, i), 20, 0).p[20] = 0;
    forget_events();
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 200);
    ck_assert_uint_eq(fault_count, 200);
}

TEST(a_write_into_a_freed_block_is_found) {
    make_swept_world();
    user_t user = hand_out(slot_at(3, 4), 100, 0);
    free_block(user);
    user.p[37] = 1;
    forget_events();
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_VERIFY), 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRITE_AFTER_FREE);
    ck_assert_int_eq(last_fault()->offset, 37);
    ck_assert_uint_eq(last_fault()->user, user_address(user));
    forget_events();
    hand_out(slot_at(3, 4), 100, 0);
    ck_assert_uint_eq(fault_count, 0); /* told already */
}

/* Another thread is in the middle of it, or has the block by now for another life. */
TEST(what_changes_is_left_alone) {
    make_swept_world();
    user_t user = hand_out(slot_at(1, 0), 20, 0);
    user.p[20] = 0;
    state_of(slot_at(1, 0))->is_changing = 1;
    forget_events();
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_COUNT), 0);
    state_of(slot_at(1, 0))->is_changing = 0;
    state_of(slot_at(1, 0))->place = HAK_PLACE_FRONT; /* not poisoned: nothing is known of it */
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_COUNT), 0);
    state_of(slot_at(1, 0))->place = HAK_PLACE_LIVE;
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_COUNT), 1);
}

static _Atomic bool may_end;

static void *wait_for_the_end(void *unused) {
    (void)unused;
    while (!may_end)
        sched_yield();
    return NULL;
}

/* 1: with another thread there, whose presence makes the sweep read copies. */
TEST(large_blocks_are_swept_too, .until = 2) {
    make_swept_world();
    pthread_t thread;
    if (_i)
        pthread_create(&thread, NULL, wait_for_the_end, NULL);
    static const size_t sizes[] = {100000, 131072 - 17, 131072 - 16, 200001};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        base_t block = hak_large_take(hak_check_slot_bytes(sizes[i], 0), 0, NULL);
        ck_assert_ptr_nonnull(block.p);
        struct hak_hand_out how = {.asked_bytes = sizes[i], .class_index = HAK_CLASS_NONE};
        user_t user = hak_check_hand_out(block, &how);
        forget_events();
        ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 0);
        user.p[sizes[i]] = 1;
        ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 1);
        ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_HEAP_BUFFER_OVERFLOW);
        ck_assert_int_eq(last_fault()->offset, sizes[i]);
        ck_assert_uint_eq(last_fault()->asked_bytes, sizes[i]);
        struct hak_large *large = hak_large_find(block.p);
        hak_write_canary(&(struct hak_located){.large = large,
                                               .slot = &large->slot,
                                               .base = block.p,
                                               .slot_bytes = large->mapped_bytes});
        large->slot.subkind &= (uint8_t)~HAK_SLOT_TOLD;
        user.p[-12] ^= 1;
        ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 1);
        ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
        ck_assert_int_eq(last_fault()->offset, -12);
    }
    may_end = true;
    if (_i)
        pthread_join(thread, NULL);
}

/* ---- a page that another thread closes between question and read ------------------------------
 */

static char *closing_page;
static int listener;

/* A filter under which the kernel copies nothing of a process, and asks `listener` whether
 * closing_page can be read. False: it has no such filter. */
static bool listen_to_questions(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 0, 6),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UINT32_MAX, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)(HAK_READABLE_PAGE_BYTES - 1)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(uintptr_t)closing_page, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    listener = listen_to_calls(code, sizeof code / sizeof code[0]);
    return listener >= 0;
}

/* Twice it can be read: as the sweep looks whether the block is open, and as it copies. Behind the
 * second answer it is closed. */
static void *close_behind_the_answer(void *unused) {
    (void)unused;
    for (int i = 0; i < 2; i++) {
        uint64_t call = next_call(listener);
        if (i == 1 && mprotect(closing_page, HAK_READABLE_PAGE_BYTES, PROT_NONE) != 0)
            return NULL;
        if (!answer_call(listener, call, EINVAL))
            return NULL;
    }
    return &listener;
}

static void go_on_behind(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    hak_context_set_ip(context, hak_copy_stopped);
}

TEST(a_page_that_another_thread_closes_meanwhile_is_left_out) {
    make_swept_world();
    const size_t bytes = 100000;
    base_t block = hak_large_take(hak_check_slot_bytes(bytes, 0), 0, NULL);
    struct hak_hand_out how = {.asked_bytes = bytes, .class_index = HAK_CLASS_NONE};
    user_t user = hak_check_hand_out(block, &how);
    struct sigaction action = {.sa_sigaction = go_on_behind, .sa_flags = SA_SIGINFO};
    pthread_t thread;
    void *has_closed;
    user.p[bytes] ^= 1;
    closing_page =
        (char *)((uintptr_t)(user.p + bytes) & ~(uintptr_t)(HAK_READABLE_PAGE_BYTES - 1));
    if (!listen_to_questions())
        LEAVE_OUT("the kernel lets nobody listen to a filter's calls");
    ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, close_behind_the_answer, NULL), 0);
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 0);
    ck_assert_int_eq(pthread_join(thread, &has_closed), 0);
    ck_assert_ptr_eq(has_closed, &listener);
    close(listener);
    ck_assert_int_eq(mprotect(closing_page, HAK_READABLE_PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
}

/* A realloc of another thread, or of one that a fork left behind: the pages are there already, the
 * canary behind them is not. */
TEST(what_is_being_resized_is_left_alone) {
    make_swept_world();
    base_t block = hak_large_take_with_room(hak_check_slot_bytes(111906, 0), 100000, NULL);
    struct hak_hand_out how = {.asked_bytes = 111906, .class_index = HAK_CLASS_NONE};
    user_t user = hak_check_hand_out(block, &how);
    hak_check_resizing(user, true);
    ck_assert(hak_large_resize(block, 196608));
    memset(block.p + 114688, 0, 196608 - 114688); /* as fresh pages are */
    forget_events();
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 0);
    ck_assert_int_eq(hak_check_pointer(user, HAK_FREE, &block), HAK_TAKE);
    ck_assert_uint_eq(fault_count, 0);
    hak_check_resizing(user, false);
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 1);
}

TEST(a_write_before_a_start_comes_before_what_it_hit_in_front) {
    make_swept_world();
    hand_out(slot_at(1, 0), 20, 0);
    user_t behind = hand_out(slot_at(1, 1), 20, 0);
    memset(behind.p - 20, 1, 20);
    forget_events();
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 2);
    ck_assert_uint_eq(faults[0].fault, HAK_FAULT_HEAP_BUFFER_UNDERFLOW);
    ck_assert_uint_eq(faults[0].user, user_address(behind));
    ck_assert_int_eq(faults[0].offset, -16);
    ck_assert_uint_eq(faults[1].fault, HAK_FAULT_HEAP_BUFFER_OVERFLOW);
}

TEST(level_trace_sweeps_nothing) {
    make_world(HAK_CHECK_TRACE, HAK_LAYOUT_HEADER);
    heap->slabs[1].carved = heap->slabs[1].capacity;
    hand_out(slot_at(1, 0), 20, 0).p[20] = 0;
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 0);
}

TEST(a_crash_is_told_the_first_damage_and_reports_nothing_itself) {
    struct hak_fault_facts facts;
    make_swept_world();
    ck_assert_uint_eq(hak_sweep_quietly(&facts), 0);
    user_t first = hand_out(slot_at(1, 0), 20, 0), second = hand_out(slot_at(1, 7), 20, 0);
    first.p[20] = second.p[20] = 0;
    forget_events();
    ck_assert_uint_eq(hak_sweep_quietly(&facts), 2);
    ck_assert_uint_eq(facts.fault, HAK_FAULT_HEAP_BUFFER_OVERFLOW);
    ck_assert_uint_eq(facts.user, user_address(first));
    ck_assert_uint_eq(facts.more_damaged, 1);
    ck_assert_uint_eq(fault_count, 0);
    ck_assert_uint_eq(hak_sweep(HAK_FOUND_BY_EXIT), 2);
}

static unsigned scans;
static void scan(void) {
    scans++;
    hak_answer_if_asked(); /* what it calls may ask, too */
}

TEST(what_signals_ask_for_is_done_by_the_next_call) {
    make_swept_world();
    strcpy(hak_options.sweep_signal, "12");
    strcpy(hak_options.leaks_signal, "10");
    hak_options.has_text[HAK_INDEX_SWEEP_SIGNAL] = hak_options.has_text[HAK_INDEX_LEAKS_SIGNAL] =
        true;
    hak_answer_leaks = scan;
    hak_asked_start();
    ck_assert_ptr_nonnull(hear);
    user_t user = hand_out(slot_at(1, 0), 20, 0);
    user.p[20] = 0;
    forget_events();
    hak_check_slot_bytes(8, 0);
    ck_assert_uint_eq(fault_count, 0);
    hear(12);
    ck_assert_uint_eq(fault_count, 0);
    hak_check_slot_bytes(8, 0);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->found_by, HAK_FOUND_BY_SIGNAL);
    ck_assert_uint_eq(scans, 0);
    hear(10);
    free_block(user);
    ck_assert_uint_eq(scans, 1);
    ck_assert_uint_eq(fault_count, 1);
    hak_check_slot_bytes(8, 0);
    ck_assert_uint_eq(scans, 1);
}

/* A byte that is set from outside changes nothing of what signals ask for. */
TEST(ctl_is_served_by_the_next_call) {
    make_swept_world();
    strcpy(hak_options.leaks_signal, "10");
    hak_options.has_text[HAK_INDEX_LEAKS_SIGNAL] = true;
    hak_answer_leaks = scan;
    hak_asked_start();
    ck_assert_ptr_nonnull(hak_control.bell);
    hear(10);
    atomic_store(hak_control.bell, 1);
    ck_assert_uint_eq(times_served, 0);
    hak_check_slot_bytes(8, 0);
    ck_assert_uint_eq(times_served, 1);
    ck_assert_uint_eq(scans, 1);
    hak_check_slot_bytes(8, 0);
    ck_assert_uint_eq(times_served, 1);
}

TEST(a_sweep_for_ctl_counts_what_it_found) {
    uint64_t found = 99;
    make_swept_world();
    hak_asked_start();
    ck_assert_ptr_nonnull(hak_control_errands.sweep);
    ck_assert(hak_control_errands.sweep(&found));
    ck_assert_uint_eq(found, 0);
    hand_out(slot_at(1, 0), 20, 0).p[20] = 0;
    ck_assert(hak_control_errands.sweep(&found));
    ck_assert_uint_eq(found, 1);
    ck_assert_uint_eq(last_fault()->found_by, HAK_FOUND_BY_CONTROL);
}

TEST(every_so_many_calls_of_a_thread) {
    make_swept_world();
    hak_options.sweep_every = 5;
    hak_asked_start();
    hand_out(slot_at(1, 0), 20, 0).p[20] = 0;
    forget_events();
    for (unsigned i = 0; i < 4; i++)
        hak_check_slot_bytes(8, 0);
    ck_assert_uint_eq(fault_count, 0);
    hak_check_slot_bytes(8, 0);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->found_by, HAK_FOUND_BY_COUNT);
}

RUN_TESTS()
