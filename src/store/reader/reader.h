/* Reads a store: used by the viewer and by the collector's report. Memory stays constant in the
 * size of the capture: one decoded chunk and its postings at a time.
 *
 *   filter -> postings -> chunks that may have it -> decoded, by several threads -> events in order
 *
 * It calls the codec, postings and stacks. Rooms that answer from it see its insides (inner.h).
 *
 * Functions return 0 (or a count) or a negative enum hak_store_error, with hak_store_message(). A
 * reader belongs to one thread. A store that is being written is read as far as it is committed. */
#ifndef HAK_STORE_READER_READER_H
#define HAK_STORE_READER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/reader/follow.h"
#include "store/database.h"
#include "store/frame.h"
#include "store/error.h"
#include "store/event.h"
#include "store/node.h"

struct sqlite3;
struct hak_store_reader;

/* Opens a store, of a file or a server, for reading. 0, or an error; `out` is NULL then. */
int hak_store_open(const char *path, struct hak_store_reader **out);
/* Makes a reader on a connection that somebody else owns (the writer's, inside its process). 0, or
 * an error; `out` is NULL then. */
int hak_store_attach(struct sqlite3 *database, struct hak_store_reader **out);
void hak_store_close(struct hak_store_reader *r);
const struct hak_database *hak_store_database(const struct hak_store_reader *r);

/* The name in the record `event` of a mark, a pool or a place, for the caller to free; NULL: none
 * (so of 0), or no memory. */
char *hak_store_mark_name(const struct hak_store_reader *r, uint64_t event);
/* True: no file, but a capture on a server, whose rows have so many bytes. */
bool hak_store_is_on_server(const struct hak_store_reader *r, uint64_t *bytes);

/* Long reads report their progress, once for every chunk, and may be stopped: then they end with
 * HAK_STORE_STOPPED. One watcher for all readers of this process; NULL takes it away. Set it before
 * reading begins. */
struct hak_progress {
    const char *doing;    /* "" or what is done to the events: "following blocks" */
    const char *unit;     /* what is counted; NULL = events */
    uint64_t done, total; /* a new pass begins at 0 again */
};
typedef int (*hak_watcher)(void *context, const struct hak_progress *progress);
void hak_store_watch(hak_watcher watcher, void *context);

/* The gaps in what is known of the program's own pools: pools and pieces that had no room in
 * hakmem's tables, and calls of hak_pool_* that were missed. */
#define HAK_MISSED_MOST_BITS 40
#define HAK_MISSED_MOST                                                                            \
    (UINT64_C(1) << HAK_MISSED_MOST_BITS) /* a store keeps no greater number of each */
struct hak_missed_pools {
    uint64_t pools, pieces, calls;
};

/* Whether events of pools are missing for that; those of pieces without room are there. */
static inline bool hak_missed_has_events(const struct hak_missed_pools *missed) {
    return missed->pools > 0 || missed->calls > 0;
}
static inline bool hak_missed_any(const struct hak_missed_pools *missed) {
    return missed->pieces > 0 || hak_missed_has_events(missed);
}

struct hak_store_summary {
    uint64_t events, chunks, losses, lost_events, trimmed_events; /* losses: without stops */
    uint64_t stops;             /* times that recording of a process was stopped */
    uint64_t disordered_events; /* written after a later one of their block */
    uint64_t first_ns, last_ns;
    uint32_t processes, threads, modules, nodes, faults;
    uint32_t unrecorded; /* processes that were not recorded, or executed what was not */
    uint32_t unseen;     /* processes whose end died with their collector */
    struct hak_missed_pools missed;
    bool being_written; /* a collector is still at it */
    bool ended_early;   /* no collector, and it did not finish: its last commit is the end */
};

/* Sums up what the store has: events, times, losses, counts of its tables. 0, or an error. */
int hak_store_summarise(struct hak_store_reader *r, struct hak_store_summary *out);

/* A capture that keeps only the profile (docs/specs/profile.md): callers that ask for events get
 * HAK_STORE_NO_EVENTS. */
bool hak_store_is_profile_only(const struct hak_store_reader *reader);
/* Of a heap profile that was read out of a running program (collector/sampled): the mean bytes
 * between two samples; all of its numbers are estimates. 0: every block is counted. */
uint64_t hak_store_sampled_rate(const struct hak_store_reader *reader);

/* The events to look for; zero fields do not limit. Address limits are on [base, base + slot) or on
 * the exact address, see `covers`. */
struct hak_filter {
    uint64_t id_from, id_to; /* inclusive; 0 = open */
    uint64_t ns_from, ns_to;
    uint64_t base;                          /* exact base of a block */
    uint64_t base_from, base_to;            /* inclusive; both 0 = all */
    const uint64_t *bases;                  /* any of these, sorted; the caller keeps them */
    uint32_t base_count;                    /* of `bases`; 0 = all */
    uint64_t address;                       /* events whose address or base equals it */
    uint32_t process, thread;               /* row ids */
    uint32_t stack;                         /* exact node */
    uint64_t kind_mask_low, kind_mask_high; /* bit n = kind n (0..63, 64..127); both 0 = all */
    int class_index;                        /* -1 = all: set it! */
};

/* Calls `each` for each event that passes, oldest first (newest first when `backwards`), until it
 * returns non-zero (which is returned) or no event is left. */
typedef int (*hak_event_each)(void *context, const struct hak_event *event);

/* Gives each event that passes the filter to `each`, until that returns another value than 0: this,
 * 0 at the end, or an error. */
int hak_store_scan(struct hak_store_reader *r, const struct hak_filter *filter, bool backwards,
                   hak_event_each each, void *context);
/* Reads one event by id, from a chunk that is still decoded if there is one. 1 found, 0 not in the
 * store, or an error. */
int hak_store_event(struct hak_store_reader *r, uint64_t id, struct hak_event *out);

/* Frames of a stack, innermost first, inlined levels included; returns their number (at most max).
 * Their strings belong to the reader until the next call. */
int hak_store_frames(struct hak_store_reader *r, uint32_t stack, struct hak_frame *out, int max);
/* The node of a stack: one return address, and the node of its callers (`parent`). 1 found, 0 not
 * there, or an error. For callers that go over many stacks, whose nodes are mostly the same. */
int hak_store_node(struct hak_store_reader *r, uint32_t id, struct hak_node_row *out);
/* The frames of that node alone, as hak_store_frames; they depend on its process, generation and ip
 * only. */
int hak_store_node_frames(struct hak_store_reader *r, const struct hak_node_row *node,
                          struct hak_frame *out, int max);
/* The innermost function in a stack that is not hakmem's own; NULL = none has a name. Looked up
 * once for each stack. The text belongs to the reader until the next call. */
const char *hak_store_stack_function(struct hak_store_reader *r, uint32_t stack);
/* Why a stack could not be read, the first time that one of these failed; NULL when it never did.
 * An answer without those stacks is not whole. Lives as long as the reader. */
const char *hak_store_stack_error(const struct hak_store_reader *r);

/* Counts the callers of all `count` codes, in the first million nodes. 0 or an error. */
struct hak_callers; /* store/stacks/callers.h */
int hak_store_count_callers(struct hak_store_reader *r, struct hak_callers *of, int count);

/* Was it recorded over allocators that the programs kept (run --allocator keep)? Nothing is known
 * of their slots and layers then. */
bool hak_store_is_kept(const struct hak_store_reader *reader);

/* Slot size and band of a class as this store was written; false when it has no such class. */
bool hak_store_class(struct hak_store_reader *r, unsigned class_index, uint64_t *slot_bytes,
                     unsigned *band);

#endif
