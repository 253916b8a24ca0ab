/* The lives of guarded blocks at a report, written down as if they had been recorded: in order,
 * whole, and nothing missing uncounted. */
#include "unit/trace/fake_collector.h"
#include <sys/resource.h>
#include "guard/guard.h"
#include "trace/crash/crash.h"

enum { LIVES_MOST = 10000 };

static struct fake_collector collector;
static struct hak_guarded_life lives[LIVES_MOST];
static int life_count;
static bool was_again;

static void each(bool again, void (*visit)(void *, const struct hak_guarded_life *),
                 void *context) {
    was_again = again;
    for (int i = 0; i < life_count; i++)
        visit(context, &lives[i]);
}

static const struct hak_trace_checks checks = {.each_life = each};

static void begin(uint64_t bytes) {
    fake_begin(&collector, bytes, 16 << 10);
    hak_trace_set_checks(&checks);
}

/* A block that thread `born` took and `freed` gave back, each so many ticks after the start. */
static struct hak_guarded_life *add(uint32_t born, uint64_t at, uint32_t freed, uint64_t end) {
    struct hak_guarded_life *life = &lives[life_count++];
    *life = (struct hak_guarded_life){.user = 0x7f0000001010 + (uint64_t)life_count * 0x2000,
                                      .delta_bytes = 16,
                                      .asked_bytes = 40,
                                      .born_ticks = hak_current.tsc_start + at,
                                      .freed_ticks = hak_current.tsc_start + end,
                                      .born_thread = born,
                                      .freed_thread = freed,
                                      .born_tid = (int32_t)(1000 + born),
                                      .freed_tid = (int32_t)(1000 + freed),
                                      .alloc_stack = 1,
                                      .free_stack = 2,
                                      .record_count = 5,
                                      .epoch = 3};
    return life;
}

static uint64_t lost(void) {
    return atomic_load(&hak_current.process->lost_unringed);
}

/* The record at `i` is this event. */
static void is_event(size_t i, uint8_t kind, uint32_t thread, uint64_t ticks,
                     const struct hak_guarded_life *life) {
    struct hak_event_fields got = fake_fields(&collector, i);
    ck_assert_uint_lt(i, collector.count);
    ck_assert_uint_eq(got.kind, kind);
    ck_assert_uint_eq(collector.seen[i].thread, thread);
    ck_assert_int_eq(fake_rings(&collector)[collector.seen[i].ring].tid, (int)(1000 + thread));
    ck_assert_uint_eq(got.time, ticks);
    ck_assert_uint_eq(got.address, life->user);
    ck_assert_uint_eq(got.size, life->asked_bytes);
    ck_assert_uint_eq(got.delta_bytes, life->delta_bytes);
    ck_assert_uint_eq(got.stack, kind == HAK_MALLOC ? life->alloc_stack : life->free_stack);
    ck_assert_uint_eq(got.record_count, life->record_count + (kind == HAK_FREE));
    ck_assert_uint_eq(got.epoch, life->epoch);
    ck_assert_uint_eq(got.place, HAK_PLACE_GUARDED);
}

TEST(events_stand_by_thread_and_time) {
    begin(16 << 20);
    add(2, 500, 1, 900);
    add(1, 700, 2, 800);
    add(1, 100, 0, 0);
    hak_crash_bring_lives(false);
    ck_assert(!was_again);
    ck_assert_uint_eq(fake_drain(&collector), 5);
    is_event(0, HAK_MALLOC, 1, 100, &lives[2]);
    is_event(1, HAK_MALLOC, 1, 700, &lives[1]);
    is_event(2, HAK_FREE, 1, 900, &lives[0]);
    is_event(3, HAK_MALLOC, 2, 500, &lives[0]);
    is_event(4, HAK_FREE, 2, 800, &lives[1]);
    ck_assert_uint_eq(collector.rings_freed, 2);
    ck_assert_uint_eq(lost(), 0);
    hak_crash_bring_lives(true);
    ck_assert(was_again);
}

TEST(an_event_that_was_told_before_is_left_out) {
    begin(16 << 20);
    add(0, 100, 1, 200);
    add(0, 300, 0, 400);
    hak_crash_bring_lives(false);
    ck_assert_uint_eq(fake_drain(&collector), 1);
    is_event(0, HAK_FREE, 1, 200, &lives[0]);
}

/* The forked child's session begins behind the lives that it has from its parent. */
TEST(what_has_one_time_stands_in_the_order_of_the_block) {
    begin(16 << 20);
    for (int i = 0; i < 100; i++) {
        struct hak_guarded_life *life = add(1, 0, 1, 0);
        life->user = lives[0].user;
        life->born_ticks = life->freed_ticks = hak_current.tsc_start - 1000 + (uint64_t)i;
        life->record_count = 5 + 2 * (uint32_t)i;
        life->epoch = 3 + (uint32_t)i / 50;
    }
    hak_crash_bring_lives(false);
    ck_assert_uint_eq(fake_drain(&collector), 200);
    for (size_t i = 0; i < 200; i++)
        is_event(i, i % 2 ? HAK_FREE : HAK_MALLOC, 1, 0, &lives[i / 2]);
}

TEST(a_wide_event_comes_whole) {
    begin(16 << 20);
    add(1, 100, 1, 200)->asked_bytes = (uint64_t)1 << 40;
    hak_crash_bring_lives(false);
    ck_assert_uint_eq(fake_drain(&collector), 4);
    is_event(0, HAK_MALLOC, 1, 100, &lives[0]);
    is_event(2, HAK_FREE, 1, 200, &lives[0]);
}

TEST(more_than_there_is_room_for_is_counted) {
    begin(16 << 20);
    for (int i = 0; i < LIVES_MOST; i++)
        add(1, (uint64_t)i, 0, 0);
    hak_crash_bring_lives(false);
    size_t written = fake_drain(&collector);
    ck_assert_uint_eq(written, 8192);
    ck_assert_uint_eq(lost(), LIVES_MOST - written);
}

TEST(without_rings_all_is_counted) {
    begin(16 << 20);
    for (uint32_t i = 0; i < hak_current.extent_count; i++)
        atomic_store(&hak_current.session->extent_taken[i], 1);
    add(1, 100, 1, 200);
    add(2, 300, 0, 0);
    hak_crash_bring_lives(false);
    ck_assert_uint_eq(fake_drain(&collector), 0);
    ck_assert_uint_eq(lost(), 3);
}

TEST(without_memory_all_is_counted) {
    struct rlimit whole, none;
    begin(16 << 20);
    add(1, 100, 1, 200);
    add(2, 300, 0, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &whole), 0);
    none = whole;
    none.rlim_cur = 4096;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    hak_crash_bring_lives(false);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &whole), 0);
    ck_assert_uint_eq(lost(), 3);
    ck_assert_uint_eq(fake_drain(&collector), 0);
}

RUN_TESTS()
