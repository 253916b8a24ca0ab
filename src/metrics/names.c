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

/* What stores from before the stages were told apart call them. */
static const struct {
    const char *name;
    enum hak_metric metric;
} former[] = {
    {"served.FREE_SLAB", HAK_METRIC_SERVED_EMPTY_SLAB},
    {"served.RESERVE", HAK_METRIC_SERVED_UNUSED_SLAB},
    {"RESERVE_TAKE.times", HAK_METRIC_SUPERSLAB_TAKE_TIMES},
    {"RESERVE_TAKE.amount", HAK_METRIC_SUPERSLAB_TAKE_AMOUNT},
    {"RESERVE_KEEP.times", HAK_METRIC_SUPERSLAB_KEEP_TIMES},
    {"RESERVE_KEEP.amount", HAK_METRIC_SUPERSLAB_KEEP_AMOUNT},
};

static unsigned former_named(const char *name) {
    for (size_t i = 0; i < sizeof former / sizeof former[0]; i++)
        if (strcmp(former[i].name, name) == 0)
            return former[i].metric;
    return HAK_METRICS;
}

unsigned hak_metric_named(const char *name) {
    for (unsigned metric = 0; metric < HAK_METRICS; metric++)
        if (strcmp(names[metric], name) == 0)
            return metric;
    return former_named(name);
}

bool hak_metric_is_former(const char *name) {
    return former_named(name) != HAK_METRICS;
}
