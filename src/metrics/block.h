/* The memory of the counters: blocks of one row of cells for each metric, each block written by one
 * thread.
 *
 *   owners   | state, process | state, process | ...          one word for each block
 *   blocks   | metric of row 0, 1, ... | row of metric 0, 1, ... | row 0: a cell for each class |
 *            | row 1 | ...                                    whole pages, zero until they are used
 *
 * A metric gets the next free row of a block when it is first counted there. A thread counts some
 * twenty of the many metrics, so of a block's pages it touches the first two or three, and who adds
 * blocks up reads no others.
 *
 *   FREE --a thread--> OWNED --thread ends--> IDLE --another thread of the process--> OWNED
 *    |                                          |
 *    |  --many threads--> SHARED                |
 *    ^------------- collector, when the process is gone and its last snapshot stored
 *
 * A block stays its process's until the process ends, so the sum over the blocks of a process only
 * grows and nothing has to be folded when a thread ends. A cell is written by the block's thread
 * with one instruction without the lock prefix; in a SHARED block, which serves the threads that
 * get none of their own, with it. In the session memory the collector reads along (and trusts
 * nothing of it); with HAKMEM_TRACE=off the same lies in private memory. */
#ifndef HAK_METRICS_BLOCK_H
#define HAK_METRICS_BLOCK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "metrics/metric.h"

enum hak_counters_state {
    HAK_COUNTERS_FREE = 0,
    HAK_COUNTERS_OWNED = 1,
    HAK_COUNTERS_IDLE = 2,
    HAK_COUNTERS_SHARED = 3,
};

/* state << 32 | index of the process; 0 = free. */
typedef _Atomic uint64_t hak_counters_owner_t;

static inline uint64_t hak_counters_owner(enum hak_counters_state state, uint32_t process) {
    return (uint64_t)state << 32 | process;
}

_Static_assert(HAK_METRICS < 256, "rows and metrics are named by one byte");

struct hak_counters {
    uint8_t metric_of_row[256]; /* metric + 1; 0 = this row and all behind it are free */
    uint8_t row_of_metric[256]; /* row + 1; 0 = not known yet */
    uint64_t rows[HAK_METRICS][HAK_METRIC_CLASSES];
};

/* The sum of blocks. */
struct hak_counters_sum {
    uint64_t cells[HAK_METRIC_CLASSES][HAK_METRICS];
};

/* Adds a block's cells to `sum`. Its thread may be counting; nothing in the block is trusted. */
static inline void hak_counters_add_up(struct hak_counters_sum *sum,
                                       const struct hak_counters *block) {
    for (unsigned row = 0; row < HAK_METRICS; row++) {
        unsigned metric = __atomic_load_n(&block->metric_of_row[row], __ATOMIC_ACQUIRE);
        if (metric == 0 || metric > HAK_METRICS)
            return;
        for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
            sum->cells[k][metric - 1] += __atomic_load_n(&block->rows[row][k], __ATOMIC_RELAXED);
    }
}

/* How many bytes at the start of a block are in use. */
static inline size_t hak_counters_used_bytes(const struct hak_counters *block) {
    unsigned row = 0;
    while (row < HAK_METRICS && block->metric_of_row[row])
        row++;
    return offsetof(struct hak_counters, rows) + row * sizeof block->rows[0];
}

/* Multiples at which owners' words and blocks begin in a session, whatever the kernel's pages are.
 */
#define HAK_COUNTERS_ALIGN        ((uint64_t)4096)
#define HAK_COUNTERS_UP_TO(bytes) (((bytes) + HAK_COUNTERS_ALIGN - 1) & ~(HAK_COUNTERS_ALIGN - 1))
/* Distance of two blocks. */
#define HAK_COUNTERS_BYTES HAK_COUNTERS_UP_TO(sizeof(struct hak_counters))

/* The block `index` of those that start at `first`. */
static inline struct hak_counters *hak_counters_at(void *first, uint32_t index) {
    return (struct hak_counters *)(void *)((char *)first + index * HAK_COUNTERS_BYTES);
}

#endif
