/* Changes that the log tells of slabs, SuperSlabs and settings: lives of SuperSlabs with their
 * tiers and owners, capacities, what learning changed. Counters hold how often, the log when and
 * whose.
 *
 *   SUPERSLAB_MAP --> FREE <-> HOT <-> DRAINING --> KEEP: reserve --> TAKE: FREE ... UNMAP */
#ifndef HAK_VIEWER_LAYERS_CHANGES_H
#define HAK_VIEWER_LAYERS_CHANGES_H

#include "viewer/layers/counts.h"

enum superslab_state {
    SUPERSLAB_GONE,
    SUPERSLAB_FREE, /* this and the next two: tiers */
    SUPERSLAB_DRAINING,
    SUPERSLAB_HOT,
    SUPERSLAB_RESERVE,
    SUPERSLAB_STATES
};

#define SUPERSLAB_OWNERS 4 /* the first that are remembered */

struct superslab_life {
    uint64_t address;
    uint64_t begin_ns;
    uint64_t end_ns;                     /* of its record; 0 = goes on */
    uint64_t since_ns;                   /* in `state` */
    uint64_t state_ns[SUPERSLAB_STATES]; /* how long in each */
    uint32_t process;
    uint32_t owner[SUPERSLAB_OWNERS]; /* threads, row ids, one after the other */
    uint32_t owners;
    uint32_t last_owner;
    uint32_t slabs, takes, keeps, adopts, tiers; /* how many times */
    uint8_t state;
    bool was_mapped;   /* its beginning is in the log; else a fork brought it */
    bool was_unmapped; /* its end is; else it lives, or its process is gone */
};

struct layers_capacity {
    uint32_t changes;
    uint64_t first, last; /* blocks before the first change (0 = not told), and after the last */
    uint64_t least, most; /* after any; each thread has its own */
};

struct layers_setting {
    uint32_t setting;
    uint32_t changes;
    uint64_t value; /* the last */
};

struct layers_changes {
    struct superslab_life *lives; /* by their beginning */
    uint32_t count, capacity;
    uint32_t *slots; /* hash table: newest life of (process, address) + 1 */
    uint32_t slot_count;
    uint32_t now, peak;                                 /* mapped at once */
    uint64_t moves[SUPERSLAB_STATES][SUPERSLAB_STATES]; /* tiers: from, to */
    struct layers_capacity capacities[HAK_METRIC_CLASSES];
    struct layers_setting settings[16];
    uint32_t setting_count;
    bool failed;
};

/* Reads the log's changes into l->changes. 0, or an exit status. */
int layers_read_changes(struct layers *l);
void layers_free_changes(struct layers_changes *changes);

/* "HOT": a state in words. */
const char *layers_state_name(unsigned state);

/* A row for each SuperSlab's life; `is_list` for JSON. */
struct answer layers_superslabs_of(const struct layers *l, bool is_list);

/* Appends the lines on lives and tiers of SuperSlabs, changed capacities and learnt settings, as
 * far as the log was read; --class leaves capacities alone. */
void layers_add_change_lines(struct hak_text *text, const struct layers *l);

/* The changes as JSON: tiers, capacities and settings; with --superslabs each SuperSlab's life. */
json_t *layers_changes_json(const struct layers *l);

#endif
