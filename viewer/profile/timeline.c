/* Cuts what the store tells of the rows (history/flow.h) into steps. */
#include "viewer/profile/timeline.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "store/error.h"

/* The changes of a row in the current step. */
struct event_row {
    struct timeline_change now;
    struct timeline_change at_peak; /* up to the event `peak`, the newest peak when it changed */
    uint64_t peak;
    bool is_changed;
};

struct event_reading {
    struct timeline *out;
    struct event_row *row;
    uint32_t row_room;
    uint32_t *changed; /* rows of the step at hand */
    uint32_t changed_count, changed_room;
    uint32_t step_room, change_room;
    uint64_t boundary; /* the event that the step before ended with */
    /* The step in which the newest peak lies, up to the peak; put in when all is read. */
    struct timeline_change *until_peak;
    uint32_t until_peak_count, until_peak_room;
    bool failed; /* no memory */
};

/* The sum in a change that this kind of change adds to. */
static struct hak_amount *sum_of(struct timeline_change *change, enum hak_flow_change what) {
    struct hak_amount *sums[HAK_FLOW_CHANGES] = {
        [HAK_FLOW_INHERITED] = &change->inherited, [HAK_FLOW_CAME] = &change->came,
        [HAK_FLOW_WENT] = &change->went,           [HAK_FLOW_BRIEF] = &change->brief,
        [HAK_FLOW_LEFT] = &change->left,
    };
    return sums[what];
}

static bool is_zero(const struct hak_amount *sum) {
    return !sum->blocks && !sum->bytes;
}

static bool is_change_zero(const struct timeline_change *c) {
    return is_zero(&c->inherited) && is_zero(&c->came) && is_zero(&c->went) && is_zero(&c->brief) &&
           is_zero(&c->left);
}

/* ---- one scan ----------------------------------------------------------------------------------
 */

/* Keeps what the row had got up to the newest peak, before it gets more. */
static void keep_until_peak(const struct event_reading *r, struct event_row *row) {
    if (row->peak == r->out->flow.peak.id)
        return;
    row->at_peak = row->now;
    row->peak = r->out->flow.peak.id;
}

/* Adds a change of a row to those of the current step; without memory r->failed is set. */
static void take_change(void *context, uint32_t number, enum hak_flow_change what,
                        struct hak_amount sum) {
    struct event_reading *r = context;
    if (r->failed || (number >= r->row_room &&
                      !hak_growing_reach(&r->row, number, &r->row_room, sizeof *r->row))) {
        r->failed = true;
        return;
    }
    struct event_row *row = &r->row[number];
    if (!row->is_changed) {
        if (!hak_growing_make_room(&r->changed, r->changed_count, &r->changed_room,
                                   sizeof *r->changed)) {
            r->failed = true;
            return;
        }
        r->changed[r->changed_count++] = number;
        *row = (struct event_row){.now.row = number, .is_changed = true};
    }
    keep_until_peak(r, row);
    hak_amount_add(sum_of(&row->now, what), sum);
}

int timeline_compare_rows(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Appends a change that is not zero; false, and r->failed, where memory ends. */
static bool put_change(struct event_reading *r, struct timeline_change **list, uint32_t *count,
                       uint32_t *room, const struct timeline_change *change) {
    if (is_change_zero(change))
        return true;
    if (!hak_growing_make_room(list, *count, room, sizeof **list)) {
        r->failed = true;
        return false;
    }
    (*list)[(*count)++] = *change;
    return true;
}

/* Puts what its rows got until the newest peak, which lies in the step at hand. */
static void put_until_peak(struct event_reading *r) {
    r->until_peak_count = 0;
    for (uint32_t i = 0; i < r->changed_count && !r->failed; i++) {
        struct event_row *row = &r->row[r->changed[i]];
        keep_until_peak(r, row);
        row->at_peak.row = row->now.row;
        put_change(r, &r->until_peak, &r->until_peak_count, &r->until_peak_room, &row->at_peak);
    }
}

/* Ends a step: writes the changes of its rows, sorted, and which step has the peak. */
static void take_step(void *context, uint32_t step, uint64_t id, uint64_t ns,
                      struct hak_amount live) {
    struct event_reading *r = context;
    struct timeline *out = r->out;
    const struct hak_flow_step *s = &out->flow.step[step];
    if (r->failed ||
        !hak_growing_make_room(&out->step, out->steps, &r->step_room, sizeof *out->step)) {
        r->failed = true;
        return;
    }
    if (r->changed_count)
        qsort(r->changed, r->changed_count, sizeof *r->changed, timeline_compare_rows);
    if (out->flow.peak.id > r->boundary) {
        put_until_peak(r);
        out->peak_step = out->steps;
    }
    uint32_t first = out->changes;
    for (uint32_t i = 0; i < r->changed_count && !r->failed; i++) {
        struct event_row *row = &r->row[r->changed[i]];
        put_change(r, &out->change, &out->changes, &r->change_room, &row->now);
        row->is_changed = false;
    }
    out->step[out->steps++] = (struct timeline_step){.event = id,
                                                     .ns = ns,
                                                     .most_bytes = s->most_bytes,
                                                     .least_bytes = s->least_bytes,
                                                     .live = live,
                                                     .first = first,
                                                     .changes = out->changes - first};
    r->boundary = id;
    r->changed_count = 0;
}

/* ---- the peak's own boundary -------------------------------------------------------------------
 */

/* Takes from the changes of `step` those until the peak, which are among them. */
static void split_changes(struct event_reading *r, const struct timeline_step *step) {
    struct timeline_change *change = &r->out->change[step->first];
    for (uint32_t i = 0, j = 0; i < r->until_peak_count; i++) {
        const struct timeline_change *less = &r->until_peak[i];
        while (j < step->changes && change[j].row < less->row)
            j++;
        if (j == step->changes || change[j].row != less->row)
            continue;
        hak_amount_take(&change[j].inherited, less->inherited);
        hak_amount_take(&change[j].came, less->came);
        hak_amount_take(&change[j].went, less->went);
        hak_amount_take(&change[j].brief, less->brief);
        hak_amount_take(&change[j].left, less->left);
    }
}

/* Makes two steps of the one in which the peak lies, unless that ends with it. */
static void split_at_peak(struct event_reading *r) {
    struct timeline *t = r->out;
    const struct hak_flow_peak *peak = &t->flow.peak;
    uint32_t at = (uint32_t)t->peak_step, count = r->until_peak_count;
    if (t->peak_step < 0 || t->step[at].event == peak->id)
        return;
    uint32_t first = t->step[at].first;
    for (uint32_t i = 0; i < count && !r->failed; i++) /* room for those until the peak */
        put_change(r, &t->change, &t->changes, &r->change_room, &r->until_peak[i]);
    if (r->failed || !hak_growing_make_room(&t->step, t->steps, &r->step_room, sizeof *t->step)) {
        r->failed = true;
        return;
    }
    split_changes(r, &t->step[at]);
    memmove(&t->change[first + count], &t->change[first],
            (t->changes - count - first) * sizeof *t->change);
    memcpy(&t->change[first], r->until_peak, count * sizeof *t->change);
    memmove(&t->step[at + 1], &t->step[at], (t->steps - at) * sizeof *t->step);
    t->steps++;
    t->step[at].event = peak->id;
    t->step[at].ns = peak->ns;
    t->step[at].live = peak->live;
    t->step[at].most_bytes = peak->live.bytes;
    t->step[at].changes = count;
    for (uint32_t i = at + 1; i < t->steps; i++)
        t->step[i].first += count;
}

/* Drops changes of nothing from all steps: a row whose changes all happened until the peak has
 * nothing behind it. */
static void drop_nothing(struct timeline *t) {
    uint32_t to = 0;
    for (uint32_t i = 0; i < t->steps; i++) {
        uint32_t first = t->step[i].first, end = first + t->step[i].changes;
        t->step[i].first = to;
        for (uint32_t j = first; j < end; j++)
            if (!is_change_zero(&t->change[j]))
                t->change[to++] = t->change[j];
        t->step[i].changes = to - t->step[i].first;
    }
    t->changes = to;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

/* Makes the steps' times rise: events lie in the order of their commit: one of another process may
 * be older than the event before it. A step ends with the newest time so far. */
static void order_times(struct timeline *t) {
    for (uint32_t i = 1; i < t->steps; i++)
        if (t->step[i].ns < t->step[i - 1].ns)
            t->step[i].ns = t->step[i - 1].ns;
}

int timeline_read(struct hak_store_reader *r, const struct timeline_query *query,
                  struct timeline *out) {
    struct event_reading reading = {.out = out};
    struct hak_flow_follower follower = {take_change, take_step, &reading};
    struct hak_flow_query flow = {.from = query->from,
                                  .to = query->to,
                                  .process = query->process,
                                  .brief_calls = query->brief_calls,
                                  .steps = query->steps ? query->steps : 1,
                                  .follower = &follower};
    int stored = hak_store_sampled_rate(r) ? timeline_read_sampled(r, query, out)
                                           : timeline_read_runs(r, query, out);
    if (stored > 0)
        order_times(out);
    if (stored)
        return stored < 0 ? stored : 0;
    timeline_free(out);
    *out = (struct timeline){.peak_step = -1};
    reading.boundary = query->from;
    int error = hak_flow_read(r, &flow, &out->flow);
    if (!error && !reading.failed) {
        split_at_peak(&reading);
        drop_nothing(out);
        order_times(out);
    }
    free(reading.row);
    free(reading.changed);
    free(reading.until_peak);
    if (reading.failed && !error)
        return hak_store_fail(HAK_STORE_INTERNAL, "out of memory for the timeline");
    return error;
}

void timeline_free(struct timeline *timeline) {
    hak_flow_free(&timeline->flow);
    free(timeline->step);
    free(timeline->change);
    *timeline = (struct timeline){0};
}

/* Adds a step to what was live before. */
static void add_to_before(const struct timeline *t, const struct timeline_step *step,
                          struct timeline_sums *out) {
    for (uint32_t i = step->first; i < step->first + step->changes; i++) {
        const struct timeline_change *c = &t->change[i];
        struct hak_amount *before = &out[c->row].before;
        hak_amount_add(before, c->inherited);
        hak_amount_add(&out[c->row].inherited_before, c->inherited);
        hak_amount_add(before, c->came);
        hak_amount_take(before, c->went);
        hak_amount_take(before, c->left);
    }
}

/* Adds a step's changes to the sums of their rows. */
static void add_step_to_sums(const struct timeline *t, const struct timeline_step *step,
                             struct timeline_sums *out) {
    for (uint32_t i = step->first; i < step->first + step->changes; i++) {
        const struct timeline_change *c = &t->change[i];
        struct timeline_sums *sums = &out[c->row];
        hak_amount_add(&sums->inherited, c->inherited);
        hak_amount_add(&sums->came, c->came);
        hak_amount_add(&sums->went, c->went);
        hak_amount_add(&sums->brief, c->brief);
        hak_amount_add(&sums->left, c->left);
    }
}

void timeline_add_up(const struct timeline *timeline, uint32_t first, int64_t last,
                     struct timeline_sums *out) {
    for (uint32_t i = 0; i < timeline->flow.rows; i++)
        out[i] = (struct timeline_sums){.before = timeline->flow.row[i].before};
    for (uint32_t i = 0; i < first && i < timeline->steps; i++)
        add_to_before(timeline, &timeline->step[i], out);
    for (int64_t i = first; i <= last && i < timeline->steps; i++)
        add_step_to_sums(timeline, &timeline->step[i], out);
    for (uint32_t i = 0; i < timeline->flow.rows; i++) {
        struct timeline_sums *s = &out[i];
        s->live = s->before;
        hak_amount_add(&s->live, s->inherited);
        hak_amount_add(&s->live, s->came);
        hak_amount_take(&s->live, s->went);
        hak_amount_take(&s->live, s->left);
    }
}

int64_t timeline_step_at(const struct timeline *timeline, uint64_t ns) {
    int64_t low = 0, high = timeline->steps; /* the first that ends behind `ns` */
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (timeline->step[middle].ns <= ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}
