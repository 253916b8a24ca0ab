/* The names of the metrics, as stores and CSV files hold them. For the program and the collector.
 */
#include "metrics/metric.h"

#include <stddef.h>
#include <string.h>

static const char *const names[HAK_METRICS] = {
#define LAYER(name, number, text, sentence) [HAK_METRIC_SERVED_##name] = "served." #name,
#include "hops.def"
#define PLACE(name, number, text, sentence) [HAK_METRIC_GIVEN_##name] = "given." #name,
#include "hops.def"
    [HAK_METRIC_RESIZED] = "resized",
#define CALL(name, number, from, to, sentence)
#define HOP(name, number, from, to, sentence)                                                      \
    [HAK_METRIC_##name##_BLOCKS] = #name ".blocks", [HAK_METRIC_##name##_RUNS] = #name ".runs",
#include "hops.def"
#define CHANGE(name, number, sentence)                                                             \
    [HAK_METRIC_##name##_TIMES] = #name ".times", [HAK_METRIC_##name##_AMOUNT] = #name ".amount",
#define COUNT(name, number, sentence)                                                              \
    [HAK_METRIC_##name##_TIMES] = #name ".times", [HAK_METRIC_##name##_AMOUNT] = #name ".amount",
#include "hops.def"
};

const char *hak_metric_name(unsigned metric) {
    return metric < HAK_METRICS ? names[metric] : NULL;
}

unsigned hak_metric_named(const char *name) {
    for (unsigned metric = 0; metric < HAK_METRICS; metric++)
        if (strcmp(names[metric], name) == 0)
            return metric;
    return HAK_METRICS;
}
