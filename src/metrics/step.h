/* Decides what one event counts, from hops.def alone: for the program, which counts while it runs,
 * and for readers of the log, who can count the same again.
 *
 * The layer that served a malloc is known when the block is handed out: the deepest one that the
 * thread had to go to since its last call (hops.def, REACHES), for blocks of that class. A go of
 * moves ends where another kind, another class or a call begins. */
#ifndef HAK_METRICS_STEP_H
#define HAK_METRICS_STEP_H

#include <stdbool.h>
#include <stdint.h>
#include "metrics/metric.h"

/* A thread's state between two calls; all zero at its start and after every call. */
struct hak_step {
    uint64_t layer_classes; /* bit n: `layer` was reached for class n */
    uint16_t run;           /* kind << 8 | class of the moves that go on; 0 = none */
    uint8_t layer;          /* enum hak_layer, the deepest since the last call */
};

struct hak_step_event {
    uint64_t amount; /* of a change or a count */
    uint8_t kind;    /* enum hak_record_kind or enum hak_counted */
    uint8_t class_index, place;
    bool is_illegal;
};

/* The counts that an event adds: 1 to `metric`, and `second_amount` to the metric behind it. */
struct hak_step_counts {
    unsigned metric;
    uint64_t second_amount;
};

/* Takes one event of a thread into its step and says what it counts. False: it is nothing that is
 * counted. */
HAK_HIDDEN bool hak_step_count(struct hak_step *step, const struct hak_step_event *event,
                               struct hak_step_counts *counts);

/* The metric of a call, by kind and place; of a hand-out, when no other layer was asked. */
#define HAK_CALL_KINDS 8
#define HAK_PLACES_MAX 32
HAK_HIDDEN extern const uint8_t hak_metric_of_call[HAK_CALL_KINDS][HAK_PLACES_MAX];

/* The first of a kind's two metrics; 0 = it has none. */
HAK_HIDDEN extern const uint8_t hak_metric_of_kind[256];

/* The moves, a bit for each kind, that come to no layer behind the front. */
static const uint64_t hak_plain_moves = (0
#define CALL(name, number, from, to, sentence)
#define HOP(name, number, from, to, sentence) | (uint64_t)1 << (number)
#include "hops.def"
                                         ) &
                                        ~(0
#define REACHES(kind, layer) | ((kind) < 64 ? (uint64_t)1 << ((kind) % 64) : 0)
#include "hops.def"
                                        );

/* hak_step.run of a move. */
static inline uint16_t hak_step_run(unsigned kind, unsigned class_index) {
    return (uint16_t)(kind << 8 | class_index);
}

static inline unsigned hak_metric_class(unsigned class_index) {
    return class_index < HAK_CLASSES ? class_index : HAK_METRIC_NO_CLASS;
}

#endif
