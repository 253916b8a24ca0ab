/* Snapshots of the programs' counters, and of their resident memory: put into the store's `metric`.
 *
 *   blocks of a process --sum--> compared with its last snapshot --changed--> rows --COMMIT-->
 *   /proc/PID/status ----------------^                                                  store
 *
 * Every process that lives gets one when it is due, and each a last one once it is gone, in the
 * transaction of its last events; only then are its blocks given back. A snapshot stores the cells
 * that changed since the last, so an idle process costs nothing. Due is every metrics_ms at first;
 * when a process is older than sixty of these, a sixtieth of its age: an hour has some 300
 * snapshots, not 3,600. Without snapshots (metrics_ms is 0) only what is not known of the program's
 * own pools is put, each second and at the end. After a new worker has taken over, the first
 * snapshot is a whole one.
 *
 * Nothing in the memory is trusted: owners and states are compared only, values are numbers. For
 * the worker's thread. */
#ifndef HAK_COLLECTOR_SESSION_SNAPSHOT_H
#define HAK_COLLECTOR_SESSION_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/session/client.h"
#include "collector/session/resident.h"
#include "metrics/block.h"
#include "store/reader/reader.h"
#include "store/writer/writer.h"

/* One process entry of a session. */
struct hak_snapshot_watch {
    uint64_t *last;               /* cells as they were put last, NULL = none were yet */
    uint64_t due_ns;              /* CLOCK_MONOTONIC; 0 = at once */
    uint64_t taken_ns;            /* since the capture's start: the one before; 0 = none was */
    struct hak_resident resident; /* as it was put last */
    uint64_t resident_due_ns;     /* CLOCK_MONOTONIC */
    uint64_t looked_ns;           /* since the capture's start: at it last; 0 = never */
    bool is_unchanged;            /* that look found the values of the one before */
    uint32_t row;   /* their owner; a new process gets the entry when another has ended */
    bool has_ended; /* its last snapshot was taken */
    struct hak_missed_pools missed; /* as put last, in a session without snapshots */
};

/* Rows beside the counters: when the snapshot before this one was taken, which may have had nothing
 * to tell (at the first: when the process began), and 1 with the last of a process. */
#define HAK_SNAPSHOT_SINCE "snapshot.since"
#define HAK_SNAPSHOT_END   "snapshot.end"
/* Before a change of memory, and with the last of a process: the time of the last look that found
 * it unchanged. None where the look before was that of a change. */
#define HAK_SNAPSHOT_LOOKED "memory.looked"

/* Rows that are not in the store yet. */
struct hak_snapshots {
    struct hak_metric_row *rows; /* names are constants */
    uint32_t count, capacity;
};

void hak_snapshots_free(struct hak_snapshots *snapshots);

/* Takes the snapshots of a session that are due at `now_ns` (CLOCK_MONOTONIC), and those of
 * processes that are gone; none without counters in it. `ns` is the same moment since the capture's
 * start. */
void hak_snapshots_take(struct hak_snapshots *snapshots, struct hak_client *client,
                        const struct hak_rows *rows, uint64_t now_ns, uint64_t ns);

/* Puts the rows into the transaction. 0 or the store's error. They are kept until committed. */
int hak_snapshots_put(const struct hak_snapshots *snapshots, struct hak_store_writer *writer);
void hak_snapshots_committed(struct hak_snapshots *snapshots);
/* It failed: the rows stay for the next transaction, unless there is none or they are too many. */
void hak_snapshots_rolled_back(struct hak_snapshots *snapshots, bool can_retry);

/* Adds up what the process of entry `index` counts, now. False: it has no counters here. */
bool hak_snapshot_sum(const struct hak_client *client, uint32_t index,
                      struct hak_counters_sum *sum);

/* The gaps in what is known of the process's own pools, by the sum of its counters. */
struct hak_missed_pools hak_snapshot_missed_in(const struct hak_counters_sum *sum);
/* Reads them by now. False: it has no counters
 * here. */
bool hak_snapshot_missed(const struct hak_client *client, uint32_t index,
                         struct hak_missed_pools *missed);

/* True when process entry `index`, which is gone, has had its last snapshot, or there are none. */
bool hak_snapshot_has_ended(const struct hak_client *client, uint32_t index);
/* Gives the blocks of process entry `index` back; its memory returns to the kernel. */
void hak_snapshot_release(struct hak_client *client, uint32_t index);

/* Frees all the session's watches of counters. */
void hak_snapshot_close(struct hak_client *client);

#endif
