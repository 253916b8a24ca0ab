/* Takes records of the rings of a file, and counts the others as lost. */
#include "collector/session/rings_file.h"
#include "../../suite.h"
#include "collector/worker/worker.h"
#include "../fake_worker.h"
#include "store/reader/reader.h"

enum { CAPACITY = 2048, SPARE = 256 };

static void set_up(void) {
    begin_worker();
    program.session->overwrites = 1;
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0); /* alive, which does not matter */
    fake_claim_ring(&program, 0, 0, 1, CAPACITY);
    worker.imports = true;
}

static void tear_down(void) {
    hak_worker_free(&worker);
    fake_clean(&program);
}

/* `count` events, the oldest written over. */
static void write_events(uint32_t ring, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct hak_ring_entry *r = fake_ring(&program, ring);
        uint64_t head = atomic_load(&r->head);
        struct hak_event_fields f = {.kind = HAK_MALLOC,
                                     .time = fake_ticks(&program),
                                     .address = FAKE_BLOCK + 64 * head,
                                     .size = head,
                                     .record_count = 1,
                                     .epoch = 1,
                                     .class_index = 3};
        *fake_slot(&program, ring, head) = hak_record_pack(&f);
        atomic_store(&r->head, head + 1);
    }
}

static void take(void) {
    add_program(1);
    while (hak_worker_commit(&worker))
        continue;
}

/* Checks the contents of the store: events, lost events, size of the oldest event. */
static void is_stored(uint64_t events, uint64_t lost, uint64_t first) {
    struct hak_store_reader *reader;
    struct hak_store_summary summary;
    struct hak_event event;
    ck_assert_int_eq(
        hak_store_attach(hak_store_writer_database(worker.capture.writer)->connection, &reader), 0);
    ck_assert_int_eq(hak_store_summarise(reader, &summary), 0);
    ck_assert_uint_eq(summary.events, events);
    ck_assert_uint_eq(summary.lost_events, lost);
    ck_assert_int_eq(hak_store_event(reader, 1, &event), 1);
    ck_assert_uint_eq(event.size, first);
    hak_store_close(reader);
}

TEST(what_fits_is_taken_whole) {
    write_events(0, CAPACITY - SPARE);
    take();
    is_stored(CAPACITY - SPARE, 0, 0);
}

TEST(the_oldest_of_a_full_ring_may_be_half_written) {
    write_events(0, CAPACITY + 100);
    take();
    is_stored(CAPACITY - SPARE, 100 + SPARE, 100 + SPARE);
}

TEST(a_closed_ring_is_taken_to_its_oldest) {
    write_events(0, CAPACITY + 100);
    atomic_store(&fake_ring(&program, 0)->state, HAK_RING_CLOSED);
    take();
    is_stored(CAPACITY, 100, 100);
}

TEST(what_an_owner_before_wrote_is_not_taken) {
    write_events(0, 700);
    fake_ring(&program, 0)->start = 700;
    write_events(0, 10);
    take();
    is_stored(10, 0, 700);
}

TEST(an_event_of_a_shared_ring_keeps_its_thread) {
    struct hak_event_fields of = {.kind = HAK_THREAD_SWITCH, .address = 4711, .size = 7};
    write_events(0, SPARE - 1);
    of.time = fake_ticks(&program);
    fake_put_at(&program, 0, of);
    write_events(0, CAPACITY - SPARE);
    take(); /* begins behind the switch */
    is_stored(CAPACITY - SPARE, SPARE - 1, SPARE);
    struct hak_thread_info *thread = hak_rows_thread_info(&worker.capture.rows, 2);
    ck_assert_ptr_nonnull(thread);
    ck_assert_int_eq(thread->row.tid, 4711);
}

TEST(times_are_those_of_the_programs_clocks) {
    program.session->tsc_end = program.session->tsc_start + 3000000;
    program.session->monotonic_end_ns = program.session->monotonic_start_ns + 1000000;
    fake_put_at(&program, 0,
                (struct hak_event_fields){.kind = HAK_MALLOC, .time = 1500000, .class_index = 3});
    fake_put_at(&program, 0,
                (struct hak_event_fields){.kind = HAK_FREE, .time = 6000000, .class_index = 3});
    take();
    struct hak_store_reader *reader;
    struct hak_event event;
    ck_assert_int_eq(
        hak_store_attach(hak_store_writer_database(worker.capture.writer)->connection, &reader), 0);
    ck_assert_int_eq(hak_store_event(reader, 1, &event), 1);
    ck_assert_uint_eq(event.ns, 500000);
    ck_assert_int_eq(hak_store_event(reader, 2, &event), 1);
    ck_assert_uint_eq(event.ns, 2000000); /* behind the last look at the clocks */
    hak_store_close(reader);
}

TEST(heads_that_cannot_be_are_not_believed) {
    write_events(0, 10);
    fake_claim_ring(&program, 1, 0, 2, CAPACITY);
    atomic_store(&fake_ring(&program, 1)->head, UINT64_MAX);
    fake_claim_ring(&program, 2, 0, 3, CAPACITY);
    fake_ring(&program, 2)->start = UINT64_MAX;
    take();
    struct hak_store_reader *reader;
    struct hak_store_summary summary;
    ck_assert_int_eq(
        hak_store_attach(hak_store_writer_database(worker.capture.writer)->connection, &reader), 0);
    ck_assert_int_eq(hak_store_summarise(reader, &summary), 0);
    ck_assert_uint_eq(summary.events, 10);
    ck_assert_uint_ge(summary.lost_events, CAPACITY);
    hak_store_close(reader);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
