/* The steps of a timeline add up to what the store says of the same two events, of each process and
 * stack, over forks, ends and losses; and one of them ends at the peak. */
#include "unit/store/family.h"
#include "viewer/profile/timeline.h"

enum { ROUNDS = 40, BRIEF = 2 };

static uint64_t brief_calls = BRIEF;

static void same(const struct hak_amount *got, const struct hak_amount *due, const char *what,
                 uint64_t from, uint64_t to) {
    ck_assert_msg(got->blocks == due->blocks && got->bytes == due->bytes,
                  "%s: %lu blocks of %lu bytes; due %lu of %lu (from %lu to %lu)", what,
                  (unsigned long)got->blocks, (unsigned long)got->bytes, (unsigned long)due->blocks,
                  (unsigned long)due->bytes, (unsigned long)from, (unsigned long)to);
}

/* The row of the store's answer, or one of zeros. */
static const struct hak_flow_row *find(const struct hak_flow *f, const struct hak_flow_row *row) {
    static const struct hak_flow_row none;
    for (uint32_t i = 0; i < f->rows; i++)
        if (f->row[i].process == row->process && f->row[i].stack == row->stack)
            return &f->row[i];
    return &none;
}

/* Steps first..last; `from` and `to` are the events between which they lie. */
static void compare(const struct timeline *t, uint32_t only, uint32_t first, int64_t last,
                    uint64_t from, uint64_t to) {
    struct timeline_sums *sums = calloc(t->flow.rows + 1, sizeof *sums);
    struct hak_flow_query q = {.from = from, .to = to, .process = only, .brief_calls = brief_calls};
    struct hak_flow due;
    struct hak_amount came = {0};
    must(hak_flow_read(r, &q, &due));
    timeline_add_up(t, first, last, sums);
    for (uint32_t i = 0; i < t->flow.rows; i++) {
        const struct hak_flow_row *row = find(&due, &t->flow.row[i]);
        same(&sums[i].before, &row->before, "before", from, to);
        same(&sums[i].inherited, &row->inherited, "inherited", from, to);
        same(&sums[i].came, &row->came, "came", from, to);
        same(&sums[i].went, &row->went, "went", from, to);
        same(&sums[i].brief, &row->brief, "brief", from, to);
        same(&sums[i].left, &row->left, "left", from, to);
        same(&sums[i].live, &row->live, "live", from, to);
        hak_amount_add(&came, sums[i].came);
    }
    same(&came, &due.came, "came in all", from, to); /* no row is missing */
    if (last >= 0)
        same(&t->step[last].live, &due.live, "live in all", from, to);
    hak_flow_free(&due);
    free(sums);
}

static void compare_timeline(uint64_t from, uint64_t to, uint32_t only, uint32_t steps) {
    struct timeline_query q = {
        .from = from, .to = to, .process = only, .brief_calls = brief_calls, .steps = steps};
    struct timeline t;
    uint64_t event = from;
    must(timeline_read(r, &q, &t));
    ck_assert_uint_le(t.steps, steps + 2);
    for (uint32_t i = 0; i < t.steps; i++) {
        ck_assert_uint_ge(t.step[i].event, event);
        event = t.step[i].event;
        ck_assert_uint_le(t.step[i].live.bytes, t.step[i].most_bytes);
        ck_assert_uint_le(t.step[i].most_bytes, t.flow.peak.live.bytes);
        compare(&t, only, 0, i, from, event);
    }
    ck_assert_uint_eq(event, to ? to : capture.id);
    if (t.flow.peak.id) {
        ck_assert_uint_eq(t.step[t.peak_step].event, t.flow.peak.id);
        ck_assert_uint_eq(t.step[t.peak_step].ns, t.flow.peak.ns);
    }
    for (int i = 0; i < 6; i++) {
        uint32_t last = (uint32_t)draw(t.steps), first = (uint32_t)draw(last + 1);
        uint64_t before = first ? t.step[first - 1].event : from;
        if (before < t.step[last].event)
            compare(&t, only, first, last, before, t.step[last].event);
    }
    timeline_free(&t);
}

TEST(steps_add_up_to_what_the_store_says, .until = 2) {
    begin_family(_i);
    for (uint32_t p = 0; p <= PROCESSES; p++)
        compare_timeline(0, 0, p, p == 0 ? 60 : 7);
}

TEST(any_two_events_will_do, .until = 2) {
    begin_family(_i);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t to = 1 + draw(capture.id), from = draw(to);
        compare_timeline(from, draw(5) ? to : 0, (uint32_t)(draw(2) ? draw(PROCESSES + 1) : 0),
                         1 + (uint32_t)draw(12));
    }
}

/* Out of the stored profile it is the same, to the end and to any event. */
TEST(runs_add_up_to_what_the_store_says, .until = 4) {
    struct timeline t;
    run_events = _i < 2 ? 200 : 1000;
    brief_calls = 1;
    begin_family(_i % 2);
    ck_assert_int_eq(timeline_read_runs(r, &(struct timeline_query){.steps = 9}, &t), 1);
    timeline_free(&t);
    compare_timeline(0, 0, 0, 60);
    for (int i = 0; i < ROUNDS; i++)
        compare_timeline(0, 1 + draw(capture.id), 0, 1 + (uint32_t)draw(12));
}

TEST(a_time_is_in_one_step) {
    begin_family(0);
    struct timeline t;
    must(timeline_read(r, &(struct timeline_query){.steps = 9}, &t));
    ck_assert_int_eq(timeline_step_at(&t, t.step[0].ns - 1), -1);
    for (uint32_t i = 0; i + 1 < t.steps; i++) {
        ck_assert_int_eq(timeline_step_at(&t, t.step[i].ns), i);
        ck_assert_int_eq(timeline_step_at(&t, t.step[i + 1].ns - 1), i);
    }
    ck_assert_int_eq(timeline_step_at(&t, UINT64_MAX), t.steps - 1);
    timeline_free(&t);
}

TEST(times_do_not_go_back, .until = 2) {
    struct timeline t;
    is_late = true;
    run_events = _i ? 200 : 0;
    begin_family(0);
    must(timeline_read(r, &(struct timeline_query){.steps = 500}, &t));
    ck_assert_int_eq(t.is_of_runs, _i);
    for (uint32_t i = 0; i + 1 < t.steps; i++)
        ck_assert_uint_le(t.step[i].ns, t.step[i + 1].ns);
    timeline_free(&t);
}

RUN_TESTS(.seconds = 300, .tear_down = end_family)
