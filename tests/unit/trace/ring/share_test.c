/* Threads that get no ring of their own share one: nothing is lost, every event is its thread's. */
#include "unit/trace/fake_collector.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include "trace/wait.h"
#include "platform/block_signals.h"
#include "platform/lock.h"

static struct fake_collector collector;

/* A session in which `own` threads get rings and the rest share one. */
static void begin(uint32_t own) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    ck_assert_uint_gt(hak_current.extent_count, own + 2);
    for (uint32_t i = own; i < hak_current.extent_count - 1; i++)
        atomic_store(&collector.session->extent_taken[i], 1);
}

enum { THREADS = 50, EACH = 3000 };
static pthread_barrier_t all_live;

static void *record_in_thread(void *context) {
    uint64_t first = (uint64_t)(uintptr_t)context * EACH;
    pthread_barrier_wait(&all_live);
    for (uint64_t i = 0; i < EACH; i++)
        record_number(first + i);
    pthread_barrier_wait(&all_live);
    hak_trace_thread_end();
    return NULL;
}

static void run_threads(void) {
    pthread_t threads[THREADS];
    pthread_barrier_init(&all_live, NULL, THREADS);
    fake_start(&collector);
    for (uintptr_t t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, record_in_thread, (void *)t), 0);
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    fake_stop(&collector);
}

/* Each thread's records are there once, in order, under one number that no other thread has. */
static void assert_events_have_their_thread(void) {
    uint32_t numbers[THREADS] = {0}, next[THREADS] = {0};
    for (size_t i = 0; i < collector.count; i++) {
        if (hak_record_kind_of(&collector.seen[i].record) != HAK_FREE)
            continue;
        uint32_t number = fake_fields(&collector, i).record_count, thread = number / EACH;
        ck_assert_uint_lt(thread, THREADS);
        ck_assert_uint_eq(number % EACH, next[thread]++);
        if (numbers[thread] == 0)
            numbers[thread] = collector.seen[i].thread;
        ck_assert_uint_eq(collector.seen[i].thread, numbers[thread]);
    }
    for (int t = 0; t < THREADS; t++) {
        ck_assert_uint_eq(next[t], EACH);
        for (int other = 0; other < t; other++)
            ck_assert_uint_ne(numbers[t], numbers[other]);
    }
}

TEST(fifty_threads_with_three_rings_lose_nothing) {
    begin(2);
    collector.session->ring_bytes =
        HAK_EXTENT_BYTES; /* none fills, grows and leaves an extent to another thread */
    run_threads();
    assert_events_have_their_thread();
    ck_assert_uint_eq(fake_count(&collector, HAK_THREAD_START), THREADS);
    ck_assert_uint_eq(fake_count(&collector, HAK_THREAD_END), THREADS);
    ck_assert_uint_eq(fake_lost(&collector), 0);
    ck_assert_uint_eq(atomic_load(&hak_current.process->lost_unringed), 0);
    ck_assert_uint_ge(collector.switches, (uint64_t)(THREADS - 2) * EACH);
    ck_assert_uint_eq(atomic_load(&collector.session->rings_high), 3);
    for (size_t i = 0; i < collector.count; i++) /* starts and ends name their threads, too */
        if (hak_record_kind_of(&collector.seen[i].record) == HAK_THREAD_START ||
            hak_record_kind_of(&collector.seen[i].record) == HAK_THREAD_END)
            ck_assert_uint_eq(collector.seen[i + 1].record.w[1] >> 32, collector.seen[i].thread);
}

TEST(wide_events_come_whole) {
    begin(0);
    struct hak_event_fields wide = {.kind = HAK_REALLOC,
                                    .class_index = HAK_CLASS_NONE,
                                    .address = 0x7fffdeadbee0,
                                    .size = 0x123456789abc,
                                    .old_address = 0x7f0012345670,
                                    .epoch = 0x89abcdef};
    hak_trace_record(&wide);
    fake_drain(&collector);
    struct hak_event_fields got = fake_fields(&collector, 2);
    ck_assert_uint_eq(got.kind, HAK_REALLOC);
    ck_assert_uint_eq(got.size, wide.size);
    ck_assert_uint_eq(got.old_address, wide.old_address);
    ck_assert_uint_eq(got.epoch, wide.epoch);
    ck_assert_uint_eq(collector.switches, 2);
}

TEST(goes_back_to_a_ring_of_its_own) {
    begin(0);
    record_number(0);
    ck_assert_ptr_null(hak_writer.ring);
    ck_assert_ptr_nonnull(hak_writer.shared);
    atomic_store(&collector.session->extent_taken[0], 0);
    uint64_t written = 1;
    for (; !hak_writer.ring && written < 1000; written++) {
        usleep(5000);
        record_number(written);
    }
    ck_assert_ptr_nonnull(hak_writer.ring);
    ck_assert_ptr_null(hak_writer.shared);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), written);
    ck_assert_uint_eq(fake_count(&collector, HAK_THREAD_START), 1);
    for (size_t i = 0; i < collector.count; i++)
        ck_assert_uint_eq(collector.seen[i].thread, collector.seen[0].thread);
}

TEST(nobody_reads_then_losses_are_told) {
    begin(0);
    hak_options.trace_full = HAK_FULL_DROP;
    enum { RECORDS = 20000 };
    for (uint64_t i = 0; i < RECORDS; i++)
        record_number(i);
    fake_drain(&collector);
    uint64_t kept = fake_count(&collector, HAK_FREE);
    ck_assert_uint_lt(kept, RECORDS);
    record_number(RECORDS);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_lost(&collector), RECORDS - kept);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), kept + 1);
    ck_assert_uint_eq(atomic_load(&fake_rings(&collector)[0].lost), RECORDS - kept);
}

TEST(losses_go_along_to_a_ring_of_its_own) {
    begin(0);
    hak_options.trace_full = HAK_FULL_DROP;
    uint64_t written = 0;
    for (; written < 20000; written++)
        record_number(written);
    uint64_t lost = atomic_load(&fake_rings(&collector)[0].lost);
    ck_assert_uint_gt(lost, 0);
    atomic_store(&collector.session->extent_taken[0], 0);
    for (; !hak_writer.ring && written < 30000; written++) {
        usleep(5000);
        record_number(written);
    }
    ck_assert_ptr_nonnull(hak_writer.ring);
    fake_drain(&collector);
    record_number(written++);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE) + fake_lost(&collector), written);
    ck_assert_uint_eq(atomic_load(&fake_rings(&collector)[0].lost), 0);
    ck_assert_uint_eq(atomic_load(&hak_writer.ring->lost), fake_lost(&collector));
}

TEST(a_thread_ends_with_losses_that_were_not_told) {
    begin(1);
    hak_options.trace_full = HAK_FULL_DROP;
    for (uint64_t i = 0; i < 2000; i++) /* in a ring of its own, of 512 records */
        record_number(i);
    ck_assert_ptr_nonnull(hak_writer.ring);
    hak_trace_thread_end();
    ck_assert_ptr_null(hak_writer.ring);
    ck_assert_uint_gt(atomic_load(&fake_rings(&collector)[0].lost), 1000);
}

TEST(nobody_reads_then_it_waits_once) {
    begin(0);
    atomic_store(&collector.session->keeper_heartbeat_ns, 0);
    /* Were each of these to wait, the test's time would be over. */
    for (uint64_t i = 0; i < 20000; i++)
        record_number(i);
    fake_drain(&collector);
    record_number(20000);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE) + fake_lost(&collector), 20001);
}

static void *record_one(void *unused) {
    (void)unused;
    record_number(1);
    hak_trace_thread_end();
    return NULL;
}

/* As a thread that was stopped for longer than it waits, and finds the lock free. */
TEST(a_free_lock_is_taken_however_late) {
    pthread_t writer;
    begin(0);
    record_number(0);
    struct hak_lock *lock = (struct hak_lock *)hak_writer.shared; /* its first member */
    ck_assert(hak_try_lock(lock));
    atomic_store(&hak_clock_is_barred, 1); /* time is the test's */
    ck_assert_int_eq(pthread_create(&writer, NULL, record_one, NULL), 0);
    while (!hak_lock_has_sleepers(lock))
        usleep(100);
    usleep(2000);
    atomic_store(&lock->holder, 0);
    atomic_fetch_add(&hak_clock_is_barred, 5000);
    hak_wake(&lock->holder);
    pthread_join(writer, NULL);
    atomic_store(&hak_clock_is_barred, 0);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_THREAD_START), 2); /* that met the lock */
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 2);
    ck_assert_uint_eq(fake_lost(&collector), 0);
}

static volatile uint64_t in_handler;
static void record_in_handler(int number) {
    (void)number;
    struct hak_event_fields fields = {
        .kind = HAK_MARK, .class_index = HAK_CLASS_NONE, .size = ++in_handler};
    hak_trace_record(&fields);
}

TEST(a_signal_handler_records_in_the_middle) {
    enum { RECORDS = 200000 };
    begin(0);
    fake_start(&collector);
    struct sigaction action = {.sa_handler = record_in_handler};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    for (uint64_t i = 0; i < RECORDS; i++)
        record_number(i);
    setitimer(ITIMER_REAL, &never, NULL);
    fake_stop(&collector);
    ck_assert_uint_gt(in_handler, 0);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), RECORDS);
    ck_assert_uint_eq(fake_count(&collector, HAK_MARK) +
                          atomic_load(&hak_current.process->lost_unringed),
                      in_handler);
}

static sigjmp_buf out_of_handler;
static void jump_out(int number) {
    (void)number;
    siglongjmp(out_of_handler, 1);
}

TEST(longjmp_out_of_handlers_leaves_no_lock_behind) {
    begin(0);
    fake_start(&collector);
    struct sigaction action = {.sa_handler = jump_out};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    static volatile uint64_t jumps, written;
    if (sigsetjmp(out_of_handler, 1) != 0)
        jumps++;
    else
        setitimer(ITIMER_REAL, &often, NULL);
    while (jumps < 2000) {
        record_number(written);
        written++;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    fake_stop(&collector);
    ck_assert_uint_gt(written, 0);
    /* A jump may come between a record's end and the count. */
    ck_assert_uint_ge(fake_count(&collector, HAK_FREE), written);
    ck_assert_uint_le(fake_count(&collector, HAK_FREE), written + jumps);
    ck_assert_uint_eq(fake_lost(&collector), 0);
}

/* The jump left the very first record, before there was a ring to share. */
TEST(a_first_record_left_by_longjmp_stops_nothing) {
    enum { RECORDS = 1000 };
    begin(0);
    hak_writer.depth = 1;
    for (uint64_t i = 0; i < RECORDS; i++)
        record_number(i);
    ck_assert_ptr_nonnull(hak_writer.shared);
    atomic_store(&collector.session->extent_taken[0], 0);
    uint64_t written = RECORDS;
    for (; !hak_writer.ring && written < 2 * RECORDS; written++) {
        usleep(5000);
        record_number(written);
    }
    ck_assert_ptr_nonnull(hak_writer.ring);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), written);
    ck_assert_uint_eq(fake_count(&collector, HAK_THREAD_START), 1);
    ck_assert_uint_eq(atomic_load(&hak_current.process->lost_unringed), 0);
}

TEST(a_child_leaves_the_inherited_ring_alone) {
    begin(0);
    for (uint32_t back = 2; back <= 3; back++) /* the parent takes two of three, the child one */
        atomic_store(&collector.session->extent_taken[hak_current.extent_count - back], 0);
    hak_options.trace_full = HAK_FULL_DROP;
    record_number(1);
    const struct hak_ring_entry *ring = hak_ring_shared_entry();
    uint64_t head = atomic_load(&ring->head);
    hak_trace_fork_prepare();
    pid_t child = fork();
    if (child == 0) {
        hak_trace_fork_child();
        for (uint64_t i = 0; i < 100; i++)
            record_number(2 + i);
        _exit(0);
    }
    hak_trace_fork_parent();
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_uint_eq(atomic_load(&ring->head), head + 2); /* FORK, and whose it is */
    fake_drain(&collector);
    uint64_t of_child = 0;
    for (size_t i = 0; i < collector.count; i++)
        of_child += collector.seen[i].process == 1 &&
                    hak_record_kind_of(&collector.seen[i].record) == HAK_FREE;
    ck_assert_uint_eq(of_child, 100);
}

TEST(what_a_killed_child_of_vfork_left_is_let_go) {
    begin(0);
    record_number(1);
    uint64_t at, ticks, signals, after;
    hak_block_signals(&signals); /* the mask that the parent of a vfork has kept */
    ck_assert(hak_ring_reserve(1, &at, &ticks));
    hak_ring_share_abandon();
    hak_restore_signals(&signals);
    record_number(2);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 2);
    hak_block_signals(&after);
    hak_restore_signals(&after);
    ck_assert_uint_eq(after, signals);
}

static void *reserve_and_sleep(void *unused) {
    uint64_t at, ticks;
    ck_assert(hak_ring_reserve(1, &at, &ticks));
    pthread_barrier_wait(&all_live);
    pthread_barrier_wait(&all_live);
    hak_ring_share_abandon();
    return unused;
}

TEST(a_lock_that_is_never_given_back_is_waited_for_once) {
    begin(0);
    record_number(0);
    pthread_t holder;
    pthread_barrier_init(&all_live, NULL, 2);
    pthread_create(&holder, NULL, reserve_and_sleep, NULL);
    pthread_barrier_wait(&all_live);
    /* Were each of these to wait, the test's time would be over. */
    for (uint64_t i = 1; i <= 1000; i++)
        record_number(i);
    pthread_barrier_wait(&all_live);
    pthread_join(holder, NULL);
    record_number(1001);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_lost(&collector), 1000);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 2);
}

RUN_TESTS()
