/* Adds up the blocks that came and went between two moments, by process and allocation stack, with
 * the peaks on the way; from the events themselves, so that any capture and any two moments will
 * do. A moment is an event: all that the log says up to it has happened.
 *
 *   blocks held at `from` (alive.h) --+
 *   events from -> to, oldest first --+--> blocks (base -> stack, size) --> rows, peaks, steps
 *   forks, ends of processes ---------+
 *
 * Of every row: before + inherited + came - went - left = live. From its first event on a child of
 * a fork holds the blocks that its parent held after the FORK: they are `inherited`, and the
 * child's own. Behind its last event a process that has ended holds nothing: its blocks have
 * `left`; only where `to` is the end of the capture each process still holds the blocks of its own
 * end.
 *
 * Memory: the blocks that are held at one time, 48 bytes each and a hash; blocks that a child
 * shares with its parent once. */
#ifndef HAK_STORE_HISTORY_FLOW_H
#define HAK_STORE_HISTORY_FLOW_H

#include "base/amount.h"
#include "store/reader/reader.h"

/* One stack of one process, or one of a thread in it where threads are told apart. */
struct hak_flow_row {
    uint32_t process;         /* row id */
    uint32_t thread;          /* row id of the thread that allocated; 0 = of all */
    uint32_t stack;           /* of the allocation; 0 = none, or its birth is not known */
    struct hak_amount before; /* held at `from` */
    struct hak_amount inherited;
    /* Lives that began; a realloc in place that grew or shrank adds to the bytes of `came` or
     * `went` alone. */
    struct hak_amount came, went;
    struct hak_amount brief; /* of `went`: ended before the thread that began it began N more */
    struct hak_amount left;
    struct hak_amount live;    /* held at `to` */
    struct hak_amount at_peak; /* held at the peak of all that was asked for */
};

/* The most bytes that were held at once; the first such moment. */
struct hak_flow_peak {
    struct hak_amount live;
    uint64_t id, ns; /* of the event that made it; 0 = nothing came, the peak is `from` */
};

struct hak_flow_process {
    uint32_t process;       /* row id */
    struct hak_amount live; /* at `to` */
    struct hak_flow_peak peak;
};

/* A part of the time between the two moments. */
struct hak_flow_step {
    uint64_t most_bytes, least_bytes; /* held at once in it */
    struct hak_amount end;            /* held at its end */
    struct hak_amount came, went;     /* in it; what ended with its process is no part of it */
};

/* A life that was open between the two moments. */
struct hak_flow_life {
    uint32_t process, thread, stack; /* of the birth; the process holds it */
    uint64_t size, birth_ns, end_ns; /* end_ns 0 = still open at `to`, or at its process's end */
    uint8_t class_index;
    bool is_birth_known; /* else birth_ns is 0 */
    bool is_before;      /* was held at `from` */
    bool is_inherited;   /* from the process's parent, behind `from` */
    bool is_brief;
    bool has_left; /* still open when its process ended, before `to`: one of the row's `left` */
};

enum hak_flow_change {
    HAK_FLOW_INHERITED,
    HAK_FLOW_CAME,
    HAK_FLOW_WENT,
    HAK_FLOW_BRIEF, /* of what went, beside it */
    HAK_FLOW_LEFT,
    HAK_FLOW_CHANGES,
};

/* Follows the rows while they are counted; in the order of events, but for the blocks held at
 * `from`, which are in no change. Until hak_flow_read returns, its `out` has the counts so far:
 * `rows` and `peak`. */
struct hak_flow_follower {
    /* out->row[row] has changed; of a child that was forked it inherits with its first event. */
    void (*change)(void *context, uint32_t row, enum hak_flow_change what, struct hak_amount sum);
    /* out->step[step], which has events, ends behind event `id`: `live` was held then. */
    void (*step)(void *context, uint32_t step, uint64_t id, uint64_t ns, struct hak_amount live);
    void *context;
};

struct hak_flow_query {
    uint64_t from, to;    /* events: what is behind `from`, up to `to`; 0 = the begin, the end */
    uint32_t process;     /* row id, 0 = all */
    bool by_thread;       /* tell threads apart */
    uint64_t brief_calls; /* N of `brief`; 0 = 1 */
    uint32_t steps;       /* parts of the time, 0 = none are wanted */
    /* Each life, when it ends and at last those that are open. NULL = not wanted. */
    void (*life)(void *context, const struct hak_flow_life *life);
    void *context;
    const struct hak_flow_follower *follower; /* NULL = none; it needs `steps` */
};

struct hak_flow {
    struct hak_flow_row *row; /* in the order of coming */
    uint32_t rows;
    struct hak_flow_process *process; /* those that have an event up to `to`, by row id */
    uint32_t processes;
    struct hak_flow_step *step;
    uint32_t steps;
    uint64_t from_ns, to_ns; /* the time that the steps divide */
    struct hak_amount before, inherited, came, went, brief, left, live; /* of all rows */
    struct hak_flow_peak peak; /* of all processes together */
    /* Given back although their birth is not in the capture and they were not held at `from`. In
     * no row. */
    struct hak_amount unknown;
    uint64_t events; /* that were looked at */
};

/* Finds where a timeline ends: with the last event of the program itself, where hakmem's sweep and
 * scan for leaks at the exit come behind it, else at `last_ns`. 0, or an error. */
int hak_flow_end(struct hak_store_reader *r, uint64_t last_ns, uint64_t *end_ns);

/* Fills `out`, which the caller frees in any case. 0, or an error. */
int hak_flow_read(struct hak_store_reader *r, const struct hak_flow_query *query,
                  struct hak_flow *out);
void hak_flow_free(struct hak_flow *flow);

#endif
