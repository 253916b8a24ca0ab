/* Counts the log as the program counts; only the columns that it takes are decoded. */
#include "store/history/layers.h"

#include <stdlib.h>
#include <string.h>
#include "metrics/step.h"
#include "base/growing.h"
#include "store/reader/inner.h"
#include "trace/record.h"

struct counting {
    struct hak_step *steps; /* by row of the thread */
    uint32_t count;
};

/* Where the thread is; NULL when memory ran out. */
static struct hak_step *step_of(struct counting *c, uint32_t thread) {
    return hak_growing_reach(&c->steps, thread, &c->count, sizeof *c->steps) ? &c->steps[thread]
                                                                             : NULL;
}

/* Tells `each` of the one or two counts of a step. Returns what it returned. */
static int report_counts(const struct hak_event *e, const struct hak_step_counts *counts,
                         int (*each)(void *context, const struct hak_layer_count *count),
                         void *context) {
    struct hak_layer_count count = {.ns = e->ns,
                                    .amount = 1,
                                    .process = e->process,
                                    .metric = (uint16_t)counts->metric,
                                    .metric_class = (uint16_t)hak_metric_class(e->class_index)};
    int result = each(context, &count);
    if (result || counts->second_amount == 0)
        return result;
    count.metric++;
    count.amount = counts->second_amount;
    return each(context, &count);
}

int hak_store_count_layers(struct hak_store_reader *r, uint32_t process,
                           int (*each)(void *context, const struct hak_layer_count *count),
                           void *context) {
    struct hak_scan_limits limits = hak_scan_all();
    struct counting counting = {0};
    struct hak_scan *scan;
    struct hak_event e;
    limits.filter.process = process;
    limits.columns = 1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_NS |
                     1u << HAK_COLUMN_SIZE;
    int result = hak_scan_open(r, &limits, false, &scan), stopped = 0;
    if (result)
        return result;
    while (!stopped && (result = hak_scan_next(scan, &e)) == 1) {
        struct hak_step *step = step_of(&counting, e.thread);
        struct hak_step_event event = {.amount = e.size,
                                       .kind = e.kind,
                                       .class_index = e.class_index,
                                       .place = e.place,
                                       .is_illegal = (e.flags & HAK_RECORD_ILLEGAL) != 0};
        struct hak_step_counts counts;
        if (!step)
            result = stopped = hak_store_no_memory(r->db.path);
        else if (hak_step_count(step, &event, &counts))
            result = stopped = report_counts(&e, &counts, each, context);
    }
    hak_scan_close(scan);
    free(counting.steps);
    return result;
}
