/* State that heap.c and heap_peak.c share while runs are added and events are replayed, and what
 * heap_alone.c reads as they do. */
#ifndef HAK_STORE_HISTORY_HEAP_INNER_H
#define HAK_STORE_HISTORY_HEAP_INNER_H

#include "store/history/heap.h"
#include "store/profile/profile.h"
#include "store/reader/inner.h"

struct held {
    struct hak_amount before, inherited, live;
};

struct actor {
    struct hak_profile_layer *top; /* lives that began in what is replayed */
    bool has_begun, has_ended, is_wanted;
    uint64_t last_event; /* see hak_heap_process */
    uint64_t live_bytes, before_bytes;
    uint64_t peak_bytes, peak_event, peak_ns;
    uint64_t unknown;
    /* By size class: the blocks added since the end of run `class_run` (0 = nothing before), whose
     * blocks are stored. NULL = none were added. */
    struct hak_amount *class_more;
    uint64_t class_run;
};

/* The blocks of a parent behind an event. */
struct snapshot {
    uint64_t event;
    uint32_t parent;
    bool is_taken;
    struct hak_profile_row *row; /* `came` is what was live */
    uint32_t rows, room;
    uint64_t bytes;
    struct hak_amount *class_live; /* NULL = not asked for */
};

struct heap {
    struct hak_store_reader *reader;
    struct hak_heap *out;
    uint64_t from, to;
    uint32_t process; /* 0 = all */
    struct hak_profile_keys keys;
    struct hak_profile_sums sums;
    struct held *held; /* of each row of sums */
    uint32_t held_room;
    struct actor *actor; /* by row id */
    uint32_t actor_room;
    uint64_t *last_birth; /* by thread */
    uint32_t *group;      /* by thread */
    uint32_t last_room, group_room;
    struct snapshot *snapshot;
    uint32_t snapshots, snapshot_room;
    struct hak_profile_run run;
    struct hak_profile_chunk chunk;
    bool is_behind; /* event `from` */
    bool has_last_events;
    bool has_classes; /* asked for, and stored so far */
    bool failed;      /* no memory */
    /* Of a search for the peak (heap_peak.c), which follows the bytes that all hold; NULL = no
     * search. */
    struct heap_tree *tree;
    const struct hak_heap_follower *follower; /* NULL = none */
    uint64_t stop;                            /* of the follower, not reached yet; 0 = none */
    uint64_t told;                            /* the event of the last call */
    uint64_t most, running;                   /* held at most since then; now */
    uint32_t told_room;
};

/* All below for one thread; the caller frees by hak_heap_release. */

/* Reads keys, threads and processes: 1; 0 and h->out->why_not: there is no profile; or an error.
 * `*last` is the log's last event. */
int hak_heap_begin(struct heap *h, uint64_t *last);
void hak_heap_release(struct heap *h);
/* The state of a process by row id, which is made; never NULL, h->failed without memory. It moves
 * when another is added. */
struct actor *hak_heap_actor(struct heap *h, uint32_t process);
/* Reads the events first..last, which begin a run: 1, 0 with why_not, or an error. */
int hak_heap_replay(struct heap *h, uint64_t first, uint64_t last);
/* Decodes the run in the row of the query (first, last, data), which must begin with event `next`.
 * 0, or an error. */
int hak_heap_decode_run(struct heap *h, const struct hak_query *q, uint64_t next);

/* Adds the keys of the profile to `keys`: 0, or an error. */
int hak_heap_read_keys(struct hak_store_reader *r, struct hak_profile_keys *keys);
/* Makes the error of a row of a table whose blob is damaged. */
int hak_heap_fail_blob(const struct hak_store_reader *r, const char *table, uint64_t id,
                       const char *wrong);

/* Notes the bytes before an event that is replayed, after processes that ended before it are
 * dropped. (heap_peak.c) */
void hak_heap_tree_before(struct heap *h, const struct hak_event *e);

/* Takes the change that an event made to its process's bytes into those of all, with their peak;
 * the tail's forks are noted. */
void hak_heap_tree_after(struct heap *h, const struct hak_event *e);
/* The bytes that a child began with: from its run, the fork that was noted, or the parent's at that
 * event. */
uint64_t hak_heap_tree_inherited(struct heap *h, uint32_t process, uint32_t parent, uint64_t fork);

#endif
