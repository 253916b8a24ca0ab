/* The timeline of a sampled profile: a step ends at each moment when it was read. Nobody knows
 * the live blocks between. */
#include <stdlib.h>
#include "base/growing.h"
#include "base/index.h"
#include "store/error.h"
#include "viewer/profile/timeline.h"

struct sampled_reading {
    struct timeline *out;
    struct hak_index by_stack; /* rows of out->flow, from 1 */
    uint32_t row_room, change_room, step_room;
    bool failed;
};

/* The number of a stack's row, which is made if new; 0, and r->failed, without memory. */
static uint32_t find_or_add_sampled(struct sampled_reading *r, const struct hak_heap_row *row) {
    struct hak_flow *flow = &r->out->flow;
    uint64_t key = (uint64_t)row->process << 32 | row->stack, place = 0;
    uint32_t found = hak_index_find(&r->by_stack, key, &place);
    if (found)
        return found;
    if (!hak_growing_make_room(&flow->row, flow->rows, &r->row_room, sizeof *flow->row) ||
        !hak_index_add(&r->by_stack, key, flow->rows + 1)) {
        r->failed = true;
        return 0;
    }
    flow->row[flow->rows++] = (struct hak_flow_row){.process = row->process, .stack = row->stack};
    return flow->rows;
}

static int compare_sampled_changes(const void *a, const void *b) {
    const struct timeline_change *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* Adds what came and went between two readings to the rows, and as a step. */
static void add_sampled_step(struct sampled_reading *r, const struct hak_heap_step *run,
                             const struct hak_heap *heap) {
    struct timeline *t = r->out;
    uint32_t first = t->changes;
    for (uint32_t i = 0; i < heap->rows && !r->failed; i++) {
        const struct hak_heap_row *from = &heap->row[i];
        uint32_t number = find_or_add_sampled(r, from);
        if (!number ||
            !hak_growing_make_room(&t->change, t->changes, &r->change_room, sizeof *t->change)) {
            r->failed = true;
            return;
        }
        struct hak_flow_row *row = &t->flow.row[number - 1];
        hak_amount_add(&row->came, from->came);
        hak_amount_add(&row->went, from->went);
        row->live = from->live;
        t->change[t->changes++] =
            (struct timeline_change){.row = number - 1, .came = from->came, .went = from->went};
    }
    if (!hak_growing_make_room(&t->step, t->steps, &r->step_room, sizeof *t->step)) {
        r->failed = true;
        return;
    }
    if (t->changes > first)
        qsort(t->change + first, t->changes - first, sizeof *t->change, compare_sampled_changes);
    t->step[t->steps++] = (struct timeline_step){.event = run->last,
                                                 .ns = run->to_ns,
                                                 .most_bytes = run->live.bytes,
                                                 .least_bytes = run->live.bytes,
                                                 .live = run->live,
                                                 .first = first,
                                                 .changes = t->changes - first};
}

/* Fills in the totals, the peak, which is the reading with the most, and the process. */
static void finish_sampled(struct sampled_reading *r, const struct hak_heap_steps *runs,
                           uint32_t process) {
    struct timeline *t = r->out;
    struct hak_flow *flow = &t->flow;
    for (uint32_t i = 0; i < runs->steps; i++) {
        const struct hak_heap_step *run = &runs->step[i];
        hak_amount_add(&flow->came, run->came);
        hak_amount_add(&flow->went, run->went);
        flow->live = run->live;
        flow->to_ns = run->to_ns;
        flow->events = run->last;
        if (t->peak_step >= 0 && run->live.bytes <= flow->peak.live.bytes)
            continue;
        flow->peak = (struct hak_flow_peak){run->live, run->last, run->to_ns};
        t->peak_step = i;
    }
    flow->process = calloc(1, sizeof *flow->process);
    r->failed |= !flow->process;
    if (flow->process)
        flow->process[flow->processes++] =
            (struct hak_flow_process){.process = process, .live = flow->live, .peak = flow->peak};
}

int timeline_read_sampled(struct hak_store_reader *reader, const struct timeline_query *query,
                          struct timeline *out) {
    struct sampled_reading r = {.out = out};
    struct hak_heap_steps runs = {0};
    uint32_t process = 0;
    *out = (struct timeline){.peak_step = -1, .is_of_runs = true};
    if (query->from || query->to || query->brief_calls > 1)
        return 0;
    int error = hak_heap_read_steps(reader, 0, 0, 0, &runs);
    for (uint32_t i = 0; i < runs.steps && !error && !r.failed; i++) {
        struct hak_heap heap = {0};
        int result =
            hak_heap_read(reader, i ? runs.step[i - 1].last : 0, runs.step[i].last, 0, &heap);
        error = result < 0 ? result : 0;
        process = heap.processes ? heap.process[0].process : process;
        if (result == 1)
            add_sampled_step(&r, &runs.step[i], &heap);
        hak_heap_free(&heap);
    }
    if (!error && !r.failed)
        finish_sampled(&r, &runs, process);
    hak_heap_free_steps(&runs);
    hak_index_free(&r.by_stack);
    if (!error && r.failed)
        error = hak_store_fail(HAK_STORE_INTERNAL, "out of memory for the timeline");
    return error ? error : 1;
}
