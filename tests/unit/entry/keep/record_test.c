/* Events of a kept allocator's blocks. The test is the allocator and the tracer. */
#include "entry/keep/keep.h"

#include <string.h>
#include "entry/keep/blocks.h"
#include "options.h"
#include "superslab.h"
#include "trace/trace.h"
#include "unit/suite.h"

enum { ROOM = 16 };
static struct hak_event_fields event[ROOM];
static unsigned events, counted[3];
static uint64_t taken, given, not_recorded, not_told;
static size_t usable_bytes;
struct hak_keep_next hak_keep_next;
_Atomic uint8_t hak_keep_bell;
static unsigned answers, events_before_answer;

void hak_keep_answer(void) {
    atomic_store(&hak_keep_bell, 0);
    answers++;
    events_before_answer = events;
}

void hak_trace_record(struct hak_event_fields *fields) {
    ck_assert_uint_lt(events, ROOM);
    event[events++] = *fields;
}
void hak_trace_count(enum hak_trace_count which) {
    counted[which]++;
}
void hak_hop_count(enum hak_counted which, unsigned class_index, uint64_t amount) {
    ck_assert_uint_eq(class_index, HAK_CLASS_NONE);
    taken += which == HAK_COUNTED_SLACK_TAKEN ? amount : 0;
    given += which == HAK_COUNTED_SLACK_GIVEN ? amount : 0;
    not_told += which == HAK_COUNTED_SLACK_UNKNOWN ? amount : 0;
    not_recorded += which == HAK_COUNTED_KEPT_UNKNOWN ? amount : 0;
}
uint32_t hak_stack_of_call(const void *frame, hak_call_t call, uint8_t *flags) {
    ck_assert_ptr_nonnull(frame);
    *flags = HAK_RECORD_GUESSED;
    return (uint32_t)(uintptr_t)*call;
}
static size_t tell_size(void *block) {
    ck_assert_ptr_nonnull(block);
    return usable_bytes;
}

static const void *where = (const void *)7;

static void begin(void) {
    hak_options.trace = 1;
    hak_keep_next = (struct hak_keep_next){
        .malloc_usable_size = tell_size, .tells_sizes = true, .is_glibc = true};
    usable_bytes = 64;
}

/* Blocks 1, 2, ...: no other case has touched their addresses. */
static void *block(uintptr_t number) {
    return (void *)(0x10000000 + number * 4096); /* NOLINT(performance-no-int-to-ptr) */
}

static void take(void *user, size_t bytes, enum hak_subkind by, void *from) {
    const struct hak_hand_out how = {
        .asked_bytes = bytes, .subkind = by, .moved_from = user_from(from), .call = &where};
    ck_assert_ptr_eq(hak_keep_taken(user, &how), user);
}

static bool give(void *user, enum hak_record_kind kind, size_t *bytes) {
    return hak_keep_given(user, kind, &where, bytes);
}

static void expect(unsigned i, enum hak_record_kind kind, const void *user, size_t bytes,
                   uint32_t count, unsigned subkind) {
    ck_assert_uint_lt(i, events);
    ck_assert_uint_eq(event[i].kind, kind);
    ck_assert_uint_eq(event[i].address, (uintptr_t)user);
    ck_assert_uint_eq(event[i].delta_bytes, 0);
    ck_assert_uint_eq(event[i].size, bytes);
    ck_assert_uint_eq(event[i].record_count, count);
    ck_assert_uint_eq(event[i].epoch, 1);
    ck_assert_uint_eq(event[i].subkind, subkind);
    ck_assert_uint_eq(event[i].class_index, HAK_CLASS_NONE);
    ck_assert_uint_eq(event[i].place, HAK_PLACE_KEPT);
}

TEST(a_life_has_two_records_and_its_slack) {
    size_t bytes;
    take(block(1), 50, HAK_BY_CALLOC, NULL);
    ck_assert_uint_eq(taken, 14);
    ck_assert(give(block(1), hak_free_by(HAK_GIVEN_BY_DELETE), &bytes));
    ck_assert_uint_eq(bytes, 50);
    ck_assert_uint_eq(given, 14);
    take(block(1), 64, HAK_BY_MALLOC, NULL);
    ck_assert_uint_eq(events, 3);
    expect(0, HAK_MALLOC, block(1), 50, 1, HAK_BY_CALLOC);
    expect(1, HAK_FREE, block(1), 50, 2, HAK_GIVEN_BY_DELETE);
    expect(2, HAK_MALLOC, block(1), 64, 3, HAK_BY_MALLOC);
    for (unsigned i = 0; i < events; i++) {
        ck_assert_uint_eq(event[i].stack, 7);
        ck_assert_uint_eq(event[i].flags, HAK_RECORD_GUESSED);
    }
    ck_assert_uint_eq(taken, 14);
}

TEST(a_realloc_ends_one_life_and_begins_another) {
    size_t bytes;
    take(block(1), 20, HAK_BY_NEW, NULL);
    ck_assert(give(block(1), HAK_REALLOC_FROM, &bytes));
    take(block(2), 40, HAK_BY_REALLOC, block(1));
    expect(1, HAK_REALLOC_FROM, block(1), 20, 2, HAK_BY_NEW);
    expect(2, HAK_REALLOC, block(2), 40, 1, HAK_BY_REALLOC);
    ck_assert_uint_eq(event[2].old_address, (uintptr_t)block(1));
}

TEST(a_second_free_is_wrong_only_where_nothing_passes_by) {
    size_t bytes;
    take(block(1), 20, HAK_BY_MALLOC, NULL);
    ck_assert(give(block(1), HAK_FREE, &bytes));
    ck_assert(!give(block(1), HAK_FREE, &bytes));
    ck_assert_uint_eq(bytes, 0);
    expect(2, HAK_FREE, block(1), 0, 2, HAK_GIVEN_BY_FREE);
    ck_assert_uint_eq(event[2].flags, HAK_RECORD_ILLEGAL | HAK_RECORD_GUESSED);
    hak_keep_next.is_glibc = false;
    ck_assert(!give(block(1), HAK_FREE, &bytes));
    ck_assert_uint_eq(events, 3);
    ck_assert_uint_eq(counted[HAK_COUNT_FOREIGN_FREE], 1);
    take(block(1), 30, HAK_BY_MALLOC, NULL);
    expect(3, HAK_MALLOC, block(1), 30, 3, HAK_BY_MALLOC);
}

TEST(what_was_never_seen_is_counted) {
    size_t bytes;
    ck_assert(!give(block(1), HAK_FREE, &bytes));
    ck_assert(!give((char *)block(1) + 4, HAK_FREE, &bytes));
    ck_assert_uint_eq(counted[HAK_COUNT_FOREIGN_FREE], 2);
    ck_assert(!give(NULL, HAK_FREE, &bytes));
    ck_assert_uint_eq(counted[HAK_COUNT_FREE_OF_NULL], 1);
    take(NULL, 20, HAK_BY_MALLOC, NULL);
    ck_assert_uint_eq(counted[HAK_COUNT_FAILED_CALL], 1);
    take((char *)block(1) + 4, 20, HAK_BY_MALLOC, NULL);
    ck_assert_uint_eq(not_recorded, 20);
    ck_assert_uint_eq(events, 0);
}

TEST(a_free_that_was_not_seen_ends_the_life) {
    take(block(1), 20, HAK_BY_MALLOC, NULL);
    take(block(1), 30, HAK_BY_MALLOC, NULL);
    ck_assert_uint_eq(events, 3);
    expect(1, HAK_FREE, block(1), 20, 2, HAK_GIVEN_BY_UNSEEN);
    ck_assert_uint_eq(event[1].stack, 0);
    expect(2, HAK_MALLOC, block(1), 30, 3, HAK_BY_MALLOC);
}

TEST(a_block_has_no_more_bytes_than_it_has) {
    take(block(1), SIZE_MAX - 4000, HAK_BY_ALIGNED, NULL);
    expect(0, HAK_MALLOC, block(1), 64, 1, HAK_BY_ALIGNED);
    ck_assert_uint_eq(taken, 0);
}

TEST(nobody_is_asked_for_sizes_that_he_does_not_know) {
    size_t bytes;
    hak_keep_next.tells_sizes = false;
    hak_keep_next.malloc_usable_size = NULL;
    take(block(1), 20, HAK_BY_NEW, NULL);
    expect(0, HAK_MALLOC, block(1), 20, 1, HAK_BY_NEW);
    ck_assert_uint_eq(not_told, 20);
    take(block(1), 30, HAK_BY_MALLOC, NULL);
    expect(1, HAK_FREE, block(1), 20, 2, HAK_GIVEN_BY_UNSEEN);
    ck_assert(give(block(1), HAK_FREE, &bytes));
    ck_assert_uint_eq(bytes, 30);
    take(block(1), (size_t)5 << 29, HAK_BY_MALLOC, NULL);
    expect(4, HAK_MALLOC, block(1), (size_t)5 << 29, 5, HAK_BY_MALLOC);
    ck_assert(give(block(1), HAK_FREE, &bytes));
    ck_assert_uint_eq(bytes, HAK_KEEP_BYTES_MAX);
    ck_assert_uint_eq(taken + given, 0);
}

TEST(nothing_is_kept_where_nothing_is_recorded) {
    size_t bytes;
    hak_options.trace = 0;
    take(block(1), 20, HAK_BY_MALLOC, NULL);
    ck_assert(!give(block(1), HAK_FREE, &bytes));
    ck_assert_uint_eq(events + counted[HAK_COUNT_FOREIGN_FREE], 0);
}

/* So that a mark stands between what was before it and what came then. */
TEST(ctl_is_served_before_the_call_is_recorded) {
    size_t bytes;
    atomic_store(&hak_keep_bell, 1);
    take(block(1), 20, HAK_BY_MALLOC, NULL);
    ck_assert_uint_eq(answers, 1);
    ck_assert_uint_eq(events_before_answer, 0);
    ck_assert_uint_eq(events, 1);
    atomic_store(&hak_keep_bell, 1);
    ck_assert(give(block(1), HAK_FREE, &bytes));
    ck_assert_uint_eq(answers, 2);
    ck_assert_uint_eq(events_before_answer, 1);
}

/* A life is recorded as a whole, or only its end is when recording goes on. */
TEST(what_is_taken_while_it_is_stopped_is_left_out) {
    size_t bytes;
    take(block(1), 20, HAK_BY_MALLOC, NULL);
    atomic_store(&hak_control.is_stopped, 1);
    take(block(2), 30, HAK_BY_MALLOC, NULL);
    take(block(3), 40, HAK_BY_MALLOC, NULL);
    ck_assert_uint_eq(events, 1);
    ck_assert(give(block(2), HAK_FREE, &bytes));
    ck_assert_uint_eq(bytes, 30);
    ck_assert_uint_eq(events, 1);
    ck_assert(give(block(1), HAK_FREE, &bytes)); /* of a life that is recorded */
    ck_assert_uint_eq(events, 2);
    take(block(1), 50, HAK_BY_MALLOC, NULL); /* its address goes to one that is not */
    ck_assert_uint_eq(events, 2);
    atomic_store(&hak_control.is_stopped, 0);
    ck_assert(give(block(3), HAK_FREE, &bytes));
    expect(2, HAK_FREE, block(3), 40, 2, HAK_GIVEN_BY_FREE);
    take(block(2), 60, HAK_BY_MALLOC, NULL);
    expect(3, HAK_MALLOC, block(2), 60, 3, HAK_BY_MALLOC); /* two records of it are missing */
    ck_assert_uint_eq(counted[HAK_COUNT_FOREIGN_FREE], 0);
}

TEST(a_second_free_is_wrong_while_it_is_stopped_too) {
    size_t bytes;
    atomic_store(&hak_control.is_stopped, 1);
    take(block(1), 20, HAK_BY_MALLOC, NULL);
    ck_assert(give(block(1), HAK_FREE, &bytes));
    ck_assert(!give(block(1), HAK_FREE, &bytes));
    ck_assert_uint_eq(events, 1);
    ck_assert_uint_eq(event[0].flags & HAK_RECORD_ILLEGAL, HAK_RECORD_ILLEGAL);
}

RUN_TESTS(.set_up = begin)
