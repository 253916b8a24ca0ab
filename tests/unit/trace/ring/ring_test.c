/* A ring's promises to its reader: order, nothing twice, nothing silently gone. */
#include "unit/trace/fake_collector.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

static struct fake_collector collector;

/* All FREE records in the order of their time carry the numbers first, first + 1, ... */
static void assert_numbers_from(uint64_t first, uint64_t count) {
    uint64_t next = first;
    fake_sort(&collector);
    for (size_t i = 0; i < collector.count; i++) {
        if (hak_record_kind_of(&collector.seen[i].record) != HAK_FREE)
            continue;
        ck_assert_uint_eq(fake_fields(&collector, i).record_count, (uint32_t)next);
        next++;
    }
    ck_assert_uint_eq(next - first, count);
}

static void assert_times_in_order(void) {
    uint64_t last[HAK_RINGS] = {0};
    for (size_t i = 0; i < collector.count; i++) {
        uint64_t time = hak_record_time(&collector.seen[i].record);
        ck_assert_uint_ge(time, last[collector.seen[i].ring]);
        last[collector.seen[i].ring] = time;
    }
}

TEST(a_thread_begins_with_its_start) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    record_number(7);
    ck_assert_uint_eq(fake_drain(&collector), 3);
    ck_assert_uint_eq(hak_record_kind_of(&collector.seen[0].record), HAK_THREAD_START);
    ck_assert_uint_eq(hak_record_flags_of(&collector.seen[0].record), HAK_RECORD_WIDE);
    ck_assert_uint_eq(hak_record_kind_of(&collector.seen[1].record), HAK_CONTINUATION);
    int32_t tid;
    memcpy(&tid, &collector.seen[1].record.w[1], sizeof tid);
    ck_assert_int_eq(tid, (int)syscall(SYS_gettid));
    struct hak_event_fields fields = fake_fields(&collector, 2);
    ck_assert_uint_eq(fields.kind, HAK_FREE);
    ck_assert_uint_eq(fields.class_index, 3);
    ck_assert_uint_eq(fields.address, 0x10000 + 7 * 16);
}

TEST(wraps_around_many_times) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    for (uint64_t i = 0; i < 100000; i++) {
        record_number(i);
        if (i % 100 == 0)
            fake_drain(&collector);
    }
    fake_drain(&collector);
    assert_times_in_order();
    assert_numbers_from(0, 100000);
    ck_assert_uint_eq(fake_rings(&collector)[0].capacity, 512);
    ck_assert_uint_gt(fake_rings(&collector)[0].head, 100000);
}

TEST(wide_values_come_whole) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    struct hak_event_fields wide = {.kind = HAK_REALLOC,
                                    .class_index = HAK_CLASS_NONE,
                                    .address = 0x7fffdeadbee0,
                                    .size = 0x123456789abc,
                                    .old_address = 0x7f0012345670,
                                    .delta_bytes = 1 << 20,
                                    .stack = 0xfedcba98,
                                    .record_count = 0xffffffff,
                                    .epoch = 0x89abcdef,
                                    .place = HAK_PLACE_LARGE,
                                    .subkind = 3,
                                    .flags = HAK_RECORD_PARTIAL};
    struct hak_event_fields asked = wide;
    hak_trace_record(&asked);
    fake_drain(&collector);
    struct hak_event_fields got = fake_fields(&collector, 2);
    ck_assert_uint_eq(got.size, wide.size);
    ck_assert_uint_eq(got.address, wide.address);
    ck_assert_uint_eq(got.old_address, wide.old_address);
    ck_assert_uint_eq(got.delta_bytes, wide.delta_bytes);
    ck_assert_uint_eq(got.epoch, wide.epoch);
    ck_assert_uint_eq(got.record_count, wide.record_count);
    ck_assert_uint_eq(got.stack, wide.stack);
    ck_assert_uint_eq(got.place, wide.place);
    ck_assert_uint_eq(got.subkind, wide.subkind);
    ck_assert_uint_eq(got.flags, HAK_RECORD_PARTIAL | HAK_RECORD_WIDE);
}

TEST(a_busy_ring_grows_up_to_four_megabytes) {
    fake_begin(&collector, 64 << 20, 256 << 10);
    uint64_t written = 0;
    for (; written < 8192 / 2 + 32768 / 2 + 131072 - 16; written++) /* early: these are few rings */
        record_number(written);
    ck_assert_uint_eq(atomic_load(&fake_rings(&collector)[0].state), HAK_RING_CLOSED);
    ck_assert_uint_eq(fake_rings(&collector)[0].next, 2);
    ck_assert_uint_eq(fake_rings(&collector)[1].capacity, 32768);
    ck_assert_uint_eq(fake_rings(&collector)[1].next, 3);
    ck_assert_uint_eq(fake_rings(&collector)[2].capacity * HAK_RECORD_BYTES, HAK_RING_MAX_BYTES);
    ck_assert_uint_eq(atomic_load(&fake_rings(&collector)[2].state), HAK_RING_CLAIMED);
    fake_drain(&collector);
    assert_numbers_from(0, written);
    ck_assert_uint_eq(fake_count(&collector, HAK_THREAD_START), 1);
    ck_assert_uint_eq(collector.rings_freed, 2);
}

TEST(one_of_many_rings_grows_when_it_is_full) {
    fake_begin(&collector, 64 << 20, 256 << 10);
    for (unsigned i = 1; i <= 63; i++)
        atomic_store(&collector.session->extent_taken[i], 1);
    uint64_t written = 0;
    for (; written < 8192 - 16; written++)
        record_number(written);
    ck_assert_uint_eq(fake_rings(&collector)[0].next, 0);
    for (; written < 8192 + 16; written++)
        record_number(written);
    ck_assert_uint_eq(fake_rings(&collector)[0].next, 2);
    ck_assert_uint_eq(fake_rings(&collector)[1].capacity, 32768);
    fake_drain(&collector);
    assert_numbers_from(0, written);
}

TEST(writer_and_reader_at_once) {
    enum { RECORDS = 3000000 };
    fake_begin(&collector, 16 << 20, 16 << 10);
    fake_start(&collector);
    for (uint64_t i = 0; i < RECORDS; i++)
        record_number(i);
    fake_stop(&collector);
    assert_numbers_from(0, RECORDS);
    ck_assert_uint_eq(fake_lost(&collector), 0);
}

TEST(nobody_reads_then_losses_are_told) {
    fake_begin(&collector, 8 << 20, 4 << 20);
    hak_options.trace_full = HAK_FULL_DROP;
    /* 8 MiB of session have extents for no ring of 4 MiB; the first that fits is what is asked. */
    collector.session->ring_bytes = 16 << 10;
    memset((void *)collector.session->extent_taken, 1, sizeof collector.session->extent_taken);
    atomic_store(&collector.session->extent_taken[0], 0);
    enum { RECORDS = 5000 };
    for (uint64_t i = 0; i < RECORDS; i++)
        record_number(i);
    ck_assert_uint_eq(fake_drain(&collector), 512);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 510);
    uint64_t before_loss = collector.count;
    record_number(RECORDS);
    fake_drain(&collector);
    ck_assert_uint_eq(hak_record_kind_of(&collector.seen[before_loss].record), HAK_LOSS);
    struct hak_event_fields loss = fake_fields(&collector, before_loss);
    ck_assert_uint_eq(loss.size, RECORDS - 510);
    ck_assert_uint_eq(loss.subkind, HAK_LOSS_RING_FULL);
    ck_assert_uint_le(loss.address, loss.old_address); /* from, to */
    ck_assert_uint_le(loss.old_address, loss.time);
    ck_assert_uint_eq(fake_fields(&collector, before_loss + 2).record_count, RECORDS);
    ck_assert_uint_eq(atomic_load(&fake_rings(&collector)[0].lost), RECORDS - 510);
}

static uint64_t waited_ms(void) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    record_number(0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (uint64_t)(end.tv_sec - begin.tv_sec) * 1000 + (uint64_t)(end.tv_nsec / 1000000) -
           (uint64_t)(begin.tv_nsec / 1000000);
}

TEST(a_full_ring_waits_once_not_for_each_event) {
    fake_begin(&collector, 8 << 20, 16 << 10);
    memset((void *)collector.session->extent_taken, 1, sizeof collector.session->extent_taken);
    atomic_store(&collector.session->extent_taken[0], 0);
    for (uint64_t i = 0; i < 510; i++)
        record_number(i);
    ck_assert_uint_ge(waited_ms(), 1000); /* nobody comes: it waits for seconds, then drops */
    /* Were each of these to wait, the test's time would be over. */
    for (uint64_t i = 0; i < 100000; i++)
        record_number(i);
    fake_drain(&collector);
    record_number(1);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_lost(&collector), 100001);
}

static volatile uint64_t in_handler;
static void record_in_handler(int number) {
    (void)number;
    struct hak_event_fields fields = {.kind = HAK_MARK, .class_index = HAK_CLASS_NONE};
    fields.size = ++in_handler;
    hak_trace_record(&fields);
}

TEST(a_signal_handler_records_in_the_middle) {
    enum { RECORDS = 2000000 };
    fake_begin(&collector, 16 << 20, 256 << 10);
    fake_start(&collector);
    struct sigaction action = {.sa_handler = record_in_handler};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    for (uint64_t i = 0; i < RECORDS; i++)
        record_number(i);
    setitimer(ITIMER_REAL, &never, NULL);
    fake_stop(&collector);
    assert_times_in_order();
    assert_numbers_from(0, RECORDS);
    ck_assert_uint_gt(in_handler, 0);
    ck_assert_uint_eq(fake_count(&collector, HAK_MARK) + fake_lost(&collector), in_handler);
}

/* A block that it hands out or frees may be another thread's before it returns. */
TEST(a_handlers_records_do_not_wait_for_the_one_it_interrupted) {
    fake_begin(&collector, 16 << 20, 256 << 10);
    record_number(0);
    struct sigaction action = {.sa_handler = record_in_handler};
    sigaction(SIGUSR1, &action, NULL);
    uint64_t at, ticks, before = in_handler;
    ck_assert(hak_ring_reserve(1, &at, &ticks));
    raise(SIGUSR1);
    raise(SIGUSR1);
    fake_drain(&collector);
    ck_assert_uint_eq(in_handler, before + 2);
    ck_assert_uint_eq(fake_count(&collector, HAK_MARK), 2);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 1);
    struct hak_event_fields fields = {
        .time = ticks, .kind = HAK_FREE, .class_index = HAK_CLASS_NONE, .record_count = 1};
    *hak_ring_slot(at) = hak_record_pack(&fields);
    hak_ring_finish();
    record_number(2);
    fake_drain(&collector);
    assert_numbers_from(0, 3);
    ck_assert_uint_eq(fake_lost(&collector), 0);
}

static sigjmp_buf out_of_handler;
static void jump_out(int number) {
    (void)number;
    siglongjmp(out_of_handler, 1);
}

TEST(a_record_left_by_longjmp_stops_nothing) {
    enum { RECORDS = 20000 };
    fake_begin(&collector, 16 << 20, 16 << 10);
    fake_start(&collector);
    record_number(0);
    uint64_t at, ticks;
    struct sigaction action = {.sa_handler = jump_out};
    sigaction(SIGUSR1, &action, NULL);
    if (sigsetjmp(out_of_handler, 1) == 0) {
        ck_assert(hak_ring_reserve(1, &at, &ticks)); /* ... and never finished */
        raise(SIGUSR1);
    }
    for (uint64_t i = 1; i < RECORDS; i++)
        record_number(i);
    fake_stop(&collector);
    assert_numbers_from(0, RECORDS);
    ck_assert_uint_eq(fake_lost(&collector), 1);
}

/* A handler that comes in the thread's first record, when there is no ring yet. */
TEST(a_handler_in_the_middle_of_the_first_record_is_recorded) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    struct sigaction action = {.sa_handler = record_in_handler};
    sigaction(SIGUSR1, &action, NULL);
    hak_writer.depth = 1; /* what the first record has done before it looks for room */
    raise(SIGUSR1);
    raise(SIGUSR1);
    ck_assert_uint_eq(hak_writer.depth, 1);
    ck_assert_uint_eq(atomic_load(hak_writer.head), hak_writer.reserved);
    hak_writer.depth = 0;
    for (uint64_t i = 0; i < 1000; i++)
        record_number(i);
    fake_drain(&collector);
    assert_times_in_order();
    assert_numbers_from(0, 1000);
    ck_assert_uint_eq(fake_count(&collector, HAK_MARK), 2);
    ck_assert_uint_eq(fake_count(&collector, HAK_THREAD_START), 1);
    ck_assert_uint_eq(fake_lost(&collector), 0);
    ck_assert_uint_eq(atomic_load(&hak_current.process->lost_unringed), 0);
    for (size_t i = 0; i < collector.count; i++)
        ck_assert_uint_eq(collector.seen[i].thread, collector.seen[0].thread);
}

TEST(a_first_record_left_by_longjmp_stops_nothing) {
    enum { RECORDS = 20000 };
    fake_begin(&collector, 16 << 20, 16 << 10);
    fake_start(&collector);
    struct sigaction action = {.sa_handler = jump_out};
    sigaction(SIGUSR1, &action, NULL);
    if (sigsetjmp(out_of_handler, 1) == 0) {
        hak_writer.depth = 1; /* ... and never anything else */
        raise(SIGUSR1);
    }
    for (uint64_t i = 0; i < RECORDS; i++)
        record_number(i);
    fake_stop(&collector);
    assert_numbers_from(0, RECORDS);
    ck_assert_uint_eq(hak_writer.depth, 0);
    ck_assert_uint_eq(fake_lost(&collector), 0);
    ck_assert_uint_eq(atomic_load(&hak_current.process->lost_unringed), 0);
}

static void *thread_records(void *context) {
    uint64_t records = (uint64_t)(uintptr_t)context;
    for (uint64_t i = 0; i < records; i++)
        record_number(i);
    hak_trace_thread_end();
    return NULL;
}

TEST(ten_thousand_threads_use_few_rings) {
    enum { THREADS = 10000, AT_ONCE = 8, EACH = 20 };
    fake_begin(&collector, 16 << 20, 16 << 10);
    fake_start(&collector);
    for (int i = 0; i < THREADS / AT_ONCE; i++) {
        pthread_t threads[AT_ONCE];
        for (int t = 0; t < AT_ONCE; t++)
            ck_assert_int_eq(pthread_create(&threads[t], NULL, thread_records, (void *)EACH), 0);
        for (int t = 0; t < AT_ONCE; t++)
            pthread_join(threads[t], NULL);
    }
    fake_stop(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_THREAD_START), THREADS);
    ck_assert_uint_eq(fake_count(&collector, HAK_THREAD_END), THREADS);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), THREADS * EACH);
    ck_assert_uint_eq(atomic_load(&hak_current.process->lost_unringed), 0);
    for (size_t i = 0; i < collector.count; i++)
        ck_assert_uint_lt(collector.seen[i].ring, 256);
}

TEST(no_extent_left_is_counted) {
    fake_begin(&collector, 8 << 20, 16 << 10);
    memset((void *)collector.session->extent_taken, 1, sizeof collector.session->extent_taken);
    for (uint64_t i = 0; i < 1000; i++)
        record_number(i);
    ck_assert_uint_eq(atomic_load(&hak_current.process->lost_unringed), 1000);
    ck_assert_uint_eq(fake_drain(&collector), 0);
}

TEST(events_after_the_end_of_a_thread_are_kept) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    record_number(1);
    hak_trace_thread_end();
    record_number(2);
    record_number(3);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_FREE), 3);
    ck_assert_uint_eq(collector.rings_freed, 3);
    for (size_t i = 0; i < collector.count; i++)
        ck_assert_uint_eq(collector.seen[i].thread, collector.seen[0].thread);
}

TEST(hostile_tails_do_no_harm) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    hak_options.trace_full = HAK_FULL_DROP;
    record_number(0);
    static const uint64_t tails[] = {0, UINT64_MAX, 1, 1000000, UINT64_MAX / 2, 3};
    for (uint64_t i = 0; i < 60000; i++) {
        atomic_store(&hak_writer.ring->tail, tails[i % 6]);
        record_number(i);
    }
    ck_assert_uint_le(hak_writer.ring->capacity, HAK_RING_MAX_BYTES / HAK_RECORD_BYTES);
}

RUN_TESTS()
