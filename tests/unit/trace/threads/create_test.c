/* Threads know where they were created, get an alternate signal stack, keep their own, and give it
 * back. */
#include "unit/trace/fake_collector.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>
#include "platform/objects.h"
#include "trace/stacks/stacks.h"
#include "trace/threads/threads.h"

static struct fake_collector collector;

/* As the kernel has it; sigaltstack hides ours. */
static stack_t stack_now(void) {
    stack_t now;
    ck_assert_int_eq((int)syscall(SYS_sigaltstack, NULL, &now), 0);
    return now;
}

static void *tell_stack(void *out) {
    *(stack_t *)out = stack_now();
    return (void *)7;
}

TEST(a_thread_that_never_allocates_has_one) {
    pthread_t thread;
    stack_t stack;
    void *result;
    fake_begin(&collector, 16 << 20, 16 << 10);
    ck_assert_int_eq(pthread_create(&thread, NULL, tell_stack, &stack), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, (void *)7);
    ck_assert_int_eq(stack.ss_flags & SS_DISABLE, 0);
    ck_assert_uint_ge(stack.ss_size, 32 << 10);
}

static int tell_stack_of_c11(void *out) {
    *(stack_t *)out = stack_now();
    return 7;
}

TEST(a_thread_of_c11_has_one) {
    thrd_t thread;
    stack_t stack;
    int result;
    fake_begin(&collector, 16 << 20, 16 << 10);
    ck_assert_int_eq(thrd_create(&thread, tell_stack_of_c11, &stack), thrd_success);
    ck_assert_int_eq(thrd_join(thread, &result), thrd_success);
    ck_assert_int_eq(result, 7);
    ck_assert_int_eq(stack.ss_flags & SS_DISABLE, 0);
}

static void expect_none(void) {
    stack_t seen;
    memset(&seen, 0x55, sizeof seen);
    ck_assert_int_eq(sigaltstack(NULL, &seen), 0);
    ck_assert_ptr_null(seen.ss_sp);
    ck_assert_int_eq(seen.ss_flags, SS_DISABLE);
    ck_assert_uint_eq(seen.ss_size, 0);
}

static void *swap_stacks(void *unused) {
    static char room[2][64 << 10];
    stack_t seen, first = {.ss_sp = room[0], .ss_size = sizeof room[0]};
    stack_t second = {.ss_sp = room[1], .ss_size = sizeof room[1]}, none = {.ss_flags = SS_DISABLE};
    void *ours = stack_now().ss_sp;
    (void)unused;
    expect_none();
    ck_assert_int_eq(sigaltstack(&first, &seen), 0);
    ck_assert_int_eq(seen.ss_flags, SS_DISABLE);
    ck_assert_int_eq(sigaltstack(&second, &seen), 0);
    ck_assert_ptr_eq(seen.ss_sp, room[0]);
    ck_assert_ptr_eq(stack_now().ss_sp, room[1]);
    ck_assert_int_eq(sigaltstack(&none, &seen), 0);
    ck_assert_ptr_eq(seen.ss_sp, room[1]);
    expect_none();
    ck_assert_ptr_eq(stack_now().ss_sp, ours);
    ck_assert_int_eq(sigaltstack(&none, NULL), 0);
    ck_assert_ptr_eq(stack_now().ss_sp, ours);
    first.ss_size = 1;
    ck_assert_int_eq(sigaltstack(&first, NULL), -1);
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_int_eq(sigaltstack((void *)8, NULL), -1);
    ck_assert_int_eq(errno, EFAULT);
    expect_none();
    return NULL;
}

TEST(ours_is_hidden_and_comes_back) {
    pthread_t thread;
    fake_begin(&collector, 16 << 20, 16 << 10);
    ck_assert_int_eq(pthread_create(&thread, NULL, swap_stacks, NULL), 0);
    pthread_join(thread, NULL);
}

static size_t count_mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    size_t lines = 0;
    for (int c; (c = getc(maps)) != EOF;)
        lines += c == '\n';
    fclose(maps);
    return lines;
}

TEST(stacks_are_used_again) {
    size_t before = 0;
    fake_begin(&collector, 16 << 20, 16 << 10);
    for (int i = 0; i < 2000; i++) {
        pthread_t thread;
        stack_t stack;
        ck_assert_int_eq(pthread_create(&thread, NULL, tell_stack, &stack), 0);
        pthread_join(thread, NULL);
        ck_assert_int_eq(stack.ss_flags & SS_DISABLE, 0);
        if (i == 10)
            before = count_mappings();
    }
    ck_assert_uint_le(count_mappings(), before + 20);
}

static char mine[64 << 10];

static void *use_own_stack(void *unused) {
    (void)unused;
    stack_t own = {.ss_sp = mine, .ss_size = sizeof mine};
    ck_assert_int_eq(sigaltstack(&own, NULL), 0);
    record_number(1);
    ck_assert_ptr_eq(stack_now().ss_sp, mine);
    hak_trace_thread_end();
    ck_assert_ptr_eq(stack_now().ss_sp, mine);
    return NULL;
}

TEST(a_programs_own_stack_is_left_alone) {
    pthread_t thread;
    fake_begin(&collector, 16 << 20, 16 << 10);
    ck_assert_int_eq(pthread_create(&thread, NULL, use_own_stack, NULL), 0);
    pthread_join(thread, NULL);
}

static void *leave_early(void *how) {
    if (how)
        pthread_exit((void *)9);
    for (;;)
        pause();
}

TEST(threads_that_exit_or_are_cancelled_give_it_back) {
    size_t before = 0;
    fake_begin(&collector, 16 << 20, 16 << 10);
    for (int i = 0; i < 400; i++) {
        pthread_t thread;
        void *result;
        ck_assert_int_eq(pthread_create(&thread, NULL, leave_early, i % 2 ? (void *)1 : NULL), 0);
        if (i % 2 == 0)
            pthread_cancel(thread);
        ck_assert_int_eq(pthread_join(thread, &result), 0);
        ck_assert_ptr_eq(result, i % 2 ? (void *)9 : PTHREAD_CANCELED);
        if (i == 10)
            before = count_mappings();
    }
    ck_assert_uint_le(count_mappings(), before + 20);
}

static pthread_barrier_t all_there;
static void *stay(void *out) {
    *(stack_t *)out = stack_now();
    pthread_barrier_wait(&all_there);
    return NULL;
}

/* More threads on their way than there are places for their start routines. */
TEST(many_at_once_have_one_each) {
    enum { THREADS = 600 };
    static pthread_t threads[THREADS];
    static stack_t stacks[THREADS];
    pthread_attr_t small;
    fake_begin(&collector, 16 << 20, 16 << 10);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
    pthread_barrier_init(&all_there, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], &small, stay, &stacks[i]), 0);
    pthread_barrier_wait(&all_there);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int without = 0;
    for (int i = 0; i < THREADS; i++) {
        without += (stacks[i].ss_flags & SS_DISABLE) != 0;
        for (int other = 0; other < i; other++)
            ck_assert(stacks[i].ss_sp != stacks[other].ss_sp || !stacks[i].ss_sp);
    }
    ck_assert_int_le(without, THREADS - 256);
}

TEST(an_unrecorded_program_has_none) {
    pthread_t thread;
    stack_t stack;
    ck_assert_int_eq(pthread_create(&thread, NULL, tell_stack, &stack), 0);
    pthread_join(thread, NULL);
    ck_assert_int_ne(stack.ss_flags & SS_DISABLE, 0);
}

TEST(errors_of_pthread_create_come_back) {
    pthread_attr_t attributes;
    pthread_t thread;
    stack_t stack;
    fake_begin(&collector, 16 << 20, 16 << 10);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)1 << 50); /* more than addresses */
    for (int i = 0; i < 1000; i++)
        ck_assert_int_ne(pthread_create(&thread, &attributes, tell_stack, &stack), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, tell_stack, &stack), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(stack.ss_flags & SS_DISABLE, 0);
}

/* The first of them looks for libc's function, which is not the program's concern. */
TEST(the_words_for_dlerror_stay, .until = 2) {
    thrd_t c11_thread;
    pthread_t thread;
    stack_t stack;
    ck_assert_ptr_null(dlopen("/there/is/none.so", RTLD_NOW));
    if (_i == 0) {
        ck_assert_int_eq(pthread_create(&thread, NULL, tell_stack, &stack), 0);
        pthread_join(thread, NULL);
    } else {
        ck_assert_int_eq(thrd_create(&c11_thread, tell_stack_of_c11, &stack), thrd_success);
        thrd_join(c11_thread, NULL);
    }
    ck_assert_ptr_nonnull(dlerror());
}

/* With stacks of the whole test but hakmem's pthread_create, as the library's are without it: on
 * aarch64 a walk has the stack pointer behind frames of hakmem only. In the session's nodes. */
static void begin_with_stacks(void) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    hak_stacks_start(&(struct hak_stacks_setup){.nodes = hak_current.nodes,
                                                .node_capacity = hak_current.node_capacity,
                                                .node_count = &hak_current.session->node_count,
                                                .no_stack = &hak_current.process->no_stack,
                                                .depth = 16,
                                                .own_start = (uintptr_t)pthread_create,
                                                .own_end = (uintptr_t)pthread_create + 200});
    record_number(0); /* the first thread has its number */
}

static struct hak_thread_origin seen[3][HAK_ORIGINS];
static uint32_t numbers[3];

static void *record_below(void *unused) {
    record_number(2);
    numbers[2] = hak_trace_thread();
    memcpy(seen[2], hak_thread_origin, sizeof seen[2]);
    hak_trace_thread_end();
    return unused;
}

static void *create_below(void *unused) {
    pthread_t thread;
    memcpy(seen[1], hak_thread_origin, sizeof seen[1]);
    ck_assert_int_eq(pthread_create(&thread, NULL, record_below, NULL), 0);
    pthread_join(thread, NULL);
    record_number(1);
    numbers[1] = hak_trace_thread();
    hak_trace_thread_end();
    return unused;
}

/* True when a frame of stack `id` lies in the `bytes` from `function` on. */
static bool goes_through(uint32_t id, uintptr_t function, size_t bytes) {
    uintptr_t ips[16];
    size_t count = hak_stacks_frames(id, ips, 16);
    for (size_t i = 0; i < count; i++)
        if (ips[i] > function && ips[i] <= function + bytes)
            return true;
    return false;
}

/* The THREAD_START record of thread `number`; record_count is who created it. */
static struct hak_event_fields find_start(uint32_t number) {
    for (size_t i = 0; i + 1 < collector.count; i++) {
        const struct hak_record *head = &collector.seen[i].record;
        if (hak_record_kind_of(head) == HAK_THREAD_START &&
            collector.seen[i + 1].record.w[1] >> 32 == number)
            return hak_record_unpack(head, NULL);
    }
    ck_abort_msg("thread %u wrote no start", number);
    return (struct hak_event_fields){0};
}

TEST(a_threads_first_record_says_where_it_was_created) {
    pthread_t thread;
    begin_with_stacks();
    ck_assert_int_eq(pthread_create(&thread, NULL, create_below, NULL), 0);
    pthread_join(thread, NULL);
    fake_drain(&collector);
    struct hak_event_fields start = find_start(numbers[2]);
    ck_assert_uint_eq(start.record_count, numbers[1]);
    ck_assert_uint_eq(start.stack, seen[2][HAK_ORIGIN_OF_SELF].stack);
    ck_assert(goes_through(start.stack, (uintptr_t)create_below, 200));
    ck_assert(!goes_through(start.stack, (uintptr_t)record_below, 40));
    start = find_start(numbers[1]);
    ck_assert_uint_eq(start.record_count, hak_trace_thread());
    ck_assert_uint_eq(start.stack, seen[1][HAK_ORIGIN_OF_SELF].stack);
    ck_assert_mem_eq(&seen[2][HAK_ORIGIN_OF_CREATOR], &seen[1][HAK_ORIGIN_OF_SELF],
                     sizeof seen[1][0]);
    start = find_start(hak_trace_thread());
    ck_assert_uint_eq(start.stack, 0);
    ck_assert_uint_eq(start.record_count, 0);
}

static void *draw_number(void *out) {
    *(uint32_t *)out = hak_trace_thread();
    return NULL;
}

/* No handler sees this fork. The child's first thread has a number of its parent still when it
 * creates another one. */
TEST(no_two_threads_of_a_raw_forks_child_have_one_number) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    hak_options.trace = true;
    ck_assert_uint_eq(hak_trace_thread(), 1);
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); /* aarch64 has no SYS_fork */
    if (child == 0) {
        pthread_t thread;
        uint32_t number = 0;
        if (pthread_create(&thread, NULL, draw_number, &number) != 0)
            _exit(99);
        pthread_join(thread, NULL);
        _exit(number != hak_trace_thread() && number + hak_trace_thread() == 3 ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
}

static void *fork_in_thread(void *status) {
    pid_t child = fork();
    if (child == 0) {
        hak_thread_enter_child(); /* what the fork handlers of the library do */
        _exit(hak_thread_origin[HAK_ORIGIN_OF_SELF].stack == 0 &&
                      hak_thread_origin[HAK_ORIGIN_OF_CREATOR].creator == 0
                  ? 0
                  : 1);
    }
    waitpid(child, status, 0);
    ck_assert_uint_ne(hak_thread_origin[HAK_ORIGIN_OF_SELF].stack, 0);
    return NULL;
}

TEST(a_forked_childs_thread_is_its_first) {
    pthread_t thread;
    int status = -1;
    begin_with_stacks();
    ck_assert_int_eq(pthread_create(&thread, NULL, fork_in_thread, &status), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(status, 0);
}

RUN_TESTS(.prepare = hak_objects_start)
