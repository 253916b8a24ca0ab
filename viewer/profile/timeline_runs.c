/* The timeline out of the runs of the stored profile (store/history/heap.h): a step ends where a
 * run does, or at the peak. */
#include <stdlib.h>
#include "base/growing.h"
#include "base/index.h"
#include "store/error.h"
#include "viewer/profile/timeline.h"

/* A row of the profile as it was at the boundary before. */
struct seen {
    uint32_t row; /* of the timeline + 1; 0 = it has none yet */
    struct hak_amount inherited, came, went, brief;
};

/* A row of the timeline. */
struct run_row {
    struct timeline_change now; /* since the step before */
    struct hak_amount live;
    bool is_changed;
};

struct run_reading {
    struct hak_store_reader *reader;
    struct timeline *out;
    uint32_t parts;
    struct hak_index by_row;
    struct seen *seen;
    struct run_row *row;
    uint32_t *changed, changed_count; /* rows, since the step before */
    uint32_t seen_room, row_room, changed_room, rows_room, step_room, change_room;
    struct hak_heap_ending *ending;
    uint32_t endings, next_ending;
    struct hak_amount live;
    uint64_t left_bytes;  /* held by those that have ended, all together */
    uint64_t event, part; /* the newest boundary; 0 = none is without a step */
    uint64_t most, least;
    int error;
    bool failed;
};

static struct hak_amount less(struct hak_amount now, struct hak_amount before) {
    return (struct hak_amount){now.blocks - before.blocks, now.bytes - before.bytes};
}

/* ---- rows --------------------------------------------------------------------------------------
 */

/* The number, from 1, of a process's stack, which is made if new; 0, and r->failed, where memory
 * ends. */
static uint32_t find_or_add_row(struct run_reading *r, const struct hak_heap_row *row) {
    uint64_t key = (uint64_t)row->process << 32 | row->stack, place = 0;
    struct hak_flow *flow = &r->out->flow;
    uint32_t found = hak_index_find(&r->by_row, key, &place);
    if (found)
        return found;
    if (!hak_growing_make_room(&flow->row, flow->rows, &r->rows_room, sizeof *flow->row) ||
        !hak_growing_reach(&r->row, flow->rows, &r->row_room, sizeof *r->row) ||
        !hak_index_add(&r->by_row, key, flow->rows + 1)) {
        r->failed = true;
        return 0;
    }
    r->row[flow->rows] = (struct run_row){0};
    flow->row[flow->rows++] = (struct hak_flow_row){.process = row->process, .stack = row->stack};
    return flow->rows;
}

/* The row, which is marked as changed in the current step. */
static struct run_row *change_row(struct run_reading *r, uint32_t number) {
    struct run_row *row = &r->row[number];
    if (row->is_changed)
        return row;
    if (!hak_growing_make_room(&r->changed, r->changed_count, &r->changed_room,
                               sizeof *r->changed)) {
        r->failed = true;
        return row;
    }
    r->changed[r->changed_count++] = number;
    row->now = (struct timeline_change){.row = number};
    row->is_changed = true;
    return row;
}

/* Adds by how much a row's sums grew since the boundary before. */
static void add_run_changes(struct run_reading *r, uint32_t at, const struct hak_heap_row *row) {
    struct seen *s = &r->seen[at];
    struct hak_amount inherited = less(row->inherited, s->inherited);
    struct hak_amount came = less(row->came, s->came), went = less(row->went, s->went);
    if (!s->row)
        s->row = find_or_add_row(r, row);
    if (r->failed || (!inherited.blocks && !inherited.bytes && !came.blocks && !came.bytes &&
                      !went.blocks && !went.bytes))
        return;
    struct run_row *now = change_row(r, s->row - 1);
    hak_amount_add(&now->now.inherited, inherited);
    hak_amount_add(&now->now.came, came);
    hak_amount_add(&now->now.went, went);
    hak_amount_add(&now->now.brief, less(row->brief, s->brief));
    hak_amount_add(&now->live, inherited);
    hak_amount_add(&now->live, came);
    hak_amount_take(&now->live, went);
    hak_amount_add(&r->live, inherited);
    hak_amount_add(&r->live, came);
    hak_amount_take(&r->live, went);
    *s = (struct seen){s->row, row->inherited, row->came, row->went, row->brief};
}

/* Counts the blocks that a process held at its end as left. */
static void leave(struct run_reading *r, uint32_t process) {
    for (uint32_t i = 0; i < r->out->flow.rows; i++) {
        struct hak_amount live = r->row[i].live;
        if (r->out->flow.row[i].process != process || (!live.blocks && !live.bytes))
            continue;
        hak_amount_add(&change_row(r, i)->now.left, live);
        hak_amount_take(&r->row[i].live, live);
        hak_amount_take(&r->live, live);
        r->left_bytes += live.bytes;
    }
}

/* ---- steps -------------------------------------------------------------------------------------
 */

/* The time of an event, in ns. */
static uint64_t time_of(struct run_reading *r, uint64_t event) {
    struct hak_event e = {0};
    int found = hak_store_event(r->reader, event, &e);
    r->error = found < 0 ? found : r->error;
    return e.ns;
}

/* Makes a step of all changes up to the newest boundary; without memory r->failed is set. */
static void put_step(struct run_reading *r) {
    struct timeline *t = r->out;
    uint32_t first = t->changes;
    uint64_t ns = time_of(r, r->event);
    uint64_t most = r->most < t->flow.peak.live.bytes ? r->most : t->flow.peak.live.bytes;
    if (!hak_growing_make_room(&t->step, t->steps, &r->step_room, sizeof *t->step)) {
        r->failed = true;
        return;
    }
    if (r->changed_count)
        qsort(r->changed, r->changed_count, sizeof *r->changed, timeline_compare_rows);
    for (uint32_t i = 0; i < r->changed_count && !r->failed; i++) {
        if (!hak_growing_make_room(&t->change, t->changes, &r->change_room, sizeof *t->change))
            r->failed = true;
        else
            t->change[t->changes++] = r->row[r->changed[i]].now;
        r->row[r->changed[i]].is_changed = false;
    }
    t->peak_step = r->event == t->flow.peak.id ? t->steps : t->peak_step;
    t->step[t->steps++] =
        (struct timeline_step){.event = r->event,
                               .ns = ns < t->flow.to_ns ? ns : t->flow.to_ns,
                               .most_bytes = most > r->live.bytes ? most : r->live.bytes,
                               .least_bytes = r->least,
                               .live = r->live,
                               .first = first,
                               .changes = t->changes - first};
    r->event = r->changed_count = 0;
    r->most = r->least = r->live.bytes;
}

/* The part of the time in which a boundary lies; the first error is kept in r->error. */
static uint64_t part_of(struct run_reading *r, uint64_t event) {
    const struct hak_flow *flow = &r->out->flow;
    uint64_t span = flow->to_ns > flow->from_ns ? flow->to_ns - flow->from_ns : 1, ns = 0;
    struct hak_query q = hak_ask(hak_store_database(r->reader),
                                 "SELECT max_ns FROM chunk WHERE id <= ?1 ORDER BY id DESC LIMIT 1",
                                 "reading when a run ends", event);
    if (hak_query_next(&q))
        ns = hak_query_number(&q, 0);
    int error = hak_query_end(&q);
    r->error = error ? error : r->error;
    ns = ns < flow->to_ns ? ns : flow->to_ns; /* what is behind it is hakmem's own, at the exit */
    ns = ns > flow->from_ns ? ns - flow->from_ns : 0;
    return (uint64_t)((unsigned __int128)ns * r->parts / span);
}

/* Takes the sums so far at the end of a run of events; puts a step where a new part of the time
 * begins. */
static void take_boundary(void *context, const struct hak_heap *so_far, uint64_t event,
                          uint64_t most) {
    struct run_reading *r = context;
    uint64_t part = part_of(r, event);
    if (r->event && (part != r->part || r->event == r->out->flow.peak.id))
        put_step(r);
    if (so_far->rows &&
        !hak_growing_reach(&r->seen, so_far->rows - 1, &r->seen_room, sizeof *r->seen))
        r->failed = true;
    most -= r->left_bytes;
    for (uint32_t i = 0; i < so_far->rows && !r->failed; i++)
        add_run_changes(r, i, &so_far->row[i]);
    while (r->next_ending < r->endings && r->ending[r->next_ending].event < event && !r->failed)
        leave(r, r->ending[r->next_ending++].process);
    r->most = most > r->most ? most : r->most;
    r->least = r->live.bytes < r->least ? r->live.bytes : r->least;
    if (event == r->out->flow.peak.id)
        r->out->flow.peak.live.blocks = r->live.blocks;
    r->event = event;
    r->part = part;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

/* Fills in the rows and their totals; at the end of the capture processes that have ended still
 * hold. */
static void fill_rows(struct run_reading *r, bool is_to_end) {
    struct timeline *t = r->out;
    for (uint32_t i = 0; i < t->changes; i++) {
        const struct timeline_change *c = &t->change[i];
        struct hak_flow_row *row = &t->flow.row[c->row];
        hak_amount_add(&row->inherited, c->inherited);
        hak_amount_add(&row->came, c->came);
        hak_amount_add(&row->went, c->went);
        hak_amount_add(&row->brief, c->brief);
        if (!is_to_end)
            hak_amount_add(&row->left, c->left);
    }
    for (uint32_t i = 0; i < t->flow.rows; i++) {
        struct hak_flow_row *row = &t->flow.row[i];
        hak_amount_add(&row->live, row->inherited);
        hak_amount_add(&row->live, row->came);
        hak_amount_take(&row->live, row->went);
        hak_amount_take(&row->live, row->left);
        hak_amount_add(&t->flow.inherited, row->inherited);
        hak_amount_add(&t->flow.came, row->came);
        hak_amount_add(&t->flow.went, row->went);
        hak_amount_add(&t->flow.brief, row->brief);
        hak_amount_add(&t->flow.left, row->left);
        hak_amount_add(&t->flow.live, row->live);
    }
}

/* Fills in each process's peak and live blocks. */
static void fill_processes(struct run_reading *r, const struct hak_heap *heap) {
    struct hak_flow *flow = &r->out->flow;
    flow->process = calloc((size_t)heap->processes + 1, sizeof *flow->process);
    r->failed |= !flow->process;
    for (uint32_t i = 0; i < heap->processes && !r->failed; i++) {
        const struct hak_heap_process *p = &heap->process[i];
        struct hak_flow_process *out = &flow->process[flow->processes++];
        *out = (struct hak_flow_process){.process = p->process};
        out->peak = (struct hak_flow_peak){{0, p->peak_bytes}, p->peak_event, 0};
        out->peak.ns = p->peak_event ? time_of(r, p->peak_event) : 0;
        flow->unknown.blocks += p->unknown_ends;
        for (uint32_t k = 0; k < flow->rows; k++)
            if (flow->row[k].process == p->process)
                hak_amount_add(&out->live, flow->row[k].live);
    }
}

/* Finds when the timeline begins and ends and when the peak was. 0, or an error. */
static int find_times(struct run_reading *r, uint64_t to) {
    struct hak_store_summary summary;
    struct hak_flow *flow = &r->out->flow;
    int error = hak_store_summarise(r->reader, &summary);
    flow->from_ns = summary.first_ns;
    flow->to_ns = to && !error ? time_of(r, to) : summary.last_ns;
    if (!to && !error)
        error = hak_flow_end(r->reader, summary.last_ns, &flow->to_ns);
    if (flow->peak.id && !error)
        flow->peak.ns = time_of(r, flow->peak.id);
    return error ? error : r->error;
}

/* Puts the last step and fills in rows and processes. */
static void finish(struct run_reading *r, const struct hak_heap *heap, uint64_t to) {
    struct timeline *t = r->out;
    if (r->event)
        put_step(r);
    if (t->steps)
        t->step[t->steps - 1].ns = t->flow.to_ns;
    t->flow.events = heap->to;
    fill_rows(r, !to);
    fill_processes(r, heap);
}

int timeline_read_runs(struct hak_store_reader *reader, const struct timeline_query *query,
                       struct timeline *out) {
    struct run_reading r = {.reader = reader, .out = out, .parts = query->steps ? query->steps : 1};
    struct hak_heap_follower follower = {take_boundary, &r};
    struct hak_heap_peak peak;
    struct hak_heap heap = {0};
    *out = (struct timeline){.peak_step = -1, .is_of_runs = true};
    if (query->from || query->process || query->brief_calls > 1 ||
        hak_store_is_profile_only(reader))
        return 0;
    int result = hak_heap_find_peak(reader, 0, query->to, &peak);
    if (result != 1)
        return result;
    out->flow.peak = (struct hak_flow_peak){{0, peak.bytes}, peak.event, 0};
    int error = find_times(&r, query->to);
    result =
        error ? error : hak_heap_find_endings(reader, peak.event, query->to, &r.ending, &r.endings);
    if (result == 1)
        result = hak_heap_follow(reader, query->to, 0, peak.event, &follower, &heap);
    if (result == 1 && !r.failed && !r.error)
        finish(&r, &heap, query->to);
    hak_heap_free(&heap);
    hak_index_free(&r.by_row);
    free(r.seen);
    free(r.row);
    free(r.changed);
    free(r.ending);
    if (result == 1 && r.failed)
        return hak_store_fail(HAK_STORE_INTERNAL, "out of memory for the timeline");
    return result == 1 && r.error ? r.error : result;
}
