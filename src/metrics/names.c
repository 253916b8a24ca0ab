/* The names of the metrics, as stores and CSV files hold them. For the program and the collector.
 */
#include "metrics/metric.h"

#include <stddef.h>
#include <string.h>

static const char *const names[HAK_METRICS] = {
#define METRIC(name, text) text,
#include "metrics/metrics.def"
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
