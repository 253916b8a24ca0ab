/* Adds up the blocks live at a moment, and those that came and went before it, by process, thread
 * group and allocation stack. It reads the stored profile (store/profile), and events only of the
 * runs in which the moments lie.
 *
 *   runs before `from` --> before          runs between --> came, went, brief --> live at `to`
 *                \-- run of `from`, `to`, of a FORK: its events, with their rows of profile_chunk
 *
 * docs/specs/profile.md explains each number. There is no answer here for a capture that has no
 * profile, or has lost the part to read: flow.h reads its events. Memory: a row of 100 bytes for
 * each process and stack, and the blocks that began in one run. */
#ifndef HAK_STORE_HISTORY_HEAP_H
#define HAK_STORE_HISTORY_HEAP_H

#include "base/amount.h"
#include "store/reader/reader.h"

enum { HAK_HEAP_CLASSES = 64 }; /* size classes; the last one: greater ones, and none */
#define HAK_HEAP_GROUPS                                                                            \
    64 /* the greatest thread group: the 64th thread of a process and all after */

/* before + inherited + came - went = live, in blocks and bytes. */
struct hak_heap_row {
    uint32_t process, group, stack; /* group 0, stack 0: not known */
    struct hak_amount before;       /* live behind event `from` */
    struct hak_amount inherited;    /* of the parent, by a child whose first event is in the span */
    struct hak_amount came, went;
    struct hak_amount brief; /* of `went`: before the next birth of its thread */
    struct hak_amount live;  /* behind event `to`, or the process's last event before */
};

struct hak_heap_process {
    uint32_t process;
    uint64_t live_bytes;             /* behind event `to` */
    uint64_t peak_bytes, peak_event; /* the most in the span, and the first event behind which it
                                        held that; event 0: no event made it more than `before` */
    uint64_t peak_ns;                /* of peak_event; only of a capture that keeps no events */
    uint64_t unknown_ends;           /* in the span: given back, and no birth is known */
    /* As far as `from` and `to` go its last event: in a run without them, one of that run. 0 = not
     * known: of captures that keep no events, of those of one process, and where `to` is 0. */
    uint64_t last_event;
    bool has_ended;                /* it will have none any more */
    struct hak_amount *class_live; /* HAK_HEAP_CLASSES sums behind `to`; see has_classes */
};
/* Does it hold nothing behind `event` (0 = the end, where each holds the blocks of its own end)? */
static inline bool hak_heap_is_gone(const struct hak_heap_process *p, uint64_t event) {
    return event && p->has_ended && p->last_event && p->last_event < event;
}

struct hak_heap {
    uint64_t from, to;
    struct hak_heap_row *row; /* by process, group, stack; none is all zero */
    uint32_t rows;
    struct hak_heap_process *process; /* those that had an event up to `to`, by row id */
    uint32_t processes;
    bool has_classes;     /* of hak_heap_read_classes: all processes have their class_live */
    uint64_t events_read; /* number of events read */
    const char *why_not;  /* of result 0: why there is no answer */
};

/* Events with from < id <= to are the span; `to` 0 = the end of the log as it is. `process`: row
 * id, 0 = all. 1 and `out` is filled; 0: the profile has no answer, out->why_not says why; or an
 * error. The caller frees `out` in any case. */
int hak_heap_read(struct hak_store_reader *r, uint64_t from, uint64_t to, uint32_t process,
                  struct hak_heap *out);
/* As hak_heap_read of all processes from the begin on, with the blocks of each by size class, where
 * the store knows them: of captures that earlier versions wrote, or whose events contradict each
 * other, out->has_classes is false. */
int hak_heap_read_classes(struct hak_store_reader *r, uint64_t to, struct hak_heap *out);
void hak_heap_free(struct hak_heap *heap);

/* Is called behind each run, behind event `stop` and behind the last event: `so_far` has what came
 * and went up to `event`, its rows in the order of coming, also of processes that nobody asked for.
 * Since the call before no more than `most_bytes` were held at once; the bytes of ended processes
 * count on. */
struct hak_heap_follower {
    void (*step)(void *context, const struct hak_heap *so_far, uint64_t event, uint64_t most_bytes);
    void *context;
};
/* Reads as hak_heap_read from the begin on, and calls the follower at each boundary of a run.
 * `stop`: 0 = none. */
int hak_heap_follow(struct hak_store_reader *r, uint64_t to, uint32_t process, uint64_t stop,
                    const struct hak_heap_follower *follower, struct hak_heap *out);

/* A process that has ended, and its last event: on the right side of the ends of all runs, of
 * `stop` and of `to`; between these that event itself, or a later one. */
struct hak_heap_ending {
    uint64_t event;
    uint32_t process;
};
/* Finds the ends of all processes, in the order of their events. 1; 0: the profile has no answer;
 * or an error. The caller frees `*out` in any case. */
int hak_heap_find_endings(struct hak_store_reader *r, uint64_t stop, uint64_t to,
                          struct hak_heap_ending **out, uint32_t *count);

/* The most that all processes held together. */
struct hak_heap_peak {
    uint64_t bytes, event, ns; /* event: the first one behind which they did */
};
/* Finds the peak of the span, as flow.h has it: a process that has ended holds nothing behind its
 * last event. Event 0: no event made it more than the bytes held behind `from`, which are `bytes`;
 * ns is not filled in. Reads the runs, and the events of those that may have it: of one where a
 * single process runs none. 1; 0: the profile has no answer; or an error. */
int hak_heap_find_peak(struct hak_store_reader *r, uint64_t from, uint64_t to,
                       struct hak_heap_peak *out);

/* ---- captures that keep nothing but the profile ------------------------------------------------
 * (hak_store_is_profile_only): of them hak_heap_read answers at the ends of runs alone. */

/* The blocks live at the peak of all processes together: `live` of rows. 1; 0: nothing ever came;
 * or an error. The caller frees `out` in any case. */
int hak_heap_read_peak(struct hak_store_reader *r, struct hak_heap_peak *peak,
                       struct hak_heap *out);

/* The end of a run: its last event, and the time of that. */
struct hak_heap_end {
    uint64_t event, ns; /* event 0: before the first one */
};
/* The end that is nearest to a time (`event` 0), or to an event. 0, or an error. */
int hak_heap_nearest(struct hak_store_reader *r, uint64_t event, uint64_t ns,
                     struct hak_heap_end *out);

/* A run. */
struct hak_heap_step {
    uint64_t first, last, from_ns, to_ns;
    uint64_t most_bytes, most_event, most_ns; /* event 0: nothing grew in it */
    struct hak_amount live;                   /* at its end, of those that run then */
    struct hak_amount came, went, brief;
};
struct hak_heap_steps {
    struct hak_amount before; /* live behind the last run up to `from` */
    struct hak_heap_step *step;
    uint32_t steps, room;
};
/* Reads all runs with from < first, last <= to (0 = the end), of one process (row id) or of all
 * (0). 0, or an error. The caller frees `out` in any case. */
int hak_heap_read_steps(struct hak_store_reader *r, uint64_t from, uint64_t to, uint32_t process,
                        struct hak_heap_steps *out);
void hak_heap_free_steps(struct hak_heap_steps *steps);

#endif
