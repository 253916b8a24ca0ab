/* The metrics: one for each line of hops.def that says so, for each size class.
 *
 *   served.LAYER     calls that handed out a block, by the layer that they had to go to
 *   given.PLACE      blocks that the program gave back, by where they went
 *   resized          blocks that realloc resized where they were
 *   MOVE.blocks      blocks that moved between two layers, MOVE.runs in how many goes
 *   CHANGE.times     slabs and SuperSlabs; .amount is the sum of the change's values
 *   COUNT.times      what is only counted; .amount as hops.def says
 *
 * A go (run) is an unbroken row of moves of one kind and class by one thread: one refill, one
 * spill. The class HAK_METRIC_NO_CLASS is that of large blocks and of everything without a class.
 *
 * The numbers of metrics hold within one build only; files and stores hold their names. */
#ifndef HAK_METRICS_METRIC_H
#define HAK_METRICS_METRIC_H

#include "hop.h"
#include "size_class.h"

enum hak_layer {
#define LAYER(name, number, text, sentence) HAK_LAYER_##name = number,
#include "hops.def"
    HAK_LAYERS
};

enum hak_metric {
#define METRIC(name, text) HAK_METRIC_##name,
#include "metrics/metrics.def"
    HAK_METRICS
};

#define HAK_METRIC_SERVED_FIRST HAK_METRIC_SERVED_FRONT
#define HAK_METRIC_GIVEN_FIRST  HAK_METRIC_GIVEN_UNTOUCHED

/* Rows of cells: the size classes, and one for what has none. */
#define HAK_METRIC_NO_CLASS HAK_CLASSES
#define HAK_METRIC_CLASSES  (HAK_CLASSES + 1)

/* "served.FRONT", "SLL_POP.blocks"; NULL for a number that is no metric's. */
const char *hak_metric_name(unsigned metric) HAK_HIDDEN;
/* Finds a metric by name; HAK_METRICS when none is called so. */
unsigned hak_metric_named(const char *name) HAK_HIDDEN;

#endif
