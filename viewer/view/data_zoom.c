/* The timeline, of all of the capture or of a part of it. */
#include "viewer/view/data.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "viewer/view/data_parts.h"

#define STEPS        500 /* of the timeline */
#define ZOOM_QUARTER 8   /* without a span: an eighth to each side of the moment */

static const struct data_range everything;

static const struct data_range *range_of(const struct data *d) {
    return d->zooms ? &d->zoom[d->zooms - 1] : &everything;
}

/* ---- runs --------------------------------------------------------------------------------------
 * Where only the profile is kept, its runs are the steps. */

/* Makes steps of a timeline from stored runs of events, and finds the peak among them. False
 * without memory. */
static bool put_runs(struct timeline *t, const struct hak_heap_steps *runs) {
    uint64_t most = t->flow.before.bytes;
    t->step = calloc((size_t)runs->steps + 1, sizeof *t->step);
    for (uint32_t i = 0; t->step && i < runs->steps; i++) {
        const struct hak_heap_step *run = &runs->step[i];
        t->step[t->steps++] = (struct timeline_step){.event = run->last,
                                                     .ns = run->to_ns,
                                                     .most_bytes = run->most_bytes,
                                                     .live = {run->live.blocks, run->live.bytes}};
        t->flow.to_ns = run->to_ns;
        if (!run->most_event || run->most_bytes <= most)
            continue;
        most = run->most_bytes;
        t->peak_step = i;
        t->flow.peak = (struct hak_flow_peak){{0, run->most_bytes}, run->most_event, run->most_ns};
    }
    return t->step != NULL;
}

/* Reads a timeline of the zoomed range from stored runs of events. 0, or an error of the store. */
static int read_runs(struct data *d, struct timeline *out) {
    const struct data_range *range = range_of(d);
    struct hak_store_reader *r = d->view->reader;
    struct hak_heap_steps runs = {0};
    *out = (struct timeline){.peak_step = -1};
    int error = hak_heap_read_steps(r, range->from, range->to, d->query.process, &runs);
    out->flow.before = runs.before;
    out->flow.from_ns = range->from ? range->from_ns : runs.steps ? runs.step[0].from_ns : 0;
    out->flow.to_ns = out->flow.from_ns;
    if (!error && !put_runs(out, &runs))
        error = hak_store_no_memory(d->view->store_path);
    hak_heap_free_steps(&runs);
    return error;
}

/* ---- the timeline ------------------------------------------------------------------------------
 */

int data_read_timeline(struct data *d) {
    const struct data_range *range = range_of(d);
    struct timeline_query query = {.from = range->from,
                                   .to = range->to,
                                   .process = d->query.process,
                                   .brief_calls = d->query.brief_calls,
                                   .steps = STEPS};
    struct timeline timeline = {0};
    uint64_t begin = view_now_ns();
    int error =
        d->is_alone ? read_runs(d, &timeline) : timeline_read(d->view->reader, &query, &timeline);
    uint32_t rows = timeline.flow.rows;
    struct timeline_sums *sums = error ? NULL : calloc(rows ? rows : 1, sizeof *sums);
    if (error || !sums) {
        timeline_free(&timeline);
        return error ? view_store_error(d->view, error) : data_out_of_memory();
    }
    timeline_free(&d->timeline);
    free(d->sums);
    d->timeline = timeline;
    d->sums = sums;
    d->read_ns = view_now_ns() - begin;
    if (!d->zooms)
        d->peak_event = timeline.flow.peak.id;
    return 0;
}

int data_zoom_to_readable(struct data *d) {
    struct data_range range = {0};
    uint64_t ns;
    int error;
    if (!view_find_damage(d->view, &range.to, &ns, &error))
        return error ? view_store_error(d->view, error) : VIEW_UNREADABLE;
    d->damage = strdup(hak_store_message());
    if (!d->damage)
        return data_out_of_memory();
    if (range.to) {
        d->zoom[d->zooms++] = range;
        return data_read_timeline(d);
    }
    d->timeline.peak_step = -1;
    d->sums = calloc(1, sizeof *d->sums);
    return d->sums ? 0 : data_out_of_memory();
}

/* ---- what came before it -----------------------------------------------------------------------
 */

struct base {
    struct profile_item *item;
    uint32_t items, room;
    bool failed;
};

/* Keeps an item of what came before the range, without its live blocks. */
static void keep_base(void *context, const struct profile_item *item) {
    struct base *base = context;
    if (!hak_growing_make_room(&base->item, base->items, &base->room, sizeof *base->item)) {
        base->failed = true;
        return;
    }
    base->item[base->items] = *item;
    base->item[base->items++].sums.live = (struct hak_amount){0}; /* the timeline has it */
}

/* Reads what came before the zoomed range, to which its counts are added; nothing where it begins
 * at the start or only the profile is kept. A status. */
static int read_base(struct data *d, struct base *out) {
    struct profile_query query = d->query;
    struct profile_facts facts;
    const struct data_range *range = range_of(d);
    *out = (struct base){0};
    if (!range->from || d->is_alone)
        return 0;
    query.per = PROFILE_STACK;
    query.is_span = true;
    query.from = (struct view_moment){.kind = VIEW_AT_START};
    query.at =
        (struct view_moment){.kind = VIEW_AT_EVENT, .event = range->from, .ns = range->from_ns};
    int status = profile_gather(&query, &facts, keep_base, out);
    return status ? status : out->failed ? data_out_of_memory() : 0;
}

void data_visit_base(const struct data *d,
                     void (*take)(void *context, const struct profile_item *item), void *context) {
    for (uint32_t i = 0; i < d->bases; i++)
        take(context, &d->base[i]);
}

/* ---- in and out --------------------------------------------------------------------------------
 */

/* Reads the zoomed span; with a status, nothing has changed. */
static int read_zoom(struct data *d) {
    struct base base;
    int status = read_base(d, &base);
    status = status ? status : data_read_timeline(d);
    if (status != 0) {
        free(base.item);
        return status;
    }
    free(d->base);
    d->base = base.item;
    d->bases = base.items;
    return data_place_moments(d);
}

/* Sets the beginning of a range to the position after this step; -1: the beginning of the range
 * now. */
static void set_from(const struct data *d, int64_t step, struct data_range *out) {
    const struct data_range *range = range_of(d);
    out->from = step < 0 ? range->from : d->timeline.step[step].event;
    out->from_ns = step < 0 ? range->from_ns : d->timeline.step[step].ns;
}

static void set_to(const struct data *d, int64_t step, struct data_range *out) {
    bool is_end = step >= (int64_t)d->timeline.steps - 1;
    out->to = is_end ? range_of(d)->to : d->timeline.step[step < 0 ? 0 : step].event;
}

/* Makes the span the range to zoom to. */
static void choose_span(const struct data *d, struct data_range *out) {
    set_from(d, d->from.step, out);
    set_to(d, d->at.step, out);
    if (d->from.is_event) {
        out->from = d->from.at.event;
        out->from_ns = d->from.at.ns;
    }
    if (d->at.is_event)
        out->to = d->at.at.event;
}

/* Makes a part of the time around the moment the range to zoom to. */
static void choose_quarter(const struct data *d, struct data_range *out) {
    const struct timeline *t = &d->timeline;
    uint64_t at = data_time(d, &d->at), part = (t->flow.to_ns - t->flow.from_ns) / ZOOM_QUARTER;
    int64_t from = at > part ? timeline_step_at(t, at - part) : -1;
    int64_t to = timeline_step_at(t, at + part);
    if (from >= d->at.step)
        from = d->at.step - 1;
    set_from(d, from < 0 ? -1 : from, out);
    set_to(d, to <= d->at.step ? d->at.step + 1 : to, out);
}

/* Whether a range is another than the one now and has more than one event. */
static bool is_narrower(const struct data *d, const struct data_range *range) {
    const struct data_range *now = range_of(d);
    uint64_t last = d->timeline.steps ? d->timeline.step[d->timeline.steps - 1].event : 0;
    uint64_t to = range->to ? range->to : last;
    bool is_same = range->from == now->from && range->to == now->to;
    return !is_same && to > range->from + 1;
}

int data_zoom_in(struct data *d) {
    struct data_range range = {0};
    if (d->is_span)
        choose_span(d, &range);
    else
        choose_quarter(d, &range);
    if (d->zooms == DATA_ZOOMS || !is_narrower(d, &range))
        return DATA_NO_ZOOM;
    d->zoom[d->zooms++] = range;
    int status = read_zoom(d);
    if (status != 0)
        d->zooms--;
    return status;
}

/* Goes back to the range before and reads it; DATA_NO_ZOOM where there is none, else a status. */
int data_zoom_out(struct data *d) {
    if (!d->zooms)
        return DATA_NO_ZOOM;
    d->zooms--;
    int status = read_zoom(d);
    if (status != 0)
        d->zooms++;
    return status;
}
