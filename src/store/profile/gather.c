/* The pass over a chunk that adds up what came and what went. */
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

/* How one block of one process stands in the chunk: what each of its events looks at, */
struct state {
    uint64_t size, birth;
    uint32_t sum; /* row in g->sums of the life that is open; 0 = none is */
    uint32_t thread;
};
/* and where it came from. */
struct origin {
    uint64_t base;
    uint32_t slot;    /* in the process's top layer */
    uint32_t process; /* row id */
};

struct process {
    uint32_t parent, session; /* as its row says */
    uint64_t fork_event;
    bool has_ended;
    bool has_begun;                         /* it has an event */
    struct hak_profile_layer *top;          /* NULL = none yet */
    uint64_t born_after;                    /* lives up to this event were its parent's */
    uint32_t lane;                          /* in this segment, from 1; 0 = none */
    uint32_t run;                           /* serial of the run in which `now` counts */
    bool is_gone;                           /* it has ended, and holds nothing (with _hold) */
    uint64_t last_event;                    /* behind it that is so; 0 = not known */
    uint64_t chunk;                         /* the last chunk in which it has an event */
    struct hak_profile_process now, before; /* before: the chunk */
};

struct thread {
    uint64_t last_birth; /* event id */
    uint32_t group;
};

/* What a parent held at a FORK. */
struct fork_point {
    uint64_t event;
    uint32_t parent;
    struct hak_profile_layer *top;
    uint64_t live_bytes;
    struct hak_profile_row *row; /* with _hold: `came` is what was live */
    uint32_t rows;
};

/* What a row had at the newest peak, as a change since the chunk's begin. */
struct row_peak {
    uint64_t epoch; /* of that peak; another one: what it has now */
    struct hak_profile_sum change;
};

/* What an event does with its block. */
enum role { ROLE_BIRTH, ROLE_END, ROLE_NONE, ROLE_RESIZE, ROLE_FORK };

/* Where the births of a site count. */
struct site_slot {
    uint32_t tag; /* segment and lane */
    uint32_t sum;
};

/* Who acts at a place of the chunk. */
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
    bool has_chunk; /* added, neither kept nor taken back */
    bool is_ahead;  /* part of what is not committed is in the tables */
    bool is_broken; /* memory was out, or it could not be taken back */
    uint64_t chunk_first, chunk_last;
    uint32_t keys_before;
    struct hak_profile_sums sums;
    struct hak_profile_chunk ends;
    struct {
        uint32_t thread;
        uint64_t last_birth;
    } * undo; /* of threads, in the order of coming */
    uint32_t undos, undo_room;

    /* The segment: a chunk, or what lies between two forks of it. */
    const struct hak_columns *c;
    uint32_t segment; /* serial, less than 2^(32 - LANE_BITS) */
    struct state *state;
    struct origin *origin; /* of each */
    uint32_t states;
    uint32_t no_base; /* number of base 0, UINT32_MAX = none */
    uint32_t lane_process[LANES_MAX], lanes;
    uint32_t *state_of[LANES_MAX]; /* by number of the base: state + 1, 0 = none yet */
    struct site_slot *site_slot;   /* WAYS for each site of the chunk */
    uint8_t role[HAK_CHUNK_EVENTS_MAX];
    struct actor actor[ACTORS];

    /* What is held, with _hold. */
    bool holds;
    uint64_t tree_bytes, tree_before; /* of all that run; before: the chunk */
    uint64_t next_gone;               /* a process is gone behind this event; UINT64_MAX = none */
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
    g->site_slot = calloc((size_t)HAK_CHUNK_EVENTS_MAX * WAYS, sizeof *g->site_slot);
    g->run_serial = 1;
    if (g->state && g->origin && g->site_slot && hak_profile_sums_begin(&g->sums) &&
        hak_profile_sums_begin(&g->run_sums) &&
        hak_growing_reach(&g->thread, 0, &g->thread_room, sizeof *g->thread) &&
        hak_growing_reach(&g->process, 0, &g->process_room, sizeof *g->process))
        return g;
    hak_profile_gather_free(g);
    return NULL;
}

void hak_profile_gather_free(struct hak_profile_gather *g) {
    if (!g)
        return;
    for (uint32_t i = 0; i < g->process_room; i++)
        hak_profile_drop(g->process[i].top);
    for (uint32_t i = 0; i < g->forks; i++) {
        hak_profile_drop(g->fork[i].top);
        free(g->fork[i].row);
    }
    hak_profile_sums_free(&g->live);
    free(g->row_peak);
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
static struct thread *thread_at(struct hak_profile_gather *g, uint32_t row) {
    if (!hak_growing_reach(&g->thread, row, &g->thread_room, sizeof *g->thread)) {
        g->is_broken = true;
        return NULL;
    }
    return &g->thread[row];
}

static void drop_fork(struct hak_profile_gather *g, uint32_t at) {
    hak_profile_drop(g->fork[at].top);
    free(g->fork[at].row);
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

bool hak_profile_note_end(struct hak_profile_gather *g, uint32_t process, uint64_t last) {
    struct process *p = process < HAK_PROFILE_ROWS_MAX ? process_at(g, process) : NULL;
    if (p && last) {
        p->has_ended = true;
        p->last_event = last;
        g->next_gone = last < g->next_gone ? last : g->next_gone;
    }
    return !g->is_broken;
}

bool hak_profile_note_thread(struct hak_profile_gather *g, uint32_t thread, uint32_t number) {
    struct thread *t = thread < HAK_PROFILE_ROWS_MAX ? thread_at(g, thread) : NULL;
    if (t)
        t->group = hak_profile_group(number);
    return !g->is_broken;
}

/* ---- what is held ------------------------------------------------------------------------------
 */

void hak_profile_gather_hold(struct hak_profile_gather *g) {
    g->holds = true;
    g->next_gone = UINT64_MAX;
    g->is_broken |= !hak_profile_sums_begin(&g->live);
}

/* What the chunk changed so far. */
static struct hak_profile_sum change_of(const struct hak_profile_row *row) {
    return (struct hak_profile_sum){
        row->inherited.blocks + row->came.blocks - row->went.blocks - row->left.blocks,
        row->inherited.bytes + row->came.bytes - row->went.bytes - row->left.bytes};
}

/* Before a row changes: keeps what it had at the newest peak. */
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

/* All processes hold `bytes` behind event `id`, more than ever in this run. */
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

/* What row `i` of `live` has now, and its row in `sums`. */
static struct hak_profile_sum held_now(struct hak_profile_gather *g, uint32_t i, uint32_t *sum) {
    const struct hak_profile_row *row = &g->live.row[i];
    *sum = hak_profile_sums_find(&g->sums, row->process, row->key);
    struct hak_profile_sum now = change_of(&g->sums.row[*sum]);
    hak_profile_add(&now, &row->came);
    return now;
}

/* What the process has now, for a child that will have it. */
static void list_held(struct hak_profile_gather *g, uint32_t process, struct hak_profile_row **out,
                      uint32_t *count) {
    uint32_t room = 0, rows = 0, sum;
    struct hak_profile_row *list = NULL;
    meet_rows(g, process);
    for (uint32_t i = 1; i < g->live.rows && !g->is_broken; i++) {
        if (g->live.row[i].process != process)
            continue;
        struct hak_profile_sum now = held_now(g, i, &sum);
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

/* The child has from event `first` on what these rows say. */
static void take_held(struct hak_profile_gather *g, uint32_t process, uint64_t first,
                      const struct hak_profile_row *row, uint32_t rows, uint64_t bytes) {
    for (uint32_t i = 0; i < rows && !g->is_broken; i++) {
        uint32_t sum = hak_profile_sums_find(&g->sums, process, row[i].key);
        g->is_broken |= !sum;
        keep_peak(g, sum);
        hak_profile_add(&g->sums.row[sum].inherited, &row[i].came);
    }
    g->tree_bytes += bytes;
    if (g->tree_bytes > g->tree.most_bytes)
        note_most(g, g->tree_bytes, first);
}

/* It has ended: what it held is nobody's. */
static void leave(struct hak_profile_gather *g, struct process *p, uint32_t process) {
    uint32_t sum;
    p->is_gone = g->is_ahead = true;
    g->tree_bytes -= p->now.live_bytes;
    meet_rows(g, process);
    for (uint32_t i = 1; i < g->live.rows && !g->is_broken; i++) {
        if (g->live.row[i].process != process)
            continue;
        struct hak_profile_sum now = held_now(g, i, &sum);
        keep_peak(g, sum);
        hak_profile_add(&g->sums.row[sum].left, &now);
    }
}

/* All that have ended before event `id`. */
static __attribute__((noinline)) void leave_before(struct hak_profile_gather *g, uint64_t id) {
    g->next_gone = UINT64_MAX;
    for (uint32_t i = 0; i < g->process_room && !g->is_broken; i++) {
        struct process *p = &g->process[i];
        if (!p->last_event || p->is_gone)
            continue;
        if (p->last_event < id && p->has_begun)
            leave(g, p, i);
        else if (p->last_event >= id && p->last_event < g->next_gone)
            g->next_gone = p->last_event;
    }
}

/* An event of a process that was taken to be gone. */
static void come_back(struct hak_profile_gather *g, struct process *p) {
    p->is_gone = false;
    g->is_ahead = true;
    g->tree_bytes += p->now.live_bytes;
}

/* It goes on with what its parent had behind event `fork`. */
static void inherit(struct hak_profile_gather *g, struct process *p, uint32_t row, uint64_t fork,
                    uint64_t first, struct hak_profile_layer *top, uint64_t bytes) {
    if (!hak_growing_make_room(&g->ends.origin, g->ends.origins, &g->ends.origin_room,
                               sizeof *g->ends.origin)) {
        g->is_broken = true;
        return;
    }
    g->ends.origin[g->ends.origins++] =
        (struct hak_profile_origin){.process = row, .parent = p->parent, .fork = fork};
    g->is_ahead = true;
    p->top = hak_profile_share(top);
    p->born_after = fork;
    p->now.parent = p->parent;
    p->now.fork = fork;
    p->now.first = first;
    p->now.live_bytes = p->now.inherited_bytes = bytes;
}

/* Its first event is `id`: it has what its parent had at the fork, or, where that is not known,
 * then. */
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
        inherit(g, p, row, id - 1, id, parent->top, bytes);
        if (g->holds) {
            list_held(g, p->parent, &held, &rows);
            take_held(g, row, id, held, rows, bytes);
            free(held);
        }
        return;
    }
    for (uint32_t i = 0; i < g->forks; i++) {
        struct fork_point *f = &g->fork[i];
        if (f->event != p->fork_event || f->parent != p->parent)
            continue;
        inherit(g, p, row, f->event, id, f->top, f->live_bytes);
        if (g->holds)
            take_held(g, row, id, f->row, f->rows, f->live_bytes);
        drop_fork(g, i);
        return;
    }
}

/* It takes what its parent has now, all of which has to be in the tables. */
static bool needs_parent(const struct hak_profile_gather *g, const struct process *p) {
    return !p->has_begun && p->parent && !p->fork_event && p->parent < g->process_room &&
           g->process[p->parent].session == p->session;
}

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

static uint64_t base_of_number(const struct hak_profile_gather *g, uint32_t number) {
    return g->c->dictionary[HAK_COLUMN_BASE][number];
}

/* How the block stood before the segment. */
static inline void load_state(struct hak_profile_gather *g, uint32_t number,
                              const struct process *p, uint32_t row, uint64_t base) {
    struct state *s = &g->state[number];
    uint32_t slot = hak_profile_slot(p->top, base);
    const struct hak_profile_block *b = &p->top->slot[slot];
    g->origin[number] = (struct origin){.base = base, .slot = slot, .process = row};
    *s = (struct state){0};
    if (!b->base && p->top->below)
        b = hak_profile_find(p->top->below, base);
    if (!b || !b->key)
        return;
    s->size = b->size;
    s->birth = b->birth;
    s->thread = b->birth > p->born_after ? b->thread : 0;
    s->sum = hak_profile_sums_find(&g->sums, row, b->key);
    g->is_broken |= !s->sum;
}

/* All blocks of the segment, which has one process. */
static void load_all(struct hak_profile_gather *g, const struct process *p, uint32_t row) {
    const uint64_t *base = g->c->dictionary[HAK_COLUMN_BASE];
    uint32_t distinct = g->c->distinct[HAK_COLUMN_BASE];
    for (uint32_t k = 0; k < distinct; k++) {
        if (k + AHEAD < distinct)
            hak_profile_prefetch(p->top, base[k + AHEAD]);
        load_state(g, k, p, row, base[k]);
    }
    g->states = distinct;
}

/* The state of a block of a segment with several processes. */
static struct state *find_state(struct hak_profile_gather *g, const struct process *p, uint32_t row,
                                uint32_t number) {
    uint32_t *at = &g->state_of[p->lane - 1][number];
    if (!*at) {
        load_state(g, g->states, p, row, base_of_number(g, number));
        *at = ++g->states;
    }
    return &g->state[*at - 1];
}

/* What the segment made of its blocks goes into the tables. */
static void write_states(struct hak_profile_gather *g) {
    for (uint32_t k = 0; k < g->states; k++) {
        const struct state *s = &g->state[k];
        const struct origin *o = &g->origin[k];
        struct hak_profile_layer *top = g->process[o->process].top;
        const struct hak_profile_block *b = &top->slot[o->slot];
        uint32_t key = g->sums.row[s->sum].key;
        bool is_same = b->base == o->base
                           ? b->key == key && (!key || (b->birth == s->birth && b->size == s->size))
                           : !key && !top->below;
        if (o->base && !is_same)
            hak_profile_put(top, o->slot,
                            &(struct hak_profile_block){.base = o->base,
                                                        .size = s->size,
                                                        .birth = s->birth,
                                                        .key = key,
                                                        .thread = s->thread});
    }
    g->states = 0;
}

static void begin_segment(struct hak_profile_gather *g) {
    if (++g->segment == 1u << (32 - LANE_BITS)) {
        memset(g->site_slot, 0, (size_t)HAK_CHUNK_EVENTS_MAX * WAYS * sizeof *g->site_slot);
        memset(g->actor, 0, sizeof g->actor);
        g->segment = 1;
    }
    for (uint32_t i = 0; i < g->lanes; i++)
        g->process[g->lane_process[i]].lane = 0;
    g->lanes = g->states = 0;
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
    if (!hak_profile_make_room(&p->top, distinct) || (!is_alone && !g->state_of[lane]))
        g->is_broken = true;
    else if (!is_alone)
        memset(g->state_of[lane], 0, distinct * sizeof *g->state_of[lane]);
    return true;
}

/* ---- events ------------------------------------------------------------------------------------
 */

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

/* Who acts with this value of column ACTOR, from event `id` on; kept until the segment ends. */
static __attribute__((noinline)) void find_actor(struct hak_profile_gather *g, struct actor *a,
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

static void add_exception(struct hak_profile_gather *g, uint32_t i, const struct state *s,
                          bool is_brief) {
    struct hak_profile_chunk *e = &g->ends;
    if (!hak_growing_make_room(&e->exception, e->exceptions, &e->exception_room,
                               sizeof *e->exception))
        g->is_broken = true;
    else
        e->exception[e->exceptions++] = (struct hak_profile_exception){
            .at = i, .key = g->sums.row[s->sum].key, .size = s->size, .is_brief = is_brief};
}

static void add_end(struct hak_profile_gather *g, uint32_t key) {
    struct hak_profile_chunk *e = &g->ends;
    if (!hak_growing_make_room(&e->end, e->ends, &e->end_room, sizeof *e->end))
        g->is_broken = true;
    else
        e->end[e->ends++] = key;
}

/* A reader does not know whose the block was that goes. */
static __attribute__((noinline)) void note_older(struct hak_profile_gather *g,
                                                 const struct state *s, uint32_t i, uint64_t size,
                                                 bool brief) {
    if (s->size == size && !brief)
        add_end(g, g->sums.row[s->sum].key);
    else
        add_exception(g, i, s, brief);
}

/* A life ends although no end of it is seen: another begins in its place. */
static uint64_t end_lost(struct hak_profile_gather *g, const struct actor *a, struct state *s,
                         uint32_t i, uint64_t live) {
    struct hak_profile_row *row = &g->sums.row[s->sum];
    if (s->birth < a->known_from)
        add_exception(g, i, s, false);
    if (g->holds)
        keep_peak(g, s->sum);
    row->went.blocks++;
    row->went.bytes += s->size;
    s->sum = 0;
    return live - s->size;
}

/* REALLOC in place: it stays where its birth was. */
static uint64_t resize_life(struct hak_profile_gather *g, const struct actor *a, struct state *s,
                            uint32_t i, uint64_t size, uint64_t live) {
    if (!s->sum) { /* its birth was lost */
        uint32_t key = hak_profile_key(&g->keys, 0, 0);
        s->sum = key ? hak_profile_sums_find(&g->sums, a->row, key) : 0;
        s->birth = g->chunk_first + i;
        s->size = s->thread = 0;
        g->is_broken |= !s->sum;
        if (g->holds)
            keep_peak(g, s->sum);
        g->sums.row[s->sum].came.blocks++;
    } else if (s->birth < a->known_from) {
        add_exception(g, i, s, false);
    }
    struct hak_profile_row *row = &g->sums.row[s->sum];
    if (g->holds)
        keep_peak(g, s->sum);
    if (size > s->size)
        row->came.bytes += size - s->size;
    else
        row->went.bytes += s->size - size;
    live += size - s->size;
    s->size = size;
    return live;
}

/* Where the births of the site count in this lane. */
static void fill_slot(struct hak_profile_gather *g, const struct actor *a, uint32_t site,
                      struct site_slot *slot) {
    uint32_t key = hak_profile_key(&g->keys, a->group, hak_columns_site_stack(g->c, site));
    uint32_t sum = key ? hak_profile_sums_find(&g->sums, a->row, key) : 0;
    *slot = (struct site_slot){.tag = a->tag, .sum = sum};
    g->is_broken |= !sum;
}

/* What is seldom: true, the event is a birth and all is ready for it; false, it is done. */
static __attribute__((noinline)) bool take_seldom(struct hak_profile_gather *g,
                                                  const struct actor *a, struct state *s,
                                                  uint32_t i, enum role role,
                                                  struct site_slot *slot, uint64_t *live) {
    const struct hak_columns *c = g->c;
    uint64_t size = hak_columns_value(c, HAK_COLUMN_SIZE, i);
    if (c->index[HAK_COLUMN_BASE][i] == g->no_base)
        return false;
    if (role == ROLE_END) {
        add_end(g, 0);
        a->p->now.unknown++;
        return false;
    }
    if (role == ROLE_RESIZE) {
        *live = resize_life(g, a, s, i, size, *live);
        if (*live > a->p->now.most_bytes) {
            a->p->now.most_bytes = *live;
            a->p->now.most_at = g->chunk_first + i;
        }
        return false;
    }
    if (s->sum)
        *live = end_lost(g, a, s, i, *live);
    if (slot->tag != a->tag)
        fill_slot(g, a, (uint32_t)(slot - g->site_slot) / WAYS, slot);
    return true;
}

/* The parent's blocks are its child's, too: all so far goes into the tables, which are frozen. */
static void fork_process(struct hak_profile_gather *g, struct process *p, uint32_t row,
                         uint64_t id) {
    write_states(g);
    g->is_ahead = true;
    if (g->forks == FORKS_MAX)
        drop_fork(g, 0);
    g->fork[g->forks++] = (struct fork_point){.event = id,
                                              .parent = row,
                                              .top = hak_profile_share(p->top),
                                              .live_bytes = p->now.live_bytes};
    if (g->holds)
        list_held(g, row, &g->fork[g->forks - 1].row, &g->fork[g->forks - 1].rows);
}

/* An actor goes: what its process holds, and with it all. */
static inline void put_live(struct hak_profile_gather *g, struct process *p, uint64_t live,
                            uint64_t others) {
    p->now.live_bytes = live;
    g->tree_bytes = others + live;
}

/* The segment from event `i` on: returns the event behind it. `is_alone`: one process has all
 * events and its blocks are loaded. Births and ends take the same way, without a branch between
 * them: which comes next nobody can foretell. */
HAK_IN_PLACE uint32_t pass_over(struct hak_profile_gather *g, uint32_t i, bool is_alone,
                                bool holds) {
    const struct hak_columns *c = g->c;
    const uint64_t *actors = c->value[HAK_COLUMN_ACTOR], *sizes = c->value[HAK_COLUMN_SIZE];
    const uint32_t *number = c->index[HAK_COLUMN_BASE];
    const uint16_t *site_of = hak_columns_sites(c).of_event;
    struct site_slot *slots = g->site_slot;
    struct hak_profile_row *sums = g->sums.row;
    struct thread *threads = g->thread;
    uint32_t no_base = g->no_base;
    struct actor nobody = {.value = ~actors[i]}, *a = &nobody;
    uint64_t live = 0, others = 0; /* of the actor's process; of all others, with _hold */
    for (; i < c->events; i++) {
        if (__builtin_expect(actors[i] != a->value, 0)) {
            struct process *before = a->p;
            if (before)
                put_live(g, before, live, others);
            if (__builtin_expect(g->holds && g->chunk_first + i > g->next_gone, 0))
                leave_before(g, g->chunk_first + i);
            a = &g->actor[actors[i] % ACTORS];
            if (a->value != actors[i] || a->segment != g->segment)
                find_actor(g, a, actors[i], g->chunk_first + i, is_alone);
            if (a->is_outside)
                return i;
            if (!a->p) { /* nobody's events count */
                while (i + 1 < c->events && actors[i + 1] == a->value)
                    i++;
                continue;
            }
            live = a->p->now.live_bytes;
            others = g->tree_bytes - live;
            threads = g->thread;
            sums = g->sums.row;
        }
        uint32_t site = site_of[i];
        enum role role = g->role[site];
        if (role == ROLE_NONE)
            continue;
        if (__builtin_expect(role == ROLE_FORK, 0)) {
            put_live(g, a->p, live, others);
            fork_process(g, a->p, a->row, g->chunk_first + i);
            return i + 1;
        }
        struct state *s = is_alone ? &g->state[number[i]] : find_state(g, a->p, a->row, number[i]);
        sums = is_alone ? sums : g->sums.row; /* which grew, perhaps */
        struct site_slot *slot = &slots[site * WAYS + a->way];
        bool is_end = role == ROLE_END;
        if (__builtin_expect((role == ROLE_RESIZE) | ((s->sum != 0) != is_end) |
                                 (!is_end & (slot->tag != a->tag)) | (number[i] == no_base),
                             0)) {
            bool is_ready = take_seldom(g, a, s, i, role, slot, &live);
            sums = g->sums.row;
            if (!is_ready && g->holds && live + others > g->tree.most_bytes)
                note_most(g, live + others, g->chunk_first + i);
            if (!is_ready)
                continue;
        }
        uint64_t id = g->chunk_first + i, size = is_end ? s->size : sizes[i];
        uint32_t sum = is_end ? s->sum : slot->sum;
        bool brief = is_end & (threads[s->thread].last_birth == s->birth);
        if (holds && !is_peak_kept(g, sum))
            keep_peak(g, sum);
        if (is_end & (s->birth < a->known_from))
            note_older(g, s, i, sizes[i], brief);
        struct hak_profile_sum *change = is_end ? &sums[sum].went : &sums[sum].came;
        change->blocks++;
        change->bytes += size;
        sums[sum].brief.blocks += brief;
        sums[sum].brief.bytes += size & -(uint64_t)brief;
        live += is_end ? -size : size;
        s->size = size;
        s->birth = is_end ? s->birth : id;
        s->thread = is_end ? s->thread : a->thread;
        s->sum = is_end ? 0 : sum;
        a->t->last_birth = is_end ? a->t->last_birth : id;
        if (live > a->p->now.most_bytes) {
            a->p->now.most_bytes = live;
            a->p->now.most_at = id;
        }
        if (holds && live + others > g->tree.most_bytes)
            note_most(g, live + others, id);
    }
    if (a->p)
        put_live(g, a->p, live, others);
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

/* When the peaks of the chunk were, and the chunk itself. */
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
    if (!hak_profile_sums_begin(&g->sums))
        g->is_broken = true;
    for (uint32_t i = 0; i < g->run_processes; i++)
        g->process[g->run_process[i]].before = g->process[g->run_process[i]].now;
    g->no_base = UINT32_MAX;
    for (uint32_t k = 0; k < c->distinct[HAK_COLUMN_BASE]; k++)
        if (!c->dictionary[HAK_COLUMN_BASE][k])
            g->no_base = k;
    for (uint32_t k = 0, sites = hak_columns_sites(c).count; k < sites; k++)
        g->role[k] = (uint8_t)role_of(hak_columns_site_shape(c, k));
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
        write_states(g);
        g->is_ahead |= i > 0;
        begin_segment(g);
        i = g->holds ? pass_over(g, i, false, true) : pass_over(g, i, false, false);
    }
    if (g->holds && !g->is_broken)
        note_times(g);
    return !g->is_broken;
}

const struct hak_profile_chunk *hak_profile_gathered(const struct hak_profile_gather *g) {
    return &g->ends;
}

const struct hak_profile_keys *hak_profile_gathered_keys(const struct hak_profile_gather *g) {
    return &g->keys;
}

/* ---- chunk by chunk to a run -------------------------------------------------------------------
 */

/* What is live, and what was at a peak of the chunk. */
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
        struct hak_profile_sum now = change_of(row);
        hak_profile_add(&g->live.row[at].came, &now);
        if (is_peak)
            hak_profile_add(&peak->row[at].came,
                            is_peak_kept(g, i) ? &g->row_peak[i].change : &now);
    }
}

/* Those that ended, and had no event in the chunk: they have none any more. */
static void leave_ended(struct hak_profile_gather *g) {
    for (uint32_t i = 0; i < g->process_room && !g->is_broken; i++) {
        struct process *p = &g->process[i];
        if (p->has_ended && p->has_begun && !p->is_gone && !p->last_event &&
            p->chunk != g->chunk_first)
            leave(g, p, i);
    }
}

bool hak_profile_gather_keep(struct hak_profile_gather *g) {
    if (!g->has_chunk)
        return !g->is_broken;
    write_states(g);
    if (g->holds)
        leave_ended(g);
    if (g->holds)
        keep_held(g);
    for (uint32_t i = 1; i < g->sums.rows && !g->is_broken; i++) {
        const struct hak_profile_row *row = &g->sums.row[i];
        bool is_change = row->came.blocks || row->came.bytes || row->went.blocks ||
                         row->went.bytes || row->inherited.blocks || row->inherited.bytes;
        if (g->holds && !is_change)
            continue; /* it was looked for */
        uint32_t at = hak_profile_sums_find(&g->run_sums, row->process, row->key);
        if (!at)
            g->is_broken = true;
        hak_profile_add(&g->run_sums.row[at].came, &row->came);
        hak_profile_add(&g->run_sums.row[at].went, &row->went);
        hak_profile_add(&g->run_sums.row[at].brief, &row->brief);
        hak_profile_add(&g->run_sums.row[at].inherited, &row->inherited);
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
    g->states = 0;
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

bool hak_profile_gather_run(struct hak_profile_gather *g, struct hak_profile_run *run) {
    run->rows = run->processes = 0;
    run->first = g->run_last ? g->run_first : 0;
    run->last = g->run_last;
    if (!hak_growing_reach(&run->row, g->run_sums.rows, &run->row_room, sizeof *run->row) ||
        !hak_growing_reach(&run->process, g->run_processes, &run->process_room,
                           sizeof *run->process))
        return false;
    for (uint32_t i = 0; i < g->run_processes; i++)
        run->process[run->processes++] = g->process[g->run_process[i]].now;
    for (uint32_t i = 1; i < g->run_sums.rows; i++)
        run->row[run->rows++] = g->run_sums.row[i];
    hak_profile_run_sort(run);
    run->is_alone = g->holds;
    run->tree = g->tree;
    run->tree.live_bytes = g->tree_bytes;
    return true;
}

/* Rows of which nothing is live go, when they are most. */
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
