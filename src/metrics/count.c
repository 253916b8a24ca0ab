/* The slow half of counting: first use, changes, and what reaches a layer behind the front. */
#include "metrics/count.h"

/* Until its first count a thread has no block, and this asks for the slow path. */
_Thread_local struct hak_counter hak_counter
    __attribute__((tls_model("initial-exec"))) = {.is_slow = 1};

/* Adds to a cell: in one instruction where the block is this thread's own, else atomically. */
static void add(const struct hak_counter *c, unsigned class_index, unsigned metric,
                uint64_t amount) {
    uint64_t *cell = hak_counters_cell(c->counters, metric, hak_metric_class(class_index));
    if (HAK_LIKELY(c->mode == HAK_COUNTER_OWN))
        hak_own_add(cell, amount);
    else
        __atomic_fetch_add(cell, amount, __ATOMIC_RELAXED);
}

/* Counts one step of a block's way `times` times, and its second amount once; a thread's first step
 * takes it a block of counters. */
static void count(const struct hak_step_event *event, unsigned times) {
    struct hak_counter *c = &hak_counter;
    struct hak_step_counts counts;
    if (c->mode == HAK_COUNTER_NEW)
        hak_counters_take_block(c);
    if (c->mode == HAK_COUNTER_NOWHERE || !hak_step_count(&c->step, event, &counts))
        return;
    add(c, event->class_index, counts.metric, times);
    if (counts.second_amount)
        add(c, event->class_index, counts.metric + 1, counts.second_amount);
    c->is_slow = c->mode != HAK_COUNTER_OWN || c->step.layer;
}

void hak_count_slowly(struct hak_step_event event) {
    count(&event, 1);
}

/* Only the first of them begins a go, and none reaches further than the first. */
void hak_count_moves(struct hak_step_event event, unsigned times) {
    count(&event, times);
}

void hak_count_amount(enum hak_counted which, unsigned class_index, uint64_t amount) {
    struct hak_step_event event = {
        .amount = amount, .kind = (uint8_t)which, .class_index = (uint8_t)class_index};
    count(&event, 1);
}
