/* Decides what an event counts: the tables that hops.def makes, and who served a malloc. */
#include "metrics/step.h"

enum { KINDS = 256 };

_Static_assert(HAK_METRIC_CLASSES <= 64, "a set of classes is one word");
_Static_assert(HAK_METRICS <= 256, "metrics are named by one byte in the tables below");
_Static_assert(HAK_PLACE_COUNT <= HAK_PLACES_MAX, "places are a record's five bits");
_Static_assert(HAK_METRIC_SERVED_FRONT == 0 && HAK_LAYER_FRONT == 0,
               "0 is no kind's metric, and no layer that anything reaches");

/* A block that is handed out from where none should be was reported; it counts as the front's. */
const uint8_t hak_metric_of_call[HAK_CALL_KINDS][HAK_PLACES_MAX] = {
    [HAK_MALLOC] =
        {
#define SERVES(place, layer) [HAK_PLACE_##place] = HAK_METRIC_SERVED_##layer,
#include "hops.def"
        },
    [HAK_REALLOC] =
        {
            [HAK_PLACE_LIVE] = HAK_METRIC_RESIZED,
#define SERVES(place, layer) [HAK_PLACE_##place] = HAK_METRIC_SERVED_##layer,
#include "hops.def"
        },
    [HAK_FREE] =
        {
#define PLACE(name, number, text, sentence) [HAK_PLACE_##name] = HAK_METRIC_GIVEN_##name,
#include "hops.def"
        },
    [HAK_REALLOC_FROM] =
        {
#define PLACE(name, number, text, sentence) [HAK_PLACE_##name] = HAK_METRIC_GIVEN_##name,
#include "hops.def"
        },
};

const uint8_t hak_metric_of_kind[KINDS] = {
#define CALL(name, number, from, to, sentence)
#define HOP(name, number, from, to, sentence) [number] = HAK_METRIC_##name##_BLOCKS,
#include "hops.def"
#define CHANGE(name, number, sentence) [number] = HAK_METRIC_##name##_TIMES,
#define COUNT(name, number, sentence)  [number] = HAK_METRIC_##name##_TIMES,
#include "hops.def"
};

/* The layer that a call gets to by a kind; 0 = none. */
static const uint8_t layer_of_kind[KINDS] = {
#define REACHES(kind, layer) [kind] = HAK_LAYER_##layer,
#include "hops.def"
};

static uint64_t classes_of(unsigned class_index) {
    return class_index < HAK_CLASSES ? (uint64_t)1 << class_index : UINT64_MAX;
}

/* Notes the class for the deepest layer that the call going on has reached; a layer above that is
 * not noted. */
static void reach(struct hak_step *step, unsigned layer, unsigned class_index) {
    if (layer > step->layer) {
        step->layer = (uint8_t)layer;
        step->layer_classes = 0;
    }
    if (layer == step->layer)
        step->layer_classes |= classes_of(class_index);
}

static bool is_hand_out(const struct hak_step_event *e) {
    return e->kind == HAK_MALLOC || (e->kind == HAK_REALLOC && e->place != HAK_PLACE_LIVE);
}

/* Says the metric of a call, that of the layer below where it handed out what a refill just
 * brought, and begins the next step. False: the call was a fault. */
static bool take_call(struct hak_step *step, const struct hak_step_event *e,
                      struct hak_step_counts *counts) {
    if (e->is_illegal)
        return false; /* a fault, no call that anybody served */
    counts->metric =
        hak_metric_of_call[e->kind & (HAK_CALL_KINDS - 1)][e->place & (HAK_PLACES_MAX - 1)];
    counts->second_amount = 0;
    if (is_hand_out(e) && step->layer && (step->layer_classes & classes_of(e->class_index)))
        counts->metric = HAK_METRIC_SERVED_FIRST + step->layer;
    *step = (struct hak_step){0};
    return true;
}

/* The part of a change's value that makes sense as a sum; values are report/words/change.c's. */
static uint64_t amount_of(const struct hak_step_event *e) {
    switch (e->kind) {
    case HAK_TIER:
    case HAK_CAPACITY:
    case HAK_LEARN:
    case HAK_SUPERSLAB_ADOPT:
        return 0;
    case HAK_REMOTE_POST:
        return e->amount & 0xffff; /* above it: to whom */
    default:
        return e->amount;
    }
}

bool hak_step_count(struct hak_step *step, const struct hak_step_event *e,
                    struct hak_step_counts *counts) {
    if (e->kind <= HAK_REALLOC_FROM)
        return take_call(step, e, counts);
    counts->metric = hak_metric_of_kind[e->kind];
    if (counts->metric == 0)
        return false;
    bool is_move = e->kind < HAK_SLAB_ACQUIRE;
    uint16_t run = hak_step_run(e->kind, e->class_index);
    counts->second_amount = is_move ? step->run != run : amount_of(e);
    if (e->kind < HAK_RECORD_KINDS)
        step->run = run;
    if (layer_of_kind[e->kind])
        reach(step, layer_of_kind[e->kind], e->class_index);
    return true;
}
