/* The counts of `layers`: counters of the capture, or the log counted in the same way.
 *
 *   metric (snapshots) --> cells, intervals, counted -------+
 *                                                           +--> compared --> text, JSON, status
 *   log --(store/history/layers.h)--> logged; and cells, ---+
 *    |                                too, where there are no counters
 *    +--(changes.h)--> lives of SuperSlabs, capacities, what was learnt */
#ifndef HAK_VIEWER_LAYERS_COUNTS_H
#define HAK_VIEWER_LAYERS_COUNTS_H

#include "base/json.h"
#include "viewer/events/events.h"
#include "metrics/metric.h"
#include "viewer/capture/capture.h"

#define LAYERS_INTERVALS_MAX 100000
#define LAYERS_STATES        5 /* of a SuperSlab: enum superslab_state */

struct layers_changes;

struct layers_cells {
    uint64_t cells[HAK_METRIC_CLASSES][HAK_METRICS];
    uint64_t unknown[HAK_METRIC_CLASSES]; /* served by layers that this build does not know */
};

/* One process: its mallocs by its own counters, and by the log. */
struct layers_process {
    uint64_t counted, logged;
    uint32_t unended; /* threads that the log does not see end */
    bool has_counters;
    bool has_last; /* its counters are those of its end */
};

/* A snapshot: what it has more than the one before it happened between these two moments. */
struct layers_snapshot {
    uint32_t process;
    uint64_t since_ns, ns;
};

/* The sums of one TIME, over all classes that were asked for. */
struct layers_interval {
    uint64_t sum[HAK_METRICS];
    int64_t state_change[LAYERS_STATES]; /* SuperSlabs more or less in each state */
    bool has_any;
};

struct layers {
    struct view *view;
    uint32_t process;           /* --process, 0 = all */
    struct event_filter filter; /* --class: band or class_index */
    uint64_t over_ns;           /* --over, 0 = not given */
    bool is_from_log;           /* cells and intervals are counted from the log */
    bool shows_superslabs;      /* --superslabs */
    bool compares_nothing;      /* counters alone, where there are any */
    bool log_was_read;
    bool has_states; /* intervals hold changes of states */
    struct layers_cells *all;
    struct layers_changes *changes;   /* NULL: the log was not read */
    struct layers_process *processes; /* by row id */
    uint32_t process_rows;            /* length of it */
    uint32_t with_counters;           /* processes */
    uint32_t without_last; /* of them, or of those in the log, when others have counters */
    struct layers_interval *intervals;
    uint64_t interval_count;
    struct layers_snapshot *snapshots; /* by process and time; with --over */
    size_t snapshot_count;
    uint64_t counted, logged; /* mallocs of the processes that can be compared */
    uint64_t cut_short;       /* counted, and not recorded any more: the process ended just then */
    uint32_t differing;       /* processes whose log and counters differ by more */
};

/* Whether --class lets this class's rows pass. */
bool layers_shows_class(const struct layers *l, unsigned metric_class);
/* True when no --class narrows it: what belongs to no class can be shown, too. */
bool layers_shows_all(const struct layers *l);
/* "C3 64 B", "large"; holds until the next call. */
const char *layers_class_name(const struct layers *l, unsigned metric_class);
/* Sum of a metric over the classes that are shown. */
uint64_t layers_sum(const struct layers *l, unsigned metric);
/* Mallocs of one class, by all layers. */
uint64_t layers_served(const struct layers *l, unsigned metric_class);
/* Gos and blocks that came from slabs into a front, and the other way. */
struct layers_moves {
    uint64_t refills, refill_blocks, spills, spill_blocks;
};

/* Sums up a row of metrics: how often blocks were taken out of slabs into caches and spilled back,
 * and how many. Blocks out of remote lists are no spill. */
struct layers_moves layers_moves(const uint64_t *metrics);
/* "front", "TLS SLL": a layer of hops.def. */
const char *layers_name(unsigned layer);
/* True when counters and log can be compared, and differ. */
bool layers_disagree(const struct layers *l);

/* Fills everything in that comes from the store (gather.c). 0, or an exit status. */
int layers_gather(struct layers *l);

/* Hits of a layer, of those mallocs that came to it: where it is on for a class, those that no
 * layer in front of it had. `asked` 0: it is off. (hits.c) */
struct layers_hits {
    uint64_t hits, asked;
};

/* The mallocs that a layer served, and those asked of it, over the classes that are shown; none of
 * a layer that always has a block. */
struct layers_hits layers_hits(const struct layers *l, unsigned layer);

/* Slabs taken, by the stage in which they were found. (hits.c) */
struct layers_stages {
    uint64_t taken, empty, unused, mapped;
    bool is_known; /* false: the capture does not hold it */
};

/* The slabs taken, by stage: empty ones, unused ones, and the rest, of new SuperSlabs. Stages are
 * not known from the log alone. */
struct layers_stages layers_stages(const struct layers *l);

/* "98.91 %"; "" where nothing is: a zero would be read as a little. Holds for the next three calls.
 */
const char *layers_share(uint64_t part, uint64_t whole);

/* A row for each layer of which something was asked, but for those that always have a block;
 * `is_list` for JSON. (lines.c) */
struct answer layers_hits_of(const struct layers *l, bool is_list);

/* lines.c: appends the lines below the tables: the total, and, where neither intervals nor
 * SuperSlabs are listed, the rest. */
void layers_add_lines(struct hak_text *text, const struct layers *l);

/* rows.c: appends the whole answer: the table of classes, intervals or SuperSlabs, the lines below
 * it, and the completeness. */
void layers_add_text(struct hak_text *text, const struct layers *l);

/* The document of `layers --json`: counts of classes, hits, stages, changes, processes and
 * intervals, and how counters and log compare. */
json_t *layers_json(const struct layers *l);

#endif
