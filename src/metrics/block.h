/* Where counters lie: blocks of one cell for each metric and class, each written by one thread.
 *
 *   owners   | state, process | state, process | ...          one word for each block
 *   blocks   | [class][metric] 64-bit cells    | ...          whole pages, zero until they are
 * taken
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

struct hak_counters {
    uint64_t cells[HAK_METRIC_CLASSES][HAK_METRICS];
};

/* Distance of two blocks. */
#define HAK_COUNTERS_BYTES ((sizeof(struct hak_counters) + 4095) & ~(size_t)4095)

/* The block `index` of those that start at `first`. */
static inline struct hak_counters *hak_counters_at(void *first, uint32_t index) {
    return (struct hak_counters *)(void *)((char *)first + index * HAK_COUNTERS_BYTES);
}

#endif
