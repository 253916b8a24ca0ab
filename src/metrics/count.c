/* The slow half of counting: first use, moves and changes, and who served a malloc. */
#include "metrics/count.h"

#include "superslab.h"

enum { KINDS = 256 };

_Static_assert(HAK_METRIC_CLASSES <= 64, "a set of classes is one word");
_Static_assert(HAK_METRICS <= 256, "metrics are named by one byte in the tables below");
_Static_assert(HAK_PLACE_COUNT <= HAK_PLACES_MAX, "places are a record's four bits");
_Static_assert(HAK_METRIC_SERVED_FRONT == 0 && HAK_LAYER_FRONT == 0,
               "0 is no kind's metric, and no layer that anything reaches");

/* Until its first count a thread has no block, and this asks for the slow path. */
_Thread_local struct hak_counter hak_counter
    __attribute__((tls_model("initial-exec"))) = {.is_slow = 1};

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

/* The first of a kind's two metrics; 0 = it has none. */
static const uint8_t metric_of_kind[KINDS] = {
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

static void add(const struct hak_counter *c, unsigned class_index, unsigned metric,
                uint64_t amount) {
    uint64_t *cell = c->cells + hak_metric_class(class_index) * HAK_METRICS + metric;
    if (HAK_LIKELY(c->mode == HAK_COUNTER_OWN))
        __asm__ volatile("addq %1, %0" : "+m"(*cell) : "er"(amount) : "cc");
    else
        __atomic_fetch_add(cell, amount, __ATOMIC_RELAXED);
}

static uint64_t classes_of(unsigned class_index) {
    return class_index < HAK_CLASSES ? (uint64_t)1 << class_index : UINT64_MAX;
}

/* The call that is going on has come to `layer`. */
static void reach(struct hak_counter *c, unsigned layer, unsigned class_index) {
    if (layer > c->layer) {
        c->layer = (uint8_t)layer;
        c->layer_classes = 0;
    }
    if (layer == c->layer)
        c->layer_classes |= classes_of(class_index);
}

static bool is_hand_out(const struct hak_event_fields *fields) {
    return fields->kind == HAK_MALLOC ||
           (fields->kind == HAK_REALLOC && fields->place != HAK_PLACE_LIVE);
}

static void count_call(struct hak_counter *c, const struct hak_event_fields *fields) {
    unsigned metric = hak_metric_of_call[fields->kind & (HAK_CALL_KINDS - 1)]
                                        [fields->place & (HAK_PLACES_MAX - 1)];
    if (is_hand_out(fields) && c->layer && (c->layer_classes & classes_of(fields->class_index)))
        metric = HAK_METRIC_SERVED_FIRST + c->layer;
    add(c, fields->class_index, metric, 1);
    c->layer = 0;
    c->layer_classes = 0;
    c->run = 0;
    c->is_slow = c->mode != HAK_COUNTER_OWN;
}

void hak_count_slowly(const struct hak_event_fields *fields) {
    struct hak_counter *c = &hak_counter;
    unsigned kind = fields->kind, class_index = fields->class_index;
    bool is_call = kind <= HAK_REALLOC_FROM;
    unsigned metric = metric_of_kind[kind];
    if (is_call ? (fields->flags & HAK_RECORD_ILLEGAL) != 0 : metric == 0)
        return; /* a fault, or a record that is no layer's */
    if (c->mode == HAK_COUNTER_NEW)
        hak_counters_take_block(c);
    if (c->mode == HAK_COUNTER_NOWHERE)
        return;
    if (is_call) {
        count_call(c, fields);
        return;
    }
    uint16_t run = (uint16_t)(kind << 8 | class_index);
    add(c, class_index, metric, 1);
    if (kind >= HAK_SLAB_ACQUIRE)
        add(c, class_index, metric + 1, fields->size);
    else if (c->run != run)
        add(c, class_index, metric + 1, 1);
    c->run = run;
    c->is_slow = 1;
    if (layer_of_kind[kind])
        reach(c, layer_of_kind[kind], class_index);
}

void hak_count_amount(enum hak_counted which, unsigned class_index, uint64_t amount) {
    struct hak_counter *c = &hak_counter;
    if (c->mode == HAK_COUNTER_NEW)
        hak_counters_take_block(c);
    if (c->mode == HAK_COUNTER_NOWHERE)
        return;
    add(c, class_index, metric_of_kind[which], 1);
    add(c, class_index, metric_of_kind[which] + 1, amount);
    if (layer_of_kind[which]) {
        reach(c, layer_of_kind[which], class_index);
        c->is_slow = 1;
    }
}
