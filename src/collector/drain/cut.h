/* The consistent cut: the records of all rings that make the next commit, merged by time.
 *
 *   ring A  ---a----a------a-|---a->        T: a moment read before any head is looked at.
 *   ring B  -----b-----b-----|-b--->        Records written before T and published go in,
 *                            T              later ones wait for the next cut.
 *
 * If an event is in, every event that it depends on is in too: that one was published, with a
 * smaller time, before the other could be made, and heads are read after T. Where its time is not
 * smaller, because processors disagree, it is taken over the edge (cut_edge.h). So a block's
 * records come to the store in the order of their generations, though heads are read one after the
 * other (docs/specs/event-log.md, Order). For one thread. */
#ifndef HAK_COLLECTOR_DRAIN_CUT_H
#define HAK_COLLECTOR_DRAIN_CUT_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/session/session.h"
#include "collector/drain/records.h"

/* A lane that has records to take, by the time of the next. */
struct hak_cut_entry {
    uint64_t ns;
    uint32_t lane;
};

struct hak_cut {
    struct hak_lane *lanes;
    struct hak_cut_entry *heap; /* the oldest record's lane first */
    uint32_t lane_count, heap_count, capacity;
    bool more; /* records before the cut are left for another commit */
};

void hak_cut_free(struct hak_cut *cut);

/* The T of a cut, by both clocks. */
struct hak_cut_moment {
    uint64_t tsc, ns; /* CLOCK_MONOTONIC */
};

/* Reads ticks and time together as the moment of a cut, before all that is read of rings behind
 * it. */
struct hak_cut_moment hak_cut_now(void);

/* Cuts at `moment`, which was read before the call, through all rings of `clients` and fills the
 * (empty) batch of `drain` with at most HAK_BATCH_MAX events. Several cuts at the same moment come
 * to an end however fast programs write (`more` becomes false). New processes are looked at on the
 * way (`watch` as in client.h). Positions move, nothing else: hak_cut_stored must follow, whether
 * the records read could be stored or are counted as lost. */
void hak_cut_fill(struct hak_cut *cut, struct hak_client **clients, uint32_t count,
                  struct hak_drain *drain, int watch, uint64_t capture_start_ns,
                  struct hak_cut_moment moment);

/* Puts the cursors of all rings that were read into the transaction. 0 or the store's error. */
int hak_cut_put_cursors(const struct hak_cut *cut, struct hak_store_writer *writer);

/* After COMMIT: moves the rings' tails to what is stored, and wakes waiters for room. */
void hak_cut_stored(struct hak_cut *cut, struct hak_client **clients, uint32_t count);

/* The work that waits in the rings. */
struct hak_waiting {
    uint64_t records; /* that were not read */
    bool half_full;   /* some ring is, of records or of nodes */
    bool has_new;     /* some process is watched only from the commit on: how it ends may be lost */
    bool has_ended; /* some ring has no writer any more and could be given back, or a session's last
                       process ends, which may wait for it */
};

/* Looks at all clients for what waits: unseen processes, ended or half full rings, nodes that wait,
 * unread records. */
struct hak_waiting hak_cut_waiting(struct hak_client **clients, uint32_t count);

/* True when a commit is due, `since_ns` after the last one: after 50 ms when nothing waits (of the
 * events; rows may), a chunk's worth does, a process is new, or rings could be given back; after
 * 250 ms anyway, at once when a ring is half full. So chunks stay large however slowly the events
 * come. */
bool hak_cut_is_due(const struct hak_waiting *waiting, uint64_t since_ns);

#endif
