/* Memory mapped for slots, kept in quarantine, and resident by the kernel's count. The last two are
 * from the worker's snapshots (docs/specs/metrics.md), so as of their times and not of any event's.
 *
 *   metric, SUPERSLAB_MAP --read--> samples by time
 *   process: begins, ends ------^  |
 *                                  |--profile_memory_in--> the most resident in a part of the time
 *                                  \--profile_memory_at--> the last of each process that runs
 *
 * Sums over processes count a page that they share in each of them. */
#ifndef HAK_VIEWER_PROFILE_MEMORY_H
#define HAK_VIEWER_PROFILE_MEMORY_H

#include "viewer/capture/capture.h"

enum profile_memory_kind {
    MEMORY_ANONYMOUS, /* this and the next two: resident */
    MEMORY_FILE,
    MEMORY_SHARED,
    MEMORY_SWAPPED,
    MEMORY_MOST_RESIDENT, /* so far, by each process for itself */
    MEMORY_SUPERSLABS,    /* mapped for slots */
    MEMORY_QUARANTINE,    /* slots whose blocks were freed and are kept from use */
    MEMORY_SLACK,         /* of an allocator that the program kept: usable beyond what was asked */
    MEMORY_KINDS
};

struct profile_memory_totals {
    uint64_t bytes[MEMORY_KINDS];
    uint64_t kernel_ns, quarantine_ns, slack_ns; /* of the last look at these; 0 = there was none.
                                                    SuperSlabs are as the log has them */
    uint64_t changed_ns;                         /* since then the kernel has said the same */
};

struct profile_memory;

/* Reads the memory over time of `process` (row id, 0 = all). 0, or an exit status: the error is
 * printed. The caller frees it. */
int profile_memory_read(struct view *view, uint32_t process, struct profile_memory **out);
void profile_memory_free(struct profile_memory *memory);

/* After the last event: processes that ran then had their last looks as they ended. */
#define MEMORY_AT_END UINT64_MAX

/* Finds the totals of the processes that run at `ns`, by the snapshots up to then, and at the next
 * look (kernel_ns 0: there is none). Begins the time anew. */
void profile_memory_at(struct profile_memory *memory, uint64_t ns,
                       struct profile_memory_totals *out, struct profile_memory_totals *next);
/* Finds the totals when the most was resident, from the last look before from_ns to to_ns;
 * kernel_ns is 0 where nobody looked in between and the next look found another value. Parts of the
 * time are asked from the first to the last. */
void profile_memory_in(struct profile_memory *memory, uint64_t from_ns, uint64_t to_ns,
                       struct profile_memory_totals *out);
uint64_t profile_resident(const struct profile_memory_totals *totals);

#endif
