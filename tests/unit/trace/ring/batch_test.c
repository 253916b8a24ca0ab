/* Batches of moves in a ring: their form, and that none of their moves goes astray. */
#include "unit/trace/fake_collector.h"
#include <sys/time.h>

static struct fake_collector collector;

#define SLAB ((uint64_t)0x7f1234560000)
enum { STACK = 77, EPOCH = 9, CALLED_BY = 1 };

/* `count` blocks of one slab go to FRONT; they are numbered from `first` on. */
static void record_moves(uint64_t first, unsigned count) {
    uint64_t words[HAK_MOVES_BATCH_MAX];
    struct hak_event_fields fields = {.kind = HAK_FRONT_REFILL,
                                      .class_index = 3,
                                      .address = SLAB + 0x400 + first % 64 * 64,
                                      .stack = STACK,
                                      .record_count = (uint32_t)first,
                                      .epoch = EPOCH,
                                      .place = HAK_PLACE_FRONT};
    for (unsigned i = 0; i < count; i++)
        words[i] = hak_batch_word(SLAB + 0x400 + (first + i) % 64 * 64, (uint32_t)(first + i));
    hak_trace_record_batch(&fields, words, count);
}

static bool is_continuation(const struct hak_record *r, uint64_t time, uint32_t still_follow) {
    return hak_record_kind_of(r) == HAK_CONTINUATION && hak_record_time(r) == time &&
           hak_record_class(r) == still_follow;
}

/* The blocks behind the first of a batch whose head is seen[at] carry `next` and so on. */
static bool is_batch_from(size_t at, uint64_t next) {
    const struct seen *head = &collector.seen[at];
    uint32_t blocks = hak_record_batch_count(&head->record);
    for (uint32_t k = 1; k < blocks; k++, next++) {
        const struct hak_record *more = &head[1 + (k - 1) / 3].record;
        uint64_t word = more->w[1 + (k - 1) % 3];
        if (!is_continuation(more, hak_record_time(&head->record),
                             (blocks - 1 + 2) / 3 - 1 - (k - 1) / 3) ||
            (uint32_t)word != (uint32_t)next ||
            (SLAB >> 16 << 16 | word >> 32) != SLAB + 0x400 + next % 64 * 64)
            return false;
    }
    return true;
}

/* The moves carry the numbers 0, 1, ... in the order of the ring. */
static void assert_moves(uint64_t count) {
    uint64_t next = 0, wrong = 0;
    for (size_t i = 0; i < collector.count; i++) {
        const struct hak_record *r = &collector.seen[i].record;
        if (hak_record_kind_of(r) != HAK_FRONT_REFILL)
            continue;
        struct hak_event_fields fields = hak_record_unpack(r, NULL);
        wrong += fields.stack != STACK || fields.epoch != EPOCH || fields.delta_bytes != 0 ||
                 fields.record_count != (uint32_t)next ||
                 fields.address != SLAB + 0x400 + next % 64 * 64 || !is_batch_from(i, next + 1);
        next += hak_record_batch_count(r) ? hak_record_batch_count(r) : 1;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(next, count);
}

TEST(a_batch_has_one_head_and_three_blocks_in_each_continuation) {
    fake_begin(&collector, 16 << 20, 256 << 10);
    uint64_t next = 0;
    for (unsigned count = 1; count <= HAK_MOVES_BATCH_MAX; next += count++) {
        fake_drain(&collector);
        size_t before = collector.count;
        record_moves(next, count);
        fake_drain(&collector);
        unsigned start = next == 0 ? 2 : 0; /* THREAD_START */
        ck_assert_uint_eq(collector.count - before, start + 1 + (count - 1 + 2) / 3);
        const struct hak_record *head = &collector.seen[before + start].record;
        ck_assert_uint_eq(hak_record_batch_count(head), count > 1 ? count : 0);
        ck_assert_uint_eq(hak_record_flags_of(head), count > 1 ? HAK_RECORD_WIDE : 0);
        if (count > 1 && (count - 1) % 3 != 0)
            ck_assert_uint_eq(collector.seen[collector.count - 1].record.w[3], 0);
    }
    assert_moves(next);
}

TEST(a_move_of_one_wide_block_is_no_batch) {
    struct hak_event_fields fields = {.kind = HAK_BIGCACHE_PUT,
                                      .class_index = HAK_CLASS_NONE,
                                      .address = SLAB,
                                      .epoch = 1 << 23,
                                      .place = HAK_PLACE_BIGCACHE};
    fake_begin(&collector, 16 << 20, 256 << 10);
    hak_trace_record(&fields);
    fake_drain(&collector);
    ck_assert_uint_eq(collector.count, 4);
    ck_assert_uint_eq(hak_record_flags_of(&collector.seen[2].record), HAK_RECORD_WIDE);
    ck_assert_uint_eq(hak_record_batch_count(&collector.seen[2].record), 0);
    ck_assert_uint_eq(fake_fields(&collector, 2).epoch, 1 << 23);
}

TEST(batches_go_round_a_small_ring_beside_its_reader) {
    enum { BATCHES = 50000 };
    uint64_t next = 0;
    fake_begin(&collector, 16 << 20, 16 << 10);
    fake_start(&collector);
    for (unsigned i = 0; i < BATCHES; i++) {
        unsigned count = 1 + i % HAK_MOVES_BATCH_MAX;
        record_moves(next, count);
        next += count;
    }
    fake_stop(&collector);
    fake_sort(
        &collector); /* of a ring that grew, the new one may be read before the last of the old */
    assert_moves(next);
    ck_assert_uint_eq(fake_lost(&collector), 0);
}

TEST(what_does_not_fit_is_counted_block_by_block) {
    fake_begin(&collector, 8 << 20, 4 << 20);
    hak_options.trace_full = HAK_FULL_DROP;
    collector.session->ring_bytes = 16 << 10;
    memset((void *)collector.session->extent_taken, 1, sizeof collector.session->extent_taken);
    atomic_store(&collector.session->extent_taken[0], 0);
    enum { BATCHES = 200 };
    for (unsigned i = 0; i < BATCHES; i++)
        record_moves((uint64_t)i * HAK_MOVES_BATCH_MAX, HAK_MOVES_BATCH_MAX);
    fake_drain(&collector);
    uint64_t kept = 0;
    for (size_t i = 0; i < collector.count; i++) {
        const struct hak_record *r = &collector.seen[i].record;
        if (hak_record_kind_of(r) == HAK_FRONT_REFILL)
            kept += hak_record_batch_count(r) ? hak_record_batch_count(r) : 1;
    }
    record_number(0);
    fake_drain(&collector);
    ck_assert_uint_gt(kept, HAK_MOVES_BATCH_MAX);
    ck_assert_uint_eq(kept + fake_lost(&collector), BATCHES * HAK_MOVES_BATCH_MAX);
}

static volatile uint64_t in_handler;
static void record_in_handler(int number) {
    (void)number;
    in_handler++;
    hak_trace_record_call(hak_record_head(HAK_MALLOC, 3), SLAB + 8, 100,
                          hak_record_tail(1, EPOCH, HAK_PLACE_FRONT, CALLED_BY), 0);
}

TEST(a_signal_handler_records_in_the_middle_of_a_batch) {
    enum { BATCHES = 50000 };
    uint64_t next = 0, last = 0, wrong = 0;
    fake_begin(&collector, 16 << 20, 256 << 10);
    fake_start(&collector);
    struct sigaction action = {.sa_handler = record_in_handler};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    for (unsigned i = 0; i < BATCHES; i++, next += 30)
        record_moves(next, 30);
    setitimer(ITIMER_REAL, &never, NULL);
    fake_stop(&collector);
    ck_assert_uint_gt(in_handler, 0);
    ck_assert_uint_eq(fake_count(&collector, HAK_MALLOC), in_handler);
    fake_sort(&collector);
    assert_moves(next);
    for (size_t i = 0; i < collector.count; i++) {
        wrong += hak_record_time(&collector.seen[i].record) < last;
        last = hak_record_time(&collector.seen[i].record);
        if (hak_record_kind_of(&collector.seen[i].record) != HAK_MALLOC)
            continue;
        struct hak_event_fields fields = fake_fields(&collector, i);
        wrong += fields.address != SLAB + 8 || fields.size != 100 || fields.class_index != 3 ||
                 fields.epoch != EPOCH || fields.place != HAK_PLACE_FRONT ||
                 fields.subkind != CALLED_BY;
    }
    ck_assert_uint_eq(wrong, 0);
}

RUN_TESTS()
