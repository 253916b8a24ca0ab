/* Counting: adds each event to the calling thread's counters.
 *
 *   hak_trace_record --> hak_count_event --fast--> cells of the thread's block: calls that
 *                                        |         the front served, moves that reach no layer
 *                                        \-slow--> the layer that served; changes; first use
 *   hop_count        --> hak_count_amount
 *
 * step.c decides what an event counts.
 *
 * Ownership: struct hak_counter belongs to its thread; a signal handler of the thread may count in
 * the middle of anything here, since each cell is changed by one instruction. No lock, no
 * allocation; errno is kept. This layer knows nothing of sessions: trace tells it where the blocks
 * lie. */
#ifndef HAK_METRICS_COUNT_H
#define HAK_METRICS_COUNT_H

#include <stdbool.h>
#include <stdint.h>
#include "metrics/block.h"
#include "metrics/step.h"

enum hak_counter_mode {
    HAK_COUNTER_NEW = 0, /* no block yet: the first count takes one */
    HAK_COUNTER_OWN,
    HAK_COUNTER_SHARED,  /* in a block of several threads */
    HAK_COUNTER_NOWHERE, /* nothing is counted: the process has no place in the session */
};

struct hak_counter {
    struct hak_counters *counters; /* the block */
    uint32_t is_slow;              /* 1: the next call of the program must take the slow path */
    uint32_t block;                /* index of the block */
    uint8_t mode;                  /* enum hak_counter_mode */
    struct hak_step step;
};

HAK_HIDDEN extern _Thread_local struct hak_counter hak_counter
    __attribute__((tls_model("initial-exec")));

/* The slow half of the next functions. */
HAK_HIDDEN HAK_COLD void hak_count_slowly(struct hak_step_event event);

/* Adds one to a cell in one instruction, for signal handlers of the thread. */
static inline void hak_count_one(struct hak_counters *counters, unsigned row,
                                 unsigned metric_class) {
    hak_own_add_one(&counters->rows[row - 1][metric_class]);
}

/* Counts a legal call by its metric (hak_metric_of_call). False, and nothing counted: the block is
 * not the thread's own or has no row for the metric, so it must be counted slowly. */
static inline bool hak_count_call(unsigned metric, unsigned metric_class) {
    struct hak_counter *c = &hak_counter;
    if (HAK_UNLIKELY(c->is_slow))
        return false;
    unsigned row = c->counters->row_of_metric[metric];
    if (HAK_UNLIKELY(row == 0))
        return false;
    hak_count_one(c->counters, row, metric_class);
    c->step.run = 0;
    return true;
}

/* Counts a move, and its run where the last event was of another one. False, and nothing counted:
 * it must be counted slowly. */
static inline bool hak_count_move(unsigned kind, unsigned class_index) {
    struct hak_counter *c = &hak_counter;
    if (HAK_UNLIKELY(c->is_slow) || HAK_UNLIKELY(!(hak_plain_moves >> kind & 1)))
        return false;
    unsigned metric = hak_metric_of_kind[kind];
    unsigned blocks = c->counters->row_of_metric[metric];
    unsigned runs = c->counters->row_of_metric[metric + 1];
    if (HAK_UNLIKELY((blocks == 0) | (runs == 0)))
        return false;
    unsigned metric_class = hak_metric_class(class_index);
    uint16_t run = hak_step_run(kind, class_index);
    hak_count_one(c->counters, blocks, metric_class);
    if (c->step.run != run)
        hak_count_one(c->counters, runs, metric_class);
    c->step.run = run;
    return true;
}

/* Counts an event. */
static inline void hak_count_event(struct hak_step_event event) {
    bool is_counted = false;
    if (event.kind <= HAK_REALLOC_FROM && !event.is_illegal)
        is_counted =
            hak_count_call(hak_metric_of_call[event.kind][event.place & (HAK_PLACES_MAX - 1)],
                           hak_metric_class(event.class_index));
    else if (event.kind < HAK_SLAB_ACQUIRE)
        is_counted = hak_count_move(event.kind, event.class_index);
    if (HAK_UNLIKELY(!is_counted))
        hak_count_slowly(event);
}

/* Counts `times` legal moves that are alike, one behind the other. */
HAK_HIDDEN void hak_count_moves(struct hak_step_event event, unsigned times);

/* Counts what gives no record: `which` happened once more, with `amount`. */
HAK_HIDDEN void hak_count_amount(enum hak_counted which, unsigned class_index, uint64_t amount);

/* The place of this process's counters from now on: `capacity` blocks that others may take from,
 * too. `process` names it in the owners' words; `high` is raised above every block that is taken.
 * Earlier counts are kept, but for the calls, which the log does not have either. One thread. */
struct hak_counters_place {
    hak_counters_owner_t *owners;
    void *blocks;
    _Atomic uint32_t *high;
    uint32_t capacity;
    uint32_t process;
};
HAK_HIDDEN void hak_counters_begin(const struct hak_counters_place *place);

/* Places the counters in private memory, for a process that is not recorded; what was counted is
 * kept. Without memory all threads count in one block, which is always there. One thread. */
HAK_HIDDEN void hak_counters_begin_private(void);

/* In a forked child: the counters start anew, under this index; UINT32_MAX = nothing is counted
 * (the session has no entry left). In private memory the index stays. */
#define HAK_COUNTERS_NO_PROCESS UINT32_MAX
HAK_HIDDEN void hak_counters_enter_child(uint32_t process);

/* Gives the block of the calling thread, which has ended, up to another one of the process, which
 * goes on with its counts. */
HAK_HIDDEN void hak_counters_end_thread(void);

/* claim.c: gives the calling thread a block: an idle one of the process or a free one as its own,
 * else a shared one. Without a place for blocks it is the static first one; none at all where the
 * process has no number. */
HAK_HIDDEN void hak_counters_take_block(struct hak_counter *counter);

/* The cell of `metric` in a block, for class row `metric_class`; the metric gets a row if it has
 * none. Several threads may ask at once. (claim.c) */
HAK_HIDDEN uint64_t *hak_counters_cell(struct hak_counters *counters, unsigned metric,
                                       unsigned metric_class);

/* Sets `sum` to the sum of all counters of the process. Other threads may be counting. */
HAK_HIDDEN void hak_counters_sum(struct hak_counters_sum *sum);

/* Blocks handed out less blocks given back before the session stood: they are neither in the log
 * nor in the counters. */
#define HAK_COUNTERS_IN_CHILD                                                                      \
    INT64_MIN /* a forked child: what it inherited was not counted; a stop */
HAK_HIDDEN extern int64_t hak_counters_dropped;

/* dump.c: notes, at start, where the process is and its program, for HAKMEM_TINY_FRONT_DUMP=1: a
 * CSV file at the end of each process that ends in good order, also of one that is not recorded. */
HAK_HIDDEN void hak_counters_dump_start(void);
/* Writes that file, once, in the directory where the process was at its start. */
HAK_HIDDEN void hak_counters_dump(void);

#endif
