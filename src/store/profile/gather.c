/* The pass over a chunk that adds up the blocks that came and went. */
#include "store/profile/gather.h"

#include <stdlib.h>
#include <string.h>
#include "attributes.h"
#include "base/growing.h"
#include "hop.h"
#include "store/profile/sums.h"
#include "trace/record.h"

#define AHEAD     8   /* blocks whose slots are fetched before they are needed */
#define WAYS      4   /* lanes that find their sites at once */
#define ACTORS    16  /* kept at hand, by thread */
#define LANE_BITS 11  /* of LANES_MAX processes with their thread groups */
#define FORKS_MAX 256 /* whose children have not come yet */
#define LANES_MAX 16  /* processes of a chunk before it is cut in two */

/* How one block of one process stands in the segment. An event looks at these 16 bytes, its site's
 * slot and the tally of the row: a life that begins and ends in the segment touches nothing else,
 * neither a row nor the table of blocks. */
struct state {
    uint64_t size;  /* of the life that is open; 0 where none is */
    uint32_t open;  /* 0 = none is; OPEN and where its row's tally lies; OLDER = see origin */
    uint32_t birth; /* place in the chunk, where its birth is in the segment */
};
#define OPEN    (1u << 30)
#define OLDER   (1u << 31)           /* a life that began before the segment; */
#define RESIZED (OLDER | 1)          /* its size is another one now */
#define NOWHERE HAK_CHUNK_EVENTS_MAX /* as a place of the chunk */

/* The origin of the block. */
struct origin {
    uint32_t number;  /* of the base */
    uint32_t process; /* row id */
    /* The life that was open before the segment. */
    uint64_t birth;
    uint32_t key; /* 0 = none was */
    uint32_t thread : 24;
    uint32_t class_index : 8;
    uint32_t resized; /* place in the chunk of the last resize, + 1; 0 = none */
};
/* The new state of a block, for the table of its process. */
struct change {
    struct hak_profile_block block;
    uint32_t process; /* row id */
    bool has_older;   /* the table has a life of this block that is open */
};

/* Of a row in g->sums: lives that began and ended in the chunk, both counted when they end. */
struct tally {
    struct hak_amount lasting, brief;
};
#define LASTING  offsetof(struct tally, lasting)
#define BRIEF    offsetof(struct tally, brief)
#define ROWS_MAX (OPEN / sizeof(struct tally))
_Static_assert(ROWS_MAX * sizeof(struct tally) == OPEN, "a tally's place is below OPEN");

struct process {
    uint32_t parent, session; /* as its row says */
    uint64_t fork_event;
    bool has_ended;
    bool has_begun;                         /* it has an event */
    struct hak_profile_layer *top;          /* NULL = none yet */
    uint64_t born_after;                    /* lives up to this event were its parent's */
    uint32_t lane;                          /* in this segment, from 1; 0 = none */
    uint32_t changes;                       /* while they are counted */
    uint32_t run;                           /* serial of the run in which `now` counts */
    bool is_gone;                           /* it has ended, and holds nothing (with _hold) */
    uint64_t chunk;                         /* the last chunk in which it has an event */
    struct hak_profile_process now, before; /* before: the chunk */
    struct hak_amount *class_live; /* what its tables hold, by size class; NULL = nothing ever */
};

struct thread {
    uint64_t last_birth; /* event id */
    uint32_t group;
};

/* The blocks that a parent held at a FORK. */
struct fork_point {
    uint64_t event;
    uint32_t parent;
    struct hak_profile_layer *top;
    uint64_t live_bytes;
    struct hak_profile_row *row; /* with _hold: `came` is what was live */
    uint32_t rows;
    struct hak_amount *class_live; /* NULL = nothing */
};

/* The blocks of a row at the newest peak, as a change since the chunk's begin. */
struct row_peak {
    uint64_t epoch; /* of that peak; another one: what it has now */
    struct hak_amount change;
};

/* The action of an event on its block. */
enum role { ROLE_BIRTH, ROLE_END, ROLE_NONE, ROLE_RESIZE, ROLE_FORK };

/* The effect of a site's events on their block: a tag (segment and lane), behind it, in the low
 * half, the new `open` of the block's state: OPEN and the row of the site's births; 0 of ends. */
typedef uint64_t site_slot_t;

/* The actor at a place of the chunk. */
struct actor {
    uint64_t value;    /* of column ACTOR */
    uint32_t segment;  /* in which this holds */
    bool is_outside;   /* of the segment, which ends here */
    struct process *p; /* NULL = nobody that counts */
    struct thread *t;
    uint32_t row, thread, group;
    uint32_t tag, way;   /* of its sites: segment and lane */
    uint64_t known_from; /* a reader of the run does not see births before this event: they lie
                            before the run, or were the parent's */
};

struct undo {
    uint32_t thread;
    uint64_t last_birth;
};

struct hak_profile_gather {
    struct process *process; /* by row id */
    struct thread *thread;   /* by row id */
    uint32_t process_room, thread_room;
    struct hak_profile_keys keys;
    struct fork_point fork[FORKS_MAX];
    uint32_t forks;

    /* The run. */
    struct hak_profile_sums run_sums;
    uint64_t run_first, run_last; /* kept so far; 0 = none */
    uint32_t run_serial;
    uint32_t *run_process; /* those with events in it */
    uint32_t run_processes, run_process_room;

    /* The chunk. */
    bool has_chunk;       /* added, neither kept nor taken back */
    bool is_ahead;        /* part of what is not committed is in the tables */
    bool is_broken;       /* memory was out, or it could not be taken back */
    bool has_other_class; /* an event of the chunk has not the size class of the older life there */
    uint64_t chunk_first, chunk_last;
    uint32_t keys_before;
    struct hak_profile_sums sums;
    struct hak_profile_chunk ends;
    struct undo *undo; /* of threads, in the order of coming */
    uint32_t undos, undo_room;

    /* The segment: a chunk, or the part between two forks of it. */
    const struct hak_columns *c;
    uint32_t segment; /* serial, less than 2^(32 - LANE_BITS) */
    /* By place of a birth in the chunk: LASTING where its thread had another one since, else BRIEF.
     */
    uint8_t sum_of_birth[HAK_CHUNK_EVENTS_MAX + 1]; /* [NOWHERE]: of nothing */
    struct tally *tally;                            /* of each row in `sums`; not with _hold */
    uint32_t tally_room;
    struct state *state;
    struct origin *origin; /* of each */
    uint32_t states;
    struct change *change; /* not in the tables yet; of a whole chunk till it is kept */
    uint32_t changes;
    uint32_t touched; /* blocks that were looked for: a table for so many more is rarely full */
    uint32_t no_base; /* number of base 0, UINT32_MAX = none */
    uint32_t lane_process[LANES_MAX], lanes;
    uint32_t *state_of[LANES_MAX]; /* by number of the base: state + 1, 0 = none yet */
    site_slot_t *site_slot;        /* WAYS times those of all sites of the chunk */
    uint8_t role[HAK_CHUNK_EVENTS_MAX];
    struct actor actor[ACTORS];

    /* The blocks that are held, with _hold. */
    bool holds;
    uint64_t tree_bytes, tree_before; /* of all that run; before: the chunk */
    struct hak_profile_sums live;     /* `came`: live at the end of the last chunk that was kept */
    struct row_peak *row_peak;        /* of each row in `sums` */
    uint32_t row_peak_room;
    uint64_t epoch;                                /* grows with each peak, and with each chunk */
    struct hak_profile_tree tree, tree_run_before; /* of the run; before: the chunk */
    struct hak_profile_peak peak;                  /* of all that was kept */
    uint64_t most_bytes, most_at, most_ns;         /* the peak, the chunk's included */
};

struct hak_profile_gather *hak_profile_gather_make(void) {
    struct hak_profile_gather *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->state = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *g->state);
    g->origin = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *g->origin);
    g->change = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *g->change);
    g->site_slot = calloc((size_t)HAK_CHUNK_EVENTS_MAX * WAYS, sizeof *g->site_slot);
    g->run_serial = 1;
    if (g->state && g->origin && g->change && g->site_slot && hak_profile_sums_begin(&g->sums) &&
        hak_profile_sums_begin(&g->run_sums) &&
        hak_growing_reach(&g->tally, 0, &g->tally_room, sizeof *g->tally) &&
        hak_growing_reach(&g->thread, 0, &g->thread_room, sizeof *g->thread) &&
        hak_growing_reach(&g->process, 0, &g->process_room, sizeof *g->process))
        return g;
    hak_profile_gather_free(g);
    return NULL;
}

void hak_profile_gather_free(struct hak_profile_gather *g) {
    if (!g)
        return;
    for (uint32_t i = 0; i < g->process_room; i++) {
        hak_profile_drop(g->process[i].top);
        free(g->process[i].class_live);
    }
    for (uint32_t i = 0; i < g->forks; i++) {
        hak_profile_drop(g->fork[i].top);
        free(g->fork[i].row);
        free(g->fork[i].class_live);
    }
    hak_profile_sums_free(&g->live);
    free(g->row_peak);
    free(g->tally);
    free(g->peak.row);
    for (uint32_t i = 0; i < LANES_MAX; i++)
        free(g->state_of[i]);
    hak_profile_keys_free(&g->keys);
    hak_profile_sums_free(&g->sums);
    hak_profile_sums_free(&g->run_sums);
    hak_profile_chunk_free(&g->ends);
    free(g->process);
    free(g->thread);
    free(g->run_process);
    free(g->undo);
    free(g->state);
    free(g->origin);
    free(g->change);
    free(g->site_slot);
    free(g);
}

/* ---- processes and threads ---------------------------------------------------------------------
 */

/* The process or thread of a row; NULL when memory is out. */
static struct process *process_at(struct hak_profile_gather *g, uint32_t row) {
    if (!hak_growing_reach(&g->process, row, &g->process_room, sizeof *g->process)) {
        g->is_broken = true;
        return NULL;
    }
    return &g->process[row];
}

/* The thread's place; without memory the gathering is broken and NULL. */
static struct thread *thread_at(struct hak_profile_gather *g, uint32_t row) {
    if (!hak_growing_reach(&g->thread, row, &g->thread_room, sizeof *g->thread)) {
        g->is_broken = true;
        return NULL;
    }
    return &g->thread[row];
}

/* Forgets a fork that is no longer needed. */
static void drop_fork(struct hak_profile_gather *g, uint32_t at) {
    hak_profile_drop(g->fork[at].top);
    free(g->fork[at].row);
    free(g->fork[at].class_live);
    memmove(&g->fork[at], &g->fork[at + 1], (--g->forks - at) * sizeof *g->fork);
}

bool hak_profile_note_process(struct hak_profile_gather *g, uint32_t process, uint32_t parent,
                              uint64_t fork_event, uint32_t session, bool has_ended) {
    struct process *p = process < HAK_PROFILE_ROWS_MAX ? process_at(g, process) : NULL;
    if (!p)
        return !g->is_broken;
    p->parent = parent;
    p->fork_event = fork_event;
    p->session = session;
    p->has_ended = has_ended;
    for (uint32_t i = g->forks; i-- > 0 && has_ended && !p->has_begun;)
        if (g->fork[i].event == fork_event)
            drop_fork(g, i); /* it never had an event */
    return true;
}

bool hak_profile_note_thread(struct hak_profile_gather *g, uint32_t thread, uint32_t number) {
    struct thread *t = thread < HAK_PROFILE_ROWS_MAX ? thread_at(g, thread) : NULL;
    if (t)
        t->group = hak_profile_group(number);
    return !g->is_broken;
}

/* ---- held blocks -------------------------------------------------------------------------------
 */

void hak_profile_gather_hold(struct hak_profile_gather *g) {
    g->holds = true;
    g->is_broken |= !hak_profile_sums_begin(&g->live);
}

/* The change of a row by the chunk so far. */
static struct hak_amount change_of(const struct hak_profile_row *row) {
    return (struct hak_amount){
        row->inherited.blocks + row->came.blocks - row->went.blocks - row->left.blocks,
        row->inherited.bytes + row->came.bytes - row->went.bytes - row->left.bytes};
}

/* Keeps a row's value at the newest peak, before it changes. */
static __attribute__((noinline)) void keep_peak(struct hak_profile_gather *g, uint32_t sum) {
    if (!hak_growing_reach(&g->row_peak, sum, &g->row_peak_room, sizeof *g->row_peak)) {
        g->is_broken = true;
        return;
    }
    if (g->row_peak[sum].epoch != g->epoch)
        g->row_peak[sum] =
            (struct row_peak){.epoch = g->epoch, .change = change_of(&g->sums.row[sum])};
}
static inline bool is_peak_kept(const struct hak_profile_gather *g, uint32_t sum) {
    return sum < g->row_peak_room && g->row_peak[sum].epoch == g->epoch;
}

/* Notes that all processes hold `bytes` behind event `id`, more than ever in this run; more than
 * ever at all begins a new peak. */
static __attribute__((noinline)) void note_most(struct hak_profile_gather *g, uint64_t bytes,
                                                uint64_t id) {
    g->tree.most_bytes = bytes;
    g->tree.most_at = id;
    if (bytes <= g->most_bytes)
        return;
    g->most_bytes = bytes;
    g->most_at = id;
    g->epoch++;
}

/* Brings the rows of a process together: all of its keys have a row in `live` and in `sums`. */
static void meet_rows(struct hak_profile_gather *g, uint32_t process) {
    for (uint32_t i = 1; i < g->sums.rows; i++)
        if (g->sums.row[i].process == process)
            g->is_broken |= !hak_profile_sums_find(&g->live, process, g->sums.row[i].key);
    for (uint32_t i = 1; i < g->live.rows; i++)
        if (g->live.row[i].process == process)
            g->is_broken |= !hak_profile_sums_find(&g->sums, process, g->live.row[i].key);
}

/* The blocks that row `i` of `live` has now; `sum`: its row in `sums`. */
static struct hak_amount held_now(struct hak_profile_gather *g, uint32_t i, uint32_t *sum) {
    const struct hak_profile_row *row = &g->live.row[i];
    *sum = hak_profile_sums_find(&g->sums, row->process, row->key);
    struct hak_amount now = change_of(&g->sums.row[*sum]);
    hak_amount_add(&now, row->came);
    return now;
}

/* Lists the rows of the process as they are now, for a child that will have them. */
static void list_held(struct hak_profile_gather *g, uint32_t process, struct hak_profile_row **out,
                      uint32_t *count) {
    uint32_t room = 0, rows = 0, sum;
    struct hak_profile_row *list = NULL;
    meet_rows(g, process);
    for (uint32_t i = 1; i < g->live.rows && !g->is_broken; i++) {
        if (g->live.row[i].process != process)
            continue;
        struct hak_amount now = held_now(g, i, &sum);
        if (!now.blocks && !now.bytes)
            continue;
        if (!hak_growing_make_room(&list, rows, &room, sizeof *list))
            g->is_broken = true;
        else
            list[rows++] = (struct hak_profile_row){.key = g->live.row[i].key, .came = now};
    }
    *out = list;
    *count = rows;
}

/* Gives a child the blocks of these rows of its parent from event `first` on. */
static void inherit_held(struct hak_profile_gather *g, uint32_t process, uint64_t first,
                         const struct hak_profile_row *row, uint32_t rows, uint64_t bytes) {
    for (uint32_t i = 0; i < rows && !g->is_broken; i++) {
        uint32_t sum = hak_profile_sums_find(&g->sums, process, row[i].key);
        g->is_broken |= !sum;
        keep_peak(g, sum);
        hak_amount_add(&g->sums.row[sum].inherited, row[i].came);
    }
    g->tree_bytes += bytes;
    if (g->tree_bytes > g->tree.most_bytes)
        note_most(g, g->tree_bytes, first);
}

/* Notes that the process has ended: its blocks are nobody's, and its rows' live sums count as
 * left. */
static void retire_process(struct hak_profile_gather *g, struct process *p, uint32_t process) {
    uint32_t sum;
    p->is_gone = g->is_ahead = true;
    g->tree_bytes -= p->now.live_bytes;
    meet_rows(g, process);
    for (uint32_t i = 1; i < g->live.rows && !g->is_broken; i++) {
        if (g->live.row[i].process != process)
            continue;
        struct hak_amount now = held_now(g, i, &sum);
        keep_peak(g, sum);
        hak_amount_add(&g->sums.row[sum].left, now);
    }
}

/* Counts a process that was taken to be gone as there again, as an event of it came. */
static void come_back(struct hak_profile_gather *g, struct process *p) {
    p->is_gone = false;
    g->is_ahead = true;
    g->tree_bytes += p->now.live_bytes;
}

/* A copy of the sums by class; NULL of NULL, and without memory, which breaks the gatherer. */
static struct hak_amount *copy_classes(struct hak_profile_gather *g,
                                       const struct hak_amount *from) {
    if (!from)
        return NULL;
    struct hak_amount *copy = malloc(HAK_PROFILE_CLASSES * sizeof *copy);
    if (copy)
        memcpy(copy, from, HAK_PROFILE_CLASSES * sizeof *copy);
    g->is_broken |= !copy;
    return copy;
}

/* Lets a process go on with the blocks that its parent had behind event `fork`, and notes this
 * origin. */
static void inherit(struct hak_profile_gather *g, struct process *p, uint32_t row, uint64_t fork,
                    uint64_t first, struct hak_profile_layer *top,
                    const struct hak_amount *class_live, uint64_t bytes) {
    if (!hak_growing_make_room(&g->ends.origin, g->ends.origins, &g->ends.origin_room,
                               sizeof *g->ends.origin)) {
        g->is_broken = true;
        return;
    }
    g->ends.origin[g->ends.origins++] =
        (struct hak_profile_origin){.process = row, .parent = p->parent, .fork = fork};
    g->is_ahead = true;
    p->top = hak_profile_share(top);
    p->class_live = copy_classes(g, class_live);
    p->born_after = fork;
    p->now.parent = p->parent;
    p->now.fork = fork;
    p->now.first = first;
    p->now.live_bytes = p->now.inherited_bytes = bytes;
}

/* Begins a process whose first event is `id`: it inherits its parent's blocks at the fork, or,
 * where that is not known, at `id`. */
static void begin_process(struct hak_profile_gather *g, struct process *p, uint32_t row,
                          uint64_t id) {
    const struct process *parent =
        p->parent && p->parent < g->process_room ? &g->process[p->parent] : NULL;
    p->has_begun = true;
    if (!parent || parent == p || parent->session != p->session)
        return;
    if (!p->fork_event) {
        struct hak_profile_row *held = NULL;
        uint32_t rows = 0;
        uint64_t bytes = parent->now.live_bytes;
        inherit(g, p, row, id - 1, id, parent->top, parent->class_live, bytes);
        if (g->holds) {
            list_held(g, p->parent, &held, &rows);
            inherit_held(g, row, id, held, rows, bytes);
            free(held);
        }
        return;
    }
    for (uint32_t i = 0; i < g->forks; i++) {
        struct fork_point *f = &g->fork[i];
        if (f->event != p->fork_event || f->parent != p->parent)
            continue;
        inherit(g, p, row, f->event, id, f->top, f->class_live, f->live_bytes);
        if (g->holds)
            inherit_held(g, row, id, f->row, f->rows, f->live_bytes);
        drop_fork(g, i);
        return;
    }
}

/* True when the process will take the blocks that its parent has now, which all have to be in the
 * tables. */
static bool needs_parent(const struct hak_profile_gather *g, const struct process *p) {
    return !p->has_begun && p->parent && !p->fork_event && p->parent < g->process_room &&
           g->process[p->parent].session == p->session;
}

/* Enters the process in the open run, with the bytes that it holds. */
static void enter_run(struct hak_profile_gather *g, struct process *p, uint32_t row) {
    if (!hak_growing_make_room(&g->run_process, g->run_processes, &g->run_process_room,
                               sizeof *g->run_process)) {
        g->is_broken = true;
        return;
    }
    g->run_process[g->run_processes++] = row;
    p->run = g->run_serial;
    p->now = p->before =
        (struct hak_profile_process){.process = row, .live_bytes = p->now.live_bytes};
}

/* ---- blocks of the segment ---------------------------------------------------------------------
 */

static inline uint32_t row_of(uint32_t open) {
    return (open & (OPEN - 1)) / sizeof(struct tally);
}
static inline uint32_t open_row(uint32_t row) {
    return OPEN | row * (uint32_t)sizeof(struct tally);
}

/* Sets state and origin at `at` to those that the block with dictionary number `number` had before
 * the segment, as process p's layers of live blocks say; no origin where they have none. */
static inline void load_state(struct hak_profile_gather *g, uint32_t at, uint32_t number,
                              const struct process *p, uint32_t row) {
    uint64_t base = g->c->dictionary[HAK_COLUMN_BASE][number];
    const struct hak_profile_block *b = NULL;
    if (base && p->top) {
        b = hak_profile_at(p->top, hak_profile_slot(p->top, base));
        b = b->base ? b : hak_profile_find(p->top->below, base);
    }
    struct origin *o = &g->origin[at];
    o->number = number;
    o->process = row;
    o->key = o->resized = 0;
    g->state[at] = (struct state){.open = base ? 0 : OLDER}; /* take_seldom gets those of base 0 */
    if (!b || !b->key)
        return;
    o->birth = b->birth;
    o->key = b->key;
    o->thread = b->birth > p->born_after ? b->thread & 0xffffff : 0;
    o->class_index = b->class_index;
    g->state[at] = (struct state){.size = b->size, .open = OLDER};
}

/* Loads the states of all blocks of the segment, which has one process. */
static void load_all(struct hak_profile_gather *g, const struct process *p, uint32_t row) {
    const uint64_t *base = g->c->dictionary[HAK_COLUMN_BASE];
    uint32_t distinct = g->c->distinct[HAK_COLUMN_BASE];
    for (uint32_t k = 0; k < distinct; k++) {
        if (k + AHEAD < distinct)
            hak_profile_prefetch(p->top, base[k + AHEAD]);
        load_state(g, k, k, p, row);
    }
    g->states = distinct;
}

/* Fetches the block's place in the process's two upper layers. */
static inline void prefetch_block(const struct hak_profile_gather *g, const struct process *p,
                                  uint32_t number) {
    uint64_t base = g->c->dictionary[HAK_COLUMN_BASE][number];
    hak_profile_prefetch(p->top, base);
    if (p->top)
        hak_profile_prefetch(p->top->below, base);
}

/* The state of a block of a segment with several processes. */
static struct state *find_state(struct hak_profile_gather *g, const struct process *p, uint32_t row,
                                uint32_t number) {
    uint32_t *at = &g->state_of[p->lane - 1][number];
    if (!*at) {
        load_state(g, g->states, number, p, row);
        *at = ++g->states;
    }
    return &g->state[*at - 1];
}

static inline uint8_t class_at(const struct hak_profile_gather *g, uint32_t i) {
    return (uint8_t)(hak_columns_value(g->c, HAK_COLUMN_SHAPE, i) >> 8);
}

/* The block of a life that began in the segment and goes on; its row counts it unless it was
 * counted when it began. */
static struct hak_profile_block born_block(struct hak_profile_gather *g, const struct state *s,
                                           const struct origin *o) {
    const struct hak_columns *c = g->c;
    struct hak_profile_row *row = &g->sums.row[row_of(s->open)];
    if (!g->holds) { /* else it was counted when it began */
        row->came.blocks++;
        row->came.bytes += s->size;
    }
    return (struct hak_profile_block){
        .size = s->size,
        .birth = g->chunk_first + s->birth,
        .key = row->key,
        .thread = c->value[HAK_COLUMN_ACTOR][s->birth] & 0xffffff,
        .class_index = class_at(g, o->resized > s->birth ? o->resized - 1 : s->birth)};
}

/* Lists the changes of blocks in the segment. */
static void list_changes(struct hak_profile_gather *g) {
    const uint64_t *base = g->c->dictionary[HAK_COLUMN_BASE];
    g->touched = g->states;
    for (uint32_t k = 0; k < g->states; k++) {
        const struct state *s = &g->state[k];
        const struct origin *o = &g->origin[k];
        if (s->open == OLDER || (!s->open && !o->key))
            continue;
        struct change *to = &g->change[g->changes++];
        to->process = o->process;
        to->has_older = o->key != 0;
        to->block = (struct hak_profile_block){0};
        if (s->open == RESIZED)
            to->block = (struct hak_profile_block){.size = s->size,
                                                   .birth = o->birth,
                                                   .key = o->key,
                                                   .thread = o->thread,
                                                   .class_index = class_at(g, o->resized - 1)};
        else if (s->open)
            to->block = born_block(g, s, o);
        to->block.base = base[o->number];
    }
    g->states = 0;
}

/* Counts by class that a block becomes another one in the table, or goes. */
static void count_classes(struct hak_profile_gather *g, struct process *p,
                          const struct change *to) {
    const struct hak_profile_block *b =
        to->has_older ? hak_profile_find(p->top, to->block.base) : NULL;
    if (!p->class_live)
        p->class_live = calloc(HAK_PROFILE_CLASSES, sizeof *p->class_live);
    if (!p->class_live) {
        g->is_broken = true;
        return;
    }
    if (b && b->key) {
        struct hak_amount *sum = &p->class_live[hak_profile_class_of(b->class_index)];
        sum->blocks--;
        sum->bytes -= b->size;
    }
    if (to->block.key) {
        struct hak_amount *sum = &p->class_live[hak_profile_class_of(to->block.class_index)];
        sum->blocks++;
        sum->bytes += to->block.size;
    }
}

/* Writes the changes into the processes' tables of live blocks and empties their list; without
 * memory the gatherer is broken. */
static void write_changes(struct hak_profile_gather *g) {
    for (uint32_t i = 0; i < g->changes && g->lanes > 1; i++)
        g->process[g->change[i].process].changes++;
    for (uint32_t i = 0; i < g->lanes; i++) {
        struct process *p = &g->process[g->lane_process[i]];
        uint32_t more = g->lanes > 1 ? p->changes : g->touched;
        if (more && !hak_profile_make_room(&p->top, more, sizeof(struct hak_profile_block)))
            g->is_broken = true;
        p->changes = 0;
    }
    for (uint32_t i = 0; i < g->changes && !g->is_broken; i++) {
        const struct change *to = &g->change[i];
        if (i + AHEAD < g->changes)
            hak_profile_prefetch(g->process[to[AHEAD].process].top, to[AHEAD].block.base);
        if (!g->holds)
            count_classes(g, &g->process[to->process], to);
        hak_profile_put(g->process[to->process].top, &to->block);
    }
    g->changes = 0;
}

static void end_segment(struct hak_profile_gather *g) {
    list_changes(g);
    write_changes(g);
}

/* Begins a part of the chunk in which no fork lies between. */
static void begin_segment(struct hak_profile_gather *g) {
    if (++g->segment == 1u << (32 - LANE_BITS)) {
        memset(g->site_slot, 0, (size_t)HAK_CHUNK_EVENTS_MAX * WAYS * sizeof *g->site_slot);
        memset(g->actor, 0, sizeof g->actor);
        g->segment = 1;
    }
    for (uint32_t i = 0; i < g->lanes; i++)
        g->process[g->lane_process[i]].lane = 0;
    g->lanes = g->states = g->changes = g->touched = 0;
}

/* The process comes into the segment with event `id`. False: the segment must end before. */
static bool enter_segment(struct hak_profile_gather *g, struct process *p, uint32_t row,
                          uint64_t id, bool is_alone) {
    if (g->lanes == LANES_MAX || (g->lanes && needs_parent(g, p)))
        return false;
    uint32_t lane = g->lanes++, distinct = g->c->distinct[HAK_COLUMN_BASE];
    g->lane_process[lane] = row;
    p->lane = lane + 1;
    if (!p->has_begun)
        begin_process(g, p, row, id);
    if (!is_alone && !g->state_of[lane])
        g->state_of[lane] = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *g->state_of[lane]);
    if (!is_alone && !g->state_of[lane])
        g->is_broken = true;
    else if (!is_alone)
        memset(g->state_of[lane], 0, distinct * sizeof *g->state_of[lane]);
    return true;
}

/* ---- events ------------------------------------------------------------------------------------
 */

/* The effect that an event of this shape has on a block. */
static enum role role_of(uint64_t shape) {
    unsigned kind = shape & 0xff, place = shape >> 16 & 0xff;
    if (kind == HAK_FORK)
        return ROLE_FORK;
    if (kind - 1 >= HAK_REALLOC_FROM || shape >> 32 & HAK_RECORD_ILLEGAL)
        return ROLE_NONE;
    if (kind == HAK_FREE || kind == HAK_REALLOC_FROM)
        return ROLE_END;
    return kind == HAK_REALLOC && place == HAK_PLACE_LIVE ? ROLE_RESIZE : ROLE_BIRTH;
}

/* Fills in the actor of this value of column ACTOR, from event `id` on; kept until the segment
 * ends. */
static __attribute__((noinline)) void load_actor(struct hak_profile_gather *g, struct actor *a,
                                                 uint64_t value, uint64_t id, bool is_alone) {
    uint32_t row = (uint32_t)(value >> 32), thread = (uint32_t)value;
    *a = (struct actor){.value = value, .segment = g->segment};
    if (!row || row >= HAK_PROFILE_ROWS_MAX || thread >= HAK_PROFILE_ROWS_MAX)
        return;
    struct thread *t = thread_at(g, thread);
    struct process *p = process_at(g, row);
    if (!t || !p)
        return;
    if (p->run != g->run_serial)
        enter_run(g, p, row);
    if (!p->lane && !enter_segment(g, p, row, id, is_alone)) {
        *a = (struct actor){.is_outside = true};
        return;
    }
    if (!hak_growing_make_room(&g->undo, g->undos, &g->undo_room, sizeof *g->undo))
        g->is_broken = true;
    if (g->is_broken)
        return;
    p->chunk = g->chunk_first;
    if (p->is_gone)
        come_back(g, p);
    g->undo[g->undos].thread = thread;
    g->undo[g->undos++].last_birth = t->last_birth;
    uint32_t lane = (p->lane - 1) * (HAK_PROFILE_GROUPS + 1) + t->group;
    a->p = p;
    a->t = t;
    a->row = row;
    a->thread = thread;
    a->group = t->group;
    a->tag = g->segment << LANE_BITS | lane;
    a->way = lane % WAYS;
    a->known_from = p->born_after >= g->run_first ? p->born_after + 1 : g->run_first;
}

/* The row of a process and key in the chunk; 0 when memory is out. */
static uint32_t find_row(struct hak_profile_gather *g, uint32_t process, uint32_t key) {
    uint32_t sum = hak_profile_sums_find(&g->sums, process, key);
    if (!sum || sum >= ROWS_MAX ||
        !hak_growing_reach(&g->tally, sum, &g->tally_room, sizeof *g->tally)) {
        g->is_broken = true;
        return 0;
    }
    return sum;
}

/* Adds a life whose end cannot be worked out from the keys in order. */
static void add_exception(struct hak_profile_gather *g, uint32_t i, uint32_t key, uint64_t size,
                          bool is_brief) {
    struct hak_profile_chunk *e = &g->ends;
    if (!hak_growing_make_room(&e->exception, e->exceptions, &e->exception_room,
                               sizeof *e->exception))
        g->is_broken = true;
    else
        e->exception[e->exceptions++] =
            (struct hak_profile_exception){.at = i, .key = key, .size = size, .is_brief = is_brief};
}

/* Adds the key of an older life that ends. */
static void add_end(struct hak_profile_gather *g, uint32_t key) {
    struct hak_profile_chunk *e = &g->ends;
    if (!hak_growing_make_room(&e->end, e->ends, &e->end_room, sizeof *e->end))
        g->is_broken = true;
    else
        e->end[e->ends++] = key;
}

/* Notes whether a block's size class is another one than at event `i`: a reader of the run takes
 * that of an older life from the event at which it sees it. */
static void compare_class(struct hak_profile_gather *g, const struct state *s, uint32_t i) {
    const struct origin *o = &g->origin[s - g->state];
    uint8_t is = s->open == RESIZED ? class_at(g, o->resized - 1) : o->class_index;
    g->has_other_class |= is != class_at(g, i);
}

/* Ends a life from before the segment with event `i`, an END: it is counted, and told to readers
 * that do not see its birth. */
static void end_older(struct hak_profile_gather *g, const struct actor *a, const struct state *s,
                      uint32_t i, uint64_t *live) {
    const struct origin *o = &g->origin[s - g->state];
    uint32_t sum = find_row(g, a->row, o->key);
    struct hak_profile_row *row = &g->sums.row[sum];
    bool is_brief = g->thread[o->thread].last_birth == o->birth;
    compare_class(g, s, i);
    if (o->birth >= a->known_from)
        ;
    else if (s->size == g->c->value[HAK_COLUMN_SIZE][i] && !is_brief)
        add_end(g, o->key);
    else
        add_exception(g, i, o->key, s->size, is_brief);
    if (g->holds)
        keep_peak(g, sum);
    row->went.blocks++;
    row->went.bytes += s->size;
    hak_amount_add(&row->brief, (struct hak_amount){is_brief, is_brief ? s->size : 0});
    *live -= s->size;
}

/* Ends a life of which no end is seen, as another begins in its place. */
static void end_lost(struct hak_profile_gather *g, const struct actor *a, const struct state *s,
                     uint32_t i, uint64_t *live) {
    const struct origin *o = &g->origin[s - g->state];
    bool is_older = s->open & OLDER;
    uint32_t sum = is_older ? find_row(g, a->row, o->key) : row_of(s->open);
    struct hak_profile_row *row = &g->sums.row[sum];
    if (is_older)
        compare_class(g, s, i);
    if (is_older && o->birth < a->known_from)
        add_exception(g, i, o->key, s->size, false);
    if (g->holds)
        keep_peak(g, sum);
    row->went.blocks++;
    row->went.bytes += s->size;
    if (!is_older && !g->holds) {
        row->came.blocks++;
        row->came.bytes += s->size;
    }
    *live -= s->size;
}

/* Begins a life at a resize whose birth was lost, as nobody's. */
static void begin_unseen(struct hak_profile_gather *g, const struct actor *a, struct state *s,
                         uint32_t i, uint64_t size) {
    uint32_t key = hak_profile_key(&g->keys, 0, 0);
    uint32_t sum = key ? find_row(g, a->row, key) : 0;
    g->is_broken |= !sum;
    g->sum_of_birth[i] = LASTING; /* no thread has it as its last birth */
    *s = (struct state){.size = size, .open = open_row(sum), .birth = i};
    if (!g->holds)
        return;
    keep_peak(g, sum);
    g->sums.row[sum].came.blocks++;
    g->sums.row[sum].came.bytes += size;
}

/* Resizes a life in place: it stays with its birth. A life that begins and ends in the chunk is
 * counted with the size that it has at its end. */
static void resize_life(struct hak_profile_gather *g, const struct actor *a, struct state *s,
                        uint32_t i, uint64_t size, uint64_t *live) {
    struct origin *o = &g->origin[s - g->state];
    bool is_older = s->open & OLDER, is_counted = is_older || g->holds;
    uint64_t grown = size > s->size ? size - s->size : 0;
    uint64_t shrunk = size > s->size ? 0 : s->size - size;
    *live += size - s->size;
    if (is_older)
        compare_class(g, s, i);
    o->resized = i + 1;
    if (!s->open) {
        begin_unseen(g, a, s, i, size);
        return;
    }
    if (is_older && o->birth < a->known_from)
        add_exception(g, i, o->key, s->size, false);
    uint32_t sum = is_older ? find_row(g, a->row, o->key) : row_of(s->open);
    struct hak_profile_row *row = &g->sums.row[sum];
    if (g->holds)
        keep_peak(g, sum);
    row->came.bytes += is_counted ? grown : shrunk;
    row->went.bytes += shrunk;
    s->size = size;
    s->open = is_older ? RESIZED : s->open;
}

/* Finds the sums that births of this site by this actor go into. */
static void fill_slot(struct hak_profile_gather *g, const struct actor *a, uint32_t site,
                      site_slot_t *slot) {
    *slot = (uint64_t)a->tag << 32;
    if (g->role[site] != ROLE_BIRTH)
        return;
    uint32_t key = hak_profile_key(&g->keys, a->group, hak_columns_site_stack(g->c, site));
    uint32_t sum = key ? find_row(g, a->row, key) : 0;
    *slot |= open_row(sum);
    g->is_broken |= !sum;
}

/* The outcome of an event that is not a usual one. */
enum outcome {
    PASSED,  /* nothing changed */
    COUNTED, /* it did, and that is done */
    READY,   /* it is a usual birth or end now */
};

/* An event that does not simply begin or end a life of this segment; READY: now it does. */
static __attribute__((noinline)) enum outcome take_seldom(struct hak_profile_gather *g,
                                                          const struct actor *a, struct state *s,
                                                          uint32_t i, site_slot_t *slot,
                                                          uint64_t *live) {
    const struct hak_columns *c = g->c;
    uint32_t site = (uint32_t)(slot - g->site_slot) % HAK_CHUNK_EVENTS_MAX;
    enum role role = g->role[site];
    if (c->index[HAK_COLUMN_BASE][i] == g->no_base)
        return PASSED;
    if (role == ROLE_RESIZE) {
        resize_life(g, a, s, i, c->value[HAK_COLUMN_SIZE][i], live);
        return COUNTED;
    }
    if (*slot >> 32 != a->tag)
        fill_slot(g, a, site, slot);
    if (role == ROLE_BIRTH && s->open)
        end_lost(g, a, s, i, live);
    if (role == ROLE_BIRTH) {
        *s = (struct state){0};
        return READY;
    }
    if (s->open & OLDER) {
        end_older(g, a, s, i, live);
        *s = (struct state){0};
        return COUNTED;
    }
    if (s->open)
        return READY;
    add_end(g, 0);
    a->p->now.unknown++;
    return PASSED;
}

/* Notes a fork, whose child has the parent's blocks, too: all so far goes into the tables, which
 * are frozen. Beyond FORKS_MAX the oldest one is dropped. */
static void fork_process(struct hak_profile_gather *g, struct process *p, uint32_t row,
                         uint64_t id) {
    end_segment(g);
    g->is_ahead = true;
    if (g->forks == FORKS_MAX)
        drop_fork(g, 0);
    g->fork[g->forks++] = (struct fork_point){.event = id,
                                              .parent = row,
                                              .top = hak_profile_share(p->top),
                                              .live_bytes = p->now.live_bytes};
    g->fork[g->forks - 1].class_live = copy_classes(g, p->class_live);
    if (g->holds)
        list_held(g, row, &g->fork[g->forks - 1].row, &g->fork[g->forks - 1].rows);
}

/* Local copies of the state of the actor (thread of a process) whose events the pass is at: the
 * compiler keeps them in registers. */
struct hand {
    struct actor *a;
    uint64_t live, most, most_at; /* of its process */
    uint64_t others;              /* what all others hold, with _hold */
    uint32_t last;                /* place of its thread's last birth; NOWHERE = before the chunk */
};

static inline void save_last_birth(struct hak_profile_gather *g, struct hand h) {
    if (h.last != NOWHERE)
        h.a->t->last_birth = g->chunk_first + h.last;
}

/* Writes the copies back: the next event is another actor's. */
static inline void save_hand(struct hak_profile_gather *g, struct hand h) {
    struct process *p = h.a->p;
    if (!p)
        return;
    p->now.live_bytes = h.live;
    p->now.most_bytes = h.most;
    p->now.most_at = h.most_at;
    g->tree_bytes = h.others + h.live;
    save_last_birth(g, h);
}

/* Copies the state of event `i`'s actor, loaded if it is another one than its place has; without a
 * process only the actor. */
static inline struct hand load_hand(struct hak_profile_gather *g, uint32_t i, bool is_alone) {
    uint64_t value = g->c->value[HAK_COLUMN_ACTOR][i];
    struct actor *a = &g->actor[value % ACTORS];
    if (a->value != value || a->segment != g->segment)
        load_actor(g, a, value, g->chunk_first + i, is_alone);
    if (!a->p)
        return (struct hand){.a = a};
    const struct hak_profile_process *now = &a->p->now;
    uint64_t last = a->t->last_birth;
    return (struct hand){.a = a,
                         .live = now->live_bytes,
                         .most = now->most_bytes,
                         .most_at = now->most_at,
                         .others = g->tree_bytes - now->live_bytes,
                         .last =
                             last >= g->chunk_first ? (uint32_t)(last - g->chunk_first) : NOWHERE};
}

/* All processes together may hold more than ever. */
static inline void note_tree(struct hak_profile_gather *g, struct hand h, uint32_t i) {
    if (h.live + h.others > g->tree.most_bytes)
        note_most(g, h.live + h.others, g->chunk_first + i);
}

/* Counts a birth or an end where rows are held: each is counted when it comes. */
static inline void count_held(struct hak_profile_gather *g, uint32_t sum, bool is_birth,
                              uint64_t size, bool is_brief) {
    if (!is_peak_kept(g, sum))
        keep_peak(g, sum);
    struct hak_profile_row *row = &g->sums.row[sum];
    struct hak_amount *change = is_birth ? &row->came : &row->went;
    change->blocks++;
    change->bytes += size;
    hak_amount_add(&row->brief, (struct hak_amount){is_brief, is_brief ? size : 0});
}

/* The next event that is another actor's. */
static inline uint32_t end_of_turn(const struct hak_columns *c, uint32_t i) {
    const uint64_t *actors = c->value[HAK_COLUMN_ACTOR], actor = actors[i];
    if (c->distinct[HAK_COLUMN_ACTOR] == 1)
        return c->events;
    while (++i < c->events && actors[i] == actor)
        ;
    return i;
}

/* The segment from event `i` on: returns the event behind it. `is_alone`: one process has all
 * events and its blocks are loaded. Births and ends take the same way, without a branch between
 * them: the next one cannot be predicted. */
HAK_IN_PLACE uint32_t pass_over(struct hak_profile_gather *g, uint32_t i, bool is_alone,
                                bool holds) {
    const struct hak_columns *c = g->c;
    const uint64_t *sizes = c->value[HAK_COLUMN_SIZE];
    const uint32_t *number = c->index[HAK_COLUMN_BASE], events = c->events;
    const uint16_t *site_of = hak_columns_sites(c).of_event;
    uint8_t *sum_of_birth = g->sum_of_birth;
    struct state *states = g->state;
    while (i < events) {
        struct hand h = load_hand(g, i, is_alone);
        const uint64_t tag = (uint64_t)h.a->tag << 32;
        site_slot_t *slots = g->site_slot + (size_t)h.a->way * HAK_CHUNK_EVENTS_MAX;
        uint8_t *tally = (uint8_t *)g->tally;
        if (h.a->is_outside)
            return i;
        uint32_t until = end_of_turn(c, i);
        if (!h.a->p) /* nobody's events count */
            i = until;
        for (; i < until; i++) {
            if (!is_alone && i + AHEAD < until)
                prefetch_block(g, h.a->p, number[i + AHEAD]);
            if (!is_alone && g->role[site_of[i]] == ROLE_NONE)
                continue;
            struct state *s =
                is_alone ? &states[number[i]] : find_state(g, h.a->p, h.a->row, number[i]);
            /* One of `opens` and `open` is there, the other is 0. */
            uint64_t opens = slots[site_of[i]] ^ tag, open = s->open;
            if (__builtin_expect((opens + open) >> 30 != 1, 0)) {
                enum role role = g->role[site_of[i]];
                if (role == ROLE_NONE)
                    continue;
                if (role == ROLE_FORK) {
                    save_hand(g, h);
                    fork_process(g, h.a->p, h.a->row, g->chunk_first + i);
                    return i + 1;
                }
                uint64_t live = h.live;
                save_last_birth(g, h);
                enum outcome outcome = take_seldom(g, h.a, s, i, &slots[site_of[i]], &live);
                tally = (uint8_t *)g->tally; /* a new row may have moved it */
                h.live = live;
                if (outcome == COUNTED && live > h.most) {
                    h.most = live;
                    h.most_at = g->chunk_first + i;
                }
                if (outcome != READY && holds)
                    note_tree(g, h, i);
                if (outcome != READY)
                    continue;
                opens = slots[site_of[i]] ^ tag;
                open = s->open;
            }
            uint64_t birth = -(opens >> 30); /* all bits or none */
            uint64_t came = sizes[i] & birth, went = s->size;
            uint8_t sum = sum_of_birth[s->birth];
            if (holds) {
                count_held(g, row_of((uint32_t)(opens + open)), birth, came + went,
                           !birth & (sum == BRIEF));
            } else { /* births count for row 0, which is nobody's */
                struct hak_amount *to = (struct hak_amount *)(tally + (open & (OPEN - 1)) + sum);
                to->blocks++;
                to->bytes += went;
            }
            sum_of_birth[h.last] = LASTING;
            h.last += (i - h.last) & (uint32_t)birth;
            sum_of_birth[h.last] = BRIEF;
            h.live += came - went;
            *s = (struct state){.size = came, .open = (uint32_t)opens, .birth = i};
            if (h.live > h.most) {
                h.most = h.live;
                h.most_at = g->chunk_first + i;
            }
            if (holds)
                note_tree(g, h, i);
        }
        save_hand(g, h);
    }
    return i;
}

/* The process of all events from `i` on, if one has them all and has a row that counts; else 0. */
static uint32_t only_process(const struct hak_columns *c) {
    const uint64_t *actor = c->dictionary[HAK_COLUMN_ACTOR];
    uint32_t row = (uint32_t)(actor[0] >> 32);
    for (uint32_t k = 0; k < c->distinct[HAK_COLUMN_ACTOR]; k++)
        if (actor[k] >> 32 != row || (uint32_t)actor[k] >= HAK_PROFILE_ROWS_MAX)
            return 0;
    return row < HAK_PROFILE_ROWS_MAX ? row : 0;
}

/* Makes room for all actors of the chunk before pointers to them are taken: those of a broken log
 * may be in no table. */
static void reserve_actors(struct hak_profile_gather *g, const struct hak_columns *c) {
    for (uint32_t k = 0; k < c->distinct[HAK_COLUMN_ACTOR] && !g->is_broken; k++) {
        uint64_t actor = c->dictionary[HAK_COLUMN_ACTOR][k];
        if (actor >> 32 < HAK_PROFILE_ROWS_MAX && (uint32_t)actor < HAK_PROFILE_ROWS_MAX) {
            process_at(g, (uint32_t)(actor >> 32));
            thread_at(g, (uint32_t)actor);
        }
    }
}

/* Notes the times of the chunk's peaks, and of the chunk itself. */
static void note_times(struct hak_profile_gather *g) {
    const struct hak_columns *c = g->c;
    struct hak_profile_tree *t = &g->tree;
    bool is_first = g->run_first == g->chunk_first;
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t ns = hak_columns_value(c, HAK_COLUMN_NS, i);
        t->first_ns = (is_first && i == 0) || ns < t->first_ns ? ns : t->first_ns;
        t->last_ns = ns > t->last_ns ? ns : t->last_ns;
    }
    if (t->most_at >= g->chunk_first)
        t->most_ns = hak_columns_value(c, HAK_COLUMN_NS, (uint32_t)(t->most_at - g->chunk_first));
    if (g->most_at >= g->chunk_first)
        g->most_ns = hak_columns_value(c, HAK_COLUMN_NS, (uint32_t)(g->most_at - g->chunk_first));
    for (uint32_t i = 0; i < g->run_processes; i++) {
        struct hak_profile_process *now = &g->process[g->run_process[i]].now;
        if (now->most_at >= g->chunk_first)
            now->most_ns =
                hak_columns_value(c, HAK_COLUMN_NS, (uint32_t)(now->most_at - g->chunk_first));
    }
}

bool hak_profile_gather_chunk(struct hak_profile_gather *g, const struct hak_columns *c,
                              uint64_t first_id) {
    if (g->has_chunk) { /* of the same transaction */
        hak_profile_gather_keep(g);
        g->is_ahead = true;
    }
    g->ends.ends = g->ends.exceptions = g->ends.origins = 0;
    g->has_other_class = false;
    g->undos = 0;
    g->c = c;
    g->chunk_first = first_id;
    g->chunk_last = first_id + c->events - 1;
    g->keys_before = g->keys.count;
    g->has_chunk = true;
    g->tree_before = g->tree_bytes;
    g->tree_run_before = g->tree;
    g->epoch++;
    if (!g->run_first)
        g->run_first = first_id;
    uint32_t tallies = g->sums.rows < g->tally_room ? g->sums.rows : g->tally_room;
    memset(g->tally, 0, tallies * sizeof *g->tally);
    if (!hak_profile_sums_begin(&g->sums))
        g->is_broken = true;
    for (uint32_t i = 0; i < g->run_processes; i++)
        g->process[g->run_process[i]].before = g->process[g->run_process[i]].now;
    g->no_base = UINT32_MAX;
    for (uint32_t k = 0; k < c->distinct[HAK_COLUMN_BASE]; k++)
        if (!c->dictionary[HAK_COLUMN_BASE][k])
            g->no_base = k;
    memset(g->sum_of_birth, BRIEF, c->events);
    for (uint32_t k = 0, sites = hak_columns_sites(c).count; k < sites; k++)
        g->role[k] = (uint8_t)role_of(hak_columns_site_shape(c, k));
    reserve_actors(g, c);
    begin_segment(g);
    uint32_t row = only_process(c), i = 0;
    if (row && !g->is_broken) {
        struct process *p = process_at(g, row);
        if (p && p->run != g->run_serial)
            enter_run(g, p, row);
        if (p && enter_segment(g, p, row, first_id, true) && !g->is_broken) {
            load_all(g, p, row);
            i = g->holds ? pass_over(g, 0, true, true) : pass_over(g, 0, true, false);
        }
    }
    while (i < c->events && !g->is_broken) {
        end_segment(g);
        g->is_ahead |= i > 0;
        begin_segment(g);
        i = g->holds ? pass_over(g, i, false, true) : pass_over(g, i, false, false);
    }
    if (!g->is_broken)
        list_changes(g);
    if (g->holds && !g->is_broken)
        note_times(g);
    return !g->is_broken;
}

const struct hak_profile_chunk *hak_profile_gathered(const struct hak_profile_gather *g) {
    return &g->ends;
}

bool hak_profile_has_other_class(const struct hak_profile_gather *g) {
    return g->has_other_class;
}

const struct hak_profile_keys *hak_profile_gathered_keys(const struct hak_profile_gather *g) {
    return &g->keys;
}

/* ---- chunk by chunk to a run -------------------------------------------------------------------
 */

/* Keeps the rows that are live, and those that were at a peak of the chunk. */
static void keep_held(struct hak_profile_gather *g) {
    bool is_peak = g->most_at >= g->chunk_first;
    struct hak_profile_peak *peak = &g->peak;
    for (uint32_t i = 1; i < g->sums.rows; i++)
        g->is_broken |=
            !hak_profile_sums_find(&g->live, g->sums.row[i].process, g->sums.row[i].key);
    if (is_peak && !hak_growing_reach(&peak->row, g->live.rows, &peak->row_room, sizeof *peak->row))
        g->is_broken = true;
    if (g->is_broken)
        return;
    if (is_peak) {
        memcpy(peak->row, g->live.row, g->live.rows * sizeof *peak->row);
        peak->rows = g->live.rows;
        peak->bytes = g->most_bytes;
        peak->event = g->most_at;
        peak->ns = g->most_ns;
    }
    for (uint32_t i = 1; i < g->sums.rows; i++) {
        const struct hak_profile_row *row = &g->sums.row[i];
        uint32_t at = hak_profile_sums_find(&g->live, row->process, row->key);
        struct hak_amount now = change_of(row);
        hak_amount_add(&g->live.row[at].came, now);
        if (is_peak)
            hak_amount_add(&peak->row[at].came, is_peak_kept(g, i) ? g->row_peak[i].change : now);
    }
}

/* Retires the processes that ended and had no event in the chunk: they have none any more. */
static void retire_eventless(struct hak_profile_gather *g) {
    for (uint32_t i = 0; i < g->process_room && !g->is_broken; i++) {
        struct process *p = &g->process[i];
        if (p->has_ended && p->has_begun && !p->is_gone && p->chunk != g->chunk_first)
            retire_process(g, p, i);
    }
}

/* Adds the lives that began and ended in the chunk to their rows. */
static void add_tallies(struct hak_profile_gather *g) {
    for (uint32_t i = 1; i < g->sums.rows; i++) {
        struct hak_profile_row *row = &g->sums.row[i];
        const struct tally *t = &g->tally[i];
        hak_amount_add(&row->came, t->lasting);
        hak_amount_add(&row->came, t->brief);
        hak_amount_add(&row->went, t->lasting);
        hak_amount_add(&row->went, t->brief);
        hak_amount_add(&row->brief, t->brief);
    }
}

bool hak_profile_gather_keep(struct hak_profile_gather *g) {
    if (!g->has_chunk)
        return !g->is_broken;
    write_changes(g);
    if (!g->holds && !g->is_broken)
        add_tallies(g);
    if (g->holds)
        retire_eventless(g);
    if (g->holds)
        keep_held(g);
    for (uint32_t i = 1; i < g->sums.rows && !g->is_broken; i++) {
        const struct hak_profile_row *row = &g->sums.row[i];
        bool is_change = row->came.blocks || row->came.bytes || row->went.blocks ||
                         row->went.bytes || row->inherited.blocks || row->inherited.bytes;
        if (!is_change)
            continue; /* it was only looked for */
        uint32_t at = hak_profile_sums_find(&g->run_sums, row->process, row->key);
        if (!at)
            g->is_broken = true;
        hak_amount_add(&g->run_sums.row[at].came, row->came);
        hak_amount_add(&g->run_sums.row[at].went, row->went);
        hak_amount_add(&g->run_sums.row[at].brief, row->brief);
        hak_amount_add(&g->run_sums.row[at].inherited, row->inherited);
    }
    g->run_last = g->chunk_last;
    g->has_chunk = g->is_ahead = false;
    return !g->is_broken;
}

uint64_t hak_profile_chunk_first(const struct hak_profile_gather *g) {
    return g->has_chunk ? g->chunk_first : 0;
}

bool hak_profile_is_kept(const struct hak_profile_gather *g) {
    return !g->has_chunk;
}

bool hak_profile_gather_take_back(struct hak_profile_gather *g) {
    if (!g->has_chunk)
        return !g->is_broken;
    g->is_broken |= g->is_ahead;
    for (uint32_t i = 0; i < g->run_processes; i++)
        g->process[g->run_process[i]].now = g->process[g->run_process[i]].before;
    while (g->undos) {
        g->undos--;
        g->thread[g->undo[g->undos].thread].last_birth = g->undo[g->undos].last_birth;
    }
    g->is_broken |= !hak_profile_keys_cut(&g->keys, g->keys_before);
    g->states = g->changes = 0;
    g->has_chunk = false;
    g->tree_bytes = g->tree_before;
    g->tree = g->tree_run_before;
    g->most_bytes = g->peak.bytes;
    g->most_at = g->peak.event;
    g->most_ns = g->peak.ns;
    return !g->is_broken;
}

const struct hak_profile_peak *hak_profile_gathered_peak(const struct hak_profile_gather *g) {
    return &g->peak;
}

void hak_profile_gathered_events(const struct hak_profile_gather *g, uint64_t *first,
                                 uint64_t *last) {
    *first = g->run_last ? g->run_first : 0;
    *last = g->run_last;
}

uint64_t hak_profile_gathered_ns(const struct hak_profile_gather *g) {
    return g->tree.last_ns - g->tree.first_ns;
}

/* Lists the blocks that the process holds by size class; where it holds none a row says so. False
 * without memory. */
static bool list_classes(struct hak_profile_run *run, uint32_t process,
                         const struct hak_amount *live) {
    uint32_t before = run->classes;
    for (uint32_t k = 0; k < HAK_PROFILE_CLASSES; k++) {
        bool is_last = k == HAK_PROFILE_CLASSES - 1 && run->classes == before;
        struct hak_amount sum = live ? live[k] : (struct hak_amount){0};
        if (!sum.blocks && !sum.bytes && !is_last)
            continue;
        if (!hak_growing_make_room(&run->class_row, run->classes, &run->class_room,
                                   sizeof *run->class_row))
            return false;
        run->class_row[run->classes++] =
            (struct hak_profile_class){.process = process, .class_index = k, .live = sum};
    }
    return true;
}

bool hak_profile_gather_run(struct hak_profile_gather *g, struct hak_profile_run *run) {
    run->rows = run->processes = run->classes = 0;
    run->first = g->run_last ? g->run_first : 0;
    run->last = g->run_last;
    if (!hak_growing_reach(&run->row, g->run_sums.rows, &run->row_room, sizeof *run->row) ||
        !hak_growing_reach(&run->process, g->run_processes, &run->process_room,
                           sizeof *run->process))
        return false;
    for (uint32_t i = 0; i < g->run_processes; i++)
        run->process[run->processes++] = g->process[g->run_process[i]].now;
    for (uint32_t i = 0; i < g->run_processes && !g->holds; i++)
        if (!list_classes(run, g->run_process[i], g->process[g->run_process[i]].class_live))
            return false;
    for (uint32_t i = 1; i < g->run_sums.rows; i++)
        run->row[run->rows++] = g->run_sums.row[i];
    hak_profile_run_sort(run);
    run->is_alone = g->holds;
    run->tree = g->tree;
    run->tree.live_bytes = g->tree_bytes;
    return true;
}

/* Drops the rows without live blocks when they are the most. */
static void forget_empty(struct hak_profile_gather *g) {
    struct hak_profile_sums kept = {0};
    uint32_t full = 0;
    for (uint32_t i = 1; i < g->live.rows; i++)
        full += g->live.row[i].came.blocks || g->live.row[i].came.bytes;
    if (g->live.rows < 1024 || 4 * full > g->live.rows)
        return;
    g->is_broken |= !hak_profile_sums_begin(&kept);
    for (uint32_t i = 1; i < g->live.rows && !g->is_broken; i++) {
        const struct hak_profile_row *row = &g->live.row[i];
        if (!row->came.blocks && !row->came.bytes)
            continue;
        uint32_t at = hak_profile_sums_find(&kept, row->process, row->key);
        g->is_broken |= !at;
        kept.row[at].came = row->came;
    }
    hak_profile_sums_free(&g->live);
    g->live = kept;
}

void hak_profile_begin_run(struct hak_profile_gather *g) {
    for (uint32_t i = 0; i < g->process_room; i++) {
        struct process *p = &g->process[i];
        if (!p->has_ended || !p->top || p->run == g->run_serial)
            continue;
        hak_profile_drop(p->top); /* it had no event in the whole run */
        p->top = NULL;
    }
    g->run_serial++;
    g->run_processes = 0;
    g->run_first = g->run_last = 0;
    g->tree = (struct hak_profile_tree){0};
    g->is_broken |= !hak_profile_sums_begin(&g->run_sums);
    if (g->holds)
        forget_empty(g);
}
