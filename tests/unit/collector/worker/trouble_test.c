/* A disk that refuses: what cannot be stored is counted, what comes later is stored again, and the
 * store is whole. SQLite's own writes are made to fail. */
#include <errno.h>
#include <sqlite3.h>
#include "../fake_worker.h"
#include "../../suite.h"
#include "store/reader/reader.h"
#include "store/check/check.h"

static int refuse_errno;         /* 0 = all goes well */
static unsigned writes_let_pass; /* before that */
static uint32_t written;

static ssize_t refusing_pwrite(int fd, const void *bytes, size_t count, off_t at) {
    if (refuse_errno && writes_let_pass-- == 0) {
        writes_let_pass = 0;
        errno = refuse_errno;
        return -1;
    }
    return pwrite(fd, bytes, count, at);
}

static void set_up(void) {
    begin_worker();
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 8192);
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    ck_assert_int_eq(vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)refusing_pwrite), 0);
    add_program(1);
    refuse_errno = 0;
    written = 0;
}
/* Blocks that come and go, each of another slot than the last ones. */
static void record(uint32_t count) {
    for (uint32_t i = 0; i < count; i++, written++)
        fake_event(&program, 0, written % 2 ? HAK_FREE : HAK_MALLOC, written / 2 % 64,
                   1 + written / 128 * 2 + written % 2, 0);
}

static uint64_t lost_in(const char *path, uint64_t *stored) {
    struct hak_store_reader *reader;
    struct hak_store_summary summary;
    ck_assert_int_eq(hak_store_open(path, &reader), 0);
    ck_assert_int_eq(hak_store_summarise(reader, &summary), 0);
    ck_assert_int_eq(hak_store_check(reader, NULL, NULL), 0);
    *stored = summary.events;
    hak_store_close(reader);
    return summary.lost_events;
}

static void refuses_and_recovers(int error, unsigned pass) {
    char path[HAK_PATH_BYTES];
    uint64_t stored;
    record(1000);
    commit();
    refuse_errno = error;
    writes_let_pass = pass;
    for (int i = 0; i < 3; i++) {
        record(1000);
        commit();
        struct hak_ring_entry *r = fake_ring(&program, 0); /* the program does not wait for room */
        ck_assert_uint_eq(atomic_load(&r->tail), atomic_load(&r->head));
    }
    ck_assert_uint_eq(hak_store_last_event(worker.capture.writer), 1000);
    refuse_errno = 0;
    worker.trouble_until_ns = 0; /* a second later */
    record(1000);
    commit();
    snprintf(path, sizeof path, "%s", worker.capture.path);
    ck_assert_uint_eq(lost_in(path, &stored), 3000);
    ck_assert_uint_eq(stored, 2000);
    ck_assert_int_eq(hak_store_finish(worker.capture.writer), 0);
    ck_assert_uint_eq(lost_in(path, &stored), 3000);
    ck_assert_uint_eq(stored, 2000);
}

/* It was printed; the capture says that it has one finding less. */
TEST(counts_a_report_that_a_full_disk_refuses) {
    char path[HAK_PATH_BYTES];
    uint64_t stored;
    record(1000);
    commit();
    uint64_t position = atomic_load(&fake_ring(&program, 0)->head);
    fake_put(&program, 0, (struct hak_event_fields){.kind = HAK_FAULT, .size = 202});
    commit();
    struct hak_report_request *request = fake_report(&program);
    request->fault_position = position;
    request->thread = 1;
    request->facts.fault = 202;
    atomic_store(&request->state, HAK_REPORT_READY);
    refuse_errno = ENOSPC;
    writes_let_pass = 0;
    hak_worker_report_faults(&worker);
    ck_assert_uint_eq(atomic_load(&request->state), HAK_REPORT_DONE);
    refuse_errno = 0;
    worker.trouble_until_ns = 0;
    record(1000);
    commit();
    ck_assert_int_eq(ask("SELECT count(*) FROM fault"), 0);
    ck_assert_int_eq(ask("SELECT sum(count) FROM loss WHERE reason LIKE '%report%'"), 1);
    snprintf(path, sizeof path, "%s", worker.capture.path);
    ck_assert_int_eq(hak_store_finish(worker.capture.writer), 0);
    ck_assert_uint_eq(lost_in(path, &stored), 1);
    ck_assert_uint_eq(stored, 2001);
}

/* A FAULT record, and the request for its report in the area, in that state. */
static void request_report(uint64_t address, uint32_t state) {
    struct hak_report_request *request = fake_report(&program);
    uint64_t position = atomic_load(&fake_ring(&program, 0)->head);
    fake_put(&program, 0,
             (struct hak_event_fields){.kind = HAK_FAULT, .size = 202, .address = address});
    request->fault_position = position;
    request->thread = 1;
    request->facts.fault = 202;
    request->facts.found_address = address;
    atomic_store(&request->state, state);
}

static int64_t reports(void) {
    return ask("SELECT count(*) FROM fault WHERE event > 0");
}

static uint32_t state(void) {
    return atomic_load(&fake_report(&program)->state);
}

/* KEEPING: the worker before died over it. */
TEST(stores_a_request_that_its_program_has_given_up, .until = 2) {
    record(10);
    request_report(FAKE_BLOCK, _i ? HAK_REPORT_KEEPING : HAK_REPORT_LEFT);
    hak_worker_report_faults(&worker);
    ck_assert_uint_eq(state(), HAK_REPORT_IDLE);
    hak_worker_report_faults(&worker);
    ck_assert_int_eq(reports(), 1);
}

/* The worker before died over it when it was stored: the program waits still (0, 1), has given up
 * (2, 3), or asks the successor of its collector (4). */
TEST(stores_a_report_once_that_a_worker_before_has_stored, .until = 5) {
    static const uint32_t states[] = {HAK_REPORT_WRITING, HAK_REPORT_PRINTING, HAK_REPORT_LEFT,
                                      HAK_REPORT_KEEPING, HAK_REPORT_READY};
    record(10);
    request_report(FAKE_BLOCK, HAK_REPORT_READY);
    hak_worker_report_faults(&worker);
    atomic_store(&fake_report(&program)->state, states[_i]);
    hak_worker_report_faults(&worker);
    ck_assert_int_eq(reports(), 1);
    request_report(FAKE_BLOCK, HAK_REPORT_READY); /* the same again, later */
    hak_worker_report_faults(&worker);
    ck_assert_int_eq(reports(), 2);
    ck_assert_int_eq(ask("SELECT max(id) FROM fault"), 2);
}

/* The worker knows no event of the request, as one that came after the death of another. */
static void forget_last_fault(void) {
    worker.clients[0]->last_fault_event = 0;
    worker.clients[0]->last_fault_position = 0;
}

/* A record keeps 48 bits of an address that may be tagged, or none at all. */
TEST(stores_a_report_once_whatever_its_address, .until = 3) {
    static const uint64_t addresses[] = {FAKE_BLOCK, (uint64_t)9 << 56 | FAKE_BLOCK, UINT64_MAX};
    record(10);
    request_report(addresses[_i], HAK_REPORT_READY);
    hak_worker_report_faults(&worker);
    atomic_store(&fake_report(&program)->state, HAK_REPORT_WRITING);
    forget_last_fault();
    hak_worker_report_faults(&worker);
    ck_assert_int_eq(ask("SELECT count(*) FROM fault"), 1);
}

/* The disk is full for a moment: the record of the second fault at the address is dropped. */
TEST(a_fault_whose_record_was_dropped_takes_no_row_of_another) {
    record(10);
    request_report(FAKE_BLOCK, HAK_REPORT_READY);
    hak_worker_report_faults(&worker);
    worker.trouble_until_ns = UINT64_MAX;
    request_report(FAKE_BLOCK, HAK_REPORT_READY);
    hak_worker_report_faults(&worker);
    ck_assert_int_eq(ask("SELECT count(*) FROM fault"), 2);
}

/* Both records are read before the first request is. */
TEST(a_fault_before_another_one_has_its_event) {
    record(10);
    request_report(FAKE_BLOCK + 48, HAK_REPORT_READY);
    fake_put(&program, 0,
             (struct hak_event_fields){.kind = HAK_FAULT, .size = 202, .address = FAKE_BLOCK});
    hak_worker_report_faults(&worker);
    ck_assert_uint_ne(worker.clients[0]->last_fault_position,
                      fake_report(&program)->fault_position);
    ck_assert_int_eq(reports(), 1);
    atomic_store(&fake_report(&program)->state, HAK_REPORT_WRITING);
    hak_worker_report_faults(&worker);
    ck_assert_int_eq(ask("SELECT count(*) FROM fault"), 1);
}

static void note_suppressed(uint64_t event) {
    char key[64];
    snprintf(key, sizeof key, "suppressed_fault.%llu", (unsigned long long)event);
    ck_assert(hak_capture_begin(&worker.capture));
    ck_assert_int_eq(hak_store_put_meta(worker.capture.writer, key, "1"), 0);
    ck_assert(hak_capture_end(&worker.capture, 0));
}

/* The worker before died when it had noted that the first report is suppressed. */
TEST(a_later_fault_of_a_suppressed_ones_block_is_suppressed) {
    record(10);
    fake_report(&program)->facts.base = FAKE_BLOCK;
    request_report(FAKE_BLOCK, HAK_REPORT_READY);
    commit();
    ck_assert_uint_gt(worker.clients[0]->last_fault_event, 0);
    note_suppressed(worker.clients[0]->last_fault_event);
    for (int i = 0; i < 2; i++) {
        hak_worker_report_faults(&worker);
        ck_assert_uint_eq(fake_report(&program)->answer, HAK_ANSWER_SUPPRESSED);
        fake_report(&program)->answer = HAK_ANSWER_NEW;
        request_report(FAKE_BLOCK, HAK_REPORT_READY);
    }
    ck_assert_int_eq(ask("SELECT count(*) FROM fault"), 0);
}

/* The disk refuses the note for a moment: nothing is lost. */
TEST(notes_a_suppressed_report_when_the_disk_has_room_again) {
    static const char notes[] = "SELECT count(*) FROM meta WHERE key GLOB 'suppressed_fault.*'";
    record(10);
    fake_report(&program)->facts.base = FAKE_BLOCK;
    request_report(FAKE_BLOCK, HAK_REPORT_READY);
    commit();
    note_suppressed(worker.clients[0]->last_fault_event);
    hak_worker_report_faults(&worker);
    request_report(FAKE_BLOCK, HAK_REPORT_READY);
    commit();
    refuse_errno = ENOSPC;
    writes_let_pass = 0;
    hak_worker_report_faults(&worker);
    ck_assert_uint_eq(fake_report(&program)->answer, HAK_ANSWER_SUPPRESSED);
    ck_assert_int_eq(ask(notes), 1);
    refuse_errno = 0;
    worker.trouble_until_ns = 0;
    commit();
    ck_assert_int_eq(ask(notes), 2);
    ck_assert_int_eq(ask("SELECT count(*) FROM loss"), 0);
}

/* The worker before has stored it: the disk refuses it only now. */
TEST(counts_no_loss_of_a_report_that_has_its_row) {
    record(10);
    request_report(FAKE_BLOCK, HAK_REPORT_READY);
    hak_worker_report_faults(&worker);
    atomic_store(&fake_report(&program)->state, HAK_REPORT_WRITING);
    refuse_errno = ENOSPC;
    writes_let_pass = 0;
    hak_worker_report_faults(&worker);
    ck_assert_uint_eq(state(), HAK_REPORT_DONE);
    refuse_errno = 0;
    worker.trouble_until_ns = 0;
    record(10);
    commit();
    ck_assert_int_eq(reports(), 1);
    ck_assert_int_eq(ask("SELECT count(*) FROM loss WHERE reason = '" HAK_LOSS_UNSTORED "'"), 0);
}

/* As where no memory is there to begin it: those of leaks are rows already. */
TEST(counts_a_request_that_is_not_begun, .until = 2) {
    record(10);
    request_report(FAKE_BLOCK, HAK_REPORT_LEFT);
    fake_report(&program)->facts.fault = _i ? 401 : 202;
    hak_fault_count_untaken(worker.clients[0], &worker.capture);
    commit();
    ck_assert_int_eq(ask("SELECT count(*) FROM loss WHERE reason = '" HAK_LOSS_UNSTORED "'"),
                     _i ? 0 : 1);
}

/* Another process has the area by then, in the last try. */
TEST(takes_nothing_of_another_request_for_one_that_was_left) {
    record(10);
    request_report(FAKE_BLOCK, HAK_REPORT_KEEPING);
    struct hak_fault *fault = hak_fault_begin(worker.clients[0]);
    ck_assert_uint_eq(state(), HAK_REPORT_IDLE);
    fake_report(&program)->answer = HAK_ANSWER_BASELINE;
    while (hak_fault_awaits_event(fault))
        hak_worker_commit(&worker);
    hak_fault_prepare(fault, &worker.capture);
    hak_fault_finish(fault, &worker.capture, &worker.findings);
    ck_assert_uint_eq(fake_report(&program)->answer, HAK_ANSWER_BASELINE);
    ck_assert_int_eq(reports(), 1);
}

/* Begins the report that the program waits for, which gives it up, then; ends it. */
static void report_given_up(void) {
    struct hak_fault *fault = hak_fault_begin(worker.clients[0]);
    ck_assert_ptr_nonnull(fault);
    ck_assert_uint_eq(state(), HAK_REPORT_WRITING);
    while (hak_fault_awaits_event(fault))
        hak_worker_commit(&worker);
    hak_fault_prepare(fault, &worker.capture);
    hak_worker_commit(&worker);
    atomic_store(&fake_report(&program)->state, HAK_REPORT_LEFT);
    hak_fault_finish(fault, &worker.capture, &worker.findings);
}

TEST(stores_once_what_is_given_up_while_it_is_written) {
    record(10);
    request_report(FAKE_BLOCK, HAK_REPORT_READY);
    report_given_up();
    ck_assert_uint_eq(state(), HAK_REPORT_IDLE);
    hak_worker_report_faults(&worker);
    ck_assert_int_eq(reports(), 1);
}

/* The program gave up two, one after the other, while the first was made. */
TEST(stores_another_request_that_is_left_meanwhile) {
    record(10);
    request_report(FAKE_BLOCK, HAK_REPORT_READY);
    struct hak_fault *fault = hak_fault_begin(worker.clients[0]);
    while (hak_fault_awaits_event(fault))
        hak_worker_commit(&worker);
    hak_fault_prepare(fault, &worker.capture);
    request_report(FAKE_BLOCK + 48, HAK_REPORT_LEFT);
    hak_fault_finish(fault, &worker.capture, &worker.findings);
    ck_assert_uint_eq(state(), HAK_REPORT_LEFT);
    hak_worker_report_faults(&worker);
    ck_assert_uint_eq(state(), HAK_REPORT_IDLE);
    ck_assert_int_eq(reports(), 2);
}

/* The program counts it where the collector cannot get it. */
TEST(counts_a_report_that_the_program_says_is_lost) {
    record(10);
    fake_put(&program, 0,
             (struct hak_event_fields){.kind = HAK_LOSS, .size = 1, .subkind = 3 /* ring.h */});
    record(10);
    commit();
    ck_assert_int_eq(ask("SELECT sum(count) FROM loss WHERE reason = '" HAK_LOSS_UNSTORED "'"), 1);
}

/* The refused record was read with the id that the next event got. */
TEST(a_fault_whose_record_was_refused_has_no_event) {
    record(1000);
    commit();
    fake_put(&program, 0, (struct hak_event_fields){.kind = HAK_FAULT, .size = 202});
    commit();
    uint64_t position = atomic_load(&fake_ring(&program, 0)->head);
    fake_put(&program, 0, (struct hak_event_fields){.kind = HAK_FAULT, .size = 202});
    refuse_errno = ENOSPC;
    writes_let_pass = 0;
    commit();
    refuse_errno = 0;
    worker.trouble_until_ns = 0;
    record(1000);
    commit();
    struct hak_report_request *request = fake_report(&program);
    request->fault_position = position;
    request->thread = 1;
    request->facts.fault = 202;
    atomic_store(&request->state, HAK_REPORT_READY);
    hak_worker_report_faults(&worker);
    ck_assert_int_eq(ask("SELECT event FROM fault"), 0);
}

/* With all writes refused, with the first ones of a transaction let pass. */
TEST(counts_what_a_broken_disk_refuses, .until = 4) {
    refuses_and_recovers(EIO, (unsigned)_i * 2);
}
TEST(counts_what_a_full_disk_refuses, .until = 4) {
    refuses_and_recovers(ENOSPC, (unsigned)_i * 2);
}

RUN_TESTS(.set_up = set_up, .tear_down = end_worker)
