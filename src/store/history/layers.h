/* Counts the work of the layers from the log: the same numbers as the program's own counters
 * (metrics/step.h), for captures that have none, and to compare the two. */
#ifndef HAK_STORE_HISTORY_LAYERS_H
#define HAK_STORE_HISTORY_LAYERS_H

#include "metrics/metric.h"
#include "store/reader/reader.h"

/* One count: `amount` more of `metric` in row `metric_class` (0..HAK_METRIC_NO_CLASS). */
struct hak_layer_count {
    uint64_t ns;
    uint64_t amount;
    uint32_t process; /* row id */
    uint16_t metric, metric_class;
};

/* Calls `each` for everything that the events count, oldest first, until it returns non-zero (which
 * is returned). `process` (row id) limits to one, 0 = all. Memory grows with the number of threads
 * only. The events that hops.def calls COUNT are not in the log, and so not reported. */
int hak_store_count_layers(struct hak_store_reader *r, uint32_t process,
                           int (*each)(void *context, const struct hak_layer_count *count),
                           void *context);

#endif
