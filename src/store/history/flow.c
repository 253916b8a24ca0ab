/* Follows the blocks from one moment to another and adds them up by process and stack. */
#include "store/history/flow.h"

#include <stdlib.h>
#include "hop.h"
#include "base/growing.h"
#include "base/index.h"
#include "store/history/alive.h"
#include "store/history/lineup.h"
#include "store/live/live.h"
#include "store/profile/profile.h"
#include "store/reader/inner.h"

#define THREADS_MAX (1u << 24) /* greater rows are none that hakmem wrote */
#define BIRTH_KINDS (1u << HAK_MALLOC | 1u << HAK_REALLOC)

enum run_state {
    NOT_FORKED,
    FORKED, /* what it inherits is known; it has no event yet */
    RUNNING,
    ENDED,
};

/* A block that a process holds. */
struct flow_block {
    struct hak_profile_block at; /* its key: row + 1; its birth: the births of its thread by then */
    uint64_t ns;
    uint32_t thread;
    bool is_before, is_inherited, is_birth_known;
};

/* A process as it stands. */
struct runner {
    uint32_t process;
    enum run_state state;
    struct hak_profile_layer *held; /* blocks, while FORKED or RUNNING; NULL = none so far */
    uint32_t first_row;             /* of its rows + 1; 0 = none */
    struct hak_amount live;
    struct hak_flow_peak peak;
};

/* State of a row while it is counted. */
struct row_state {
    uint64_t epoch; /* of its at_peak: that of the newest peak, else `live` is still the same */
    uint32_t next;  /* row + 1 of the same process; 0 = none */
};

struct flow {
    struct hak_store_reader *reader;
    const struct hak_flow_query *query;
    struct hak_flow *out;
    struct hak_lineup lineup;
    struct runner *runner; /* of each process of the line-up */
    uint32_t next_turn;
    struct hak_index by_row; /* row + 1 */
    struct row_state *state;
    uint32_t row_room, state_room;
    uint64_t epoch; /* of the newest peak */
    struct hak_amount live;
    uint64_t *births; /* of each thread, since `from` */
    uint32_t birth_room;
    uint32_t step;
    uint64_t last_event;       /* of the capture */
    uint64_t seen_id, seen_ns; /* the event that was looked at last; 0 = none yet */
    bool failed;               /* no memory */
    int error;
};

/* Tells the follower, if there is one, of a change of a row. */
static void follow_change(const struct flow *f, uint32_t row, enum hak_flow_change what,
                          uint64_t blocks, uint64_t bytes) {
    if (f->query->follower && (blocks || bytes))
        f->query->follower->change(f->query->follower->context, row, what,
                                   (struct hak_amount){blocks, bytes});
}

/* ---- rows --------------------------------------------------------------------------------------
 */

static struct runner *find_runner(struct flow *f, uint32_t process) {
    int64_t number = hak_lineup_find(&f->lineup, process);
    return number < 0 ? NULL : &f->runner[number];
}

static bool is_holder(const struct runner *p) {
    return p->state == FORKED || p->state == RUNNING;
}

static const struct flow_block *find_block(const struct runner *p, uint64_t base) {
    const struct hak_profile_block *b = hak_profile_find(p->held, base);
    return b && b->key ? (const struct flow_block *)(const void *)b : NULL;
}

static void put_block(struct flow *f, struct runner *p, const struct flow_block *b) {
    f->failed |= !hak_profile_hold(&p->held, &b->at, sizeof *b);
}

/* The row of a process and stack, its number in `number`; NULL without memory. */
static struct hak_flow_row *find_row(struct flow *f, struct runner *p, uint32_t thread,
                                     uint32_t stack, uint32_t *number) {
    thread = f->query->by_thread ? thread : 0;
    uint64_t key = hak_index_mix(hak_index_mix(p->process, thread), stack), place = 0;
    for (uint32_t row; (row = hak_index_find(&f->by_row, key, &place)) != 0;) {
        struct hak_flow_row *found = &f->out->row[row - 1];
        *number = row - 1;
        if (found->process == p->process && found->thread == thread && found->stack == stack)
            return found;
    }
    uint32_t count = f->out->rows;
    f->failed |= !hak_growing_make_room(&f->out->row, count, &f->row_room, sizeof *f->out->row) ||
                 !hak_growing_make_room(&f->state, count, &f->state_room, sizeof *f->state) ||
                 !hak_index_add(&f->by_row, key, count + 1);
    if (f->failed)
        return NULL;
    f->out->row[count] =
        (struct hak_flow_row){.process = p->process, .thread = thread, .stack = stack};
    f->state[count] = (struct row_state){.next = p->first_row};
    *number = count;
    p->first_row = f->out->rows = count + 1;
    return &f->out->row[count];
}

/* The row that a block of `p` counts in: a child has rows of its own for the blocks it inherited.
 */
static struct hak_flow_row *row_of_block(struct flow *f, struct runner *p,
                                         const struct flow_block *b, uint32_t *number) {
    struct hak_flow_row *row = &f->out->row[b->at.key - 1];
    *number = b->at.key - 1;
    return row->process == p->process ? row : find_row(f, p, b->thread, row->stack, number);
}

/* Keeps a row's value at the peak, before its `live` changes. */
static void keep_peak(struct flow *f, uint32_t number) {
    if (f->state[number].epoch != f->epoch) {
        f->out->row[number].at_peak = f->out->row[number].live;
        f->state[number].epoch = f->epoch;
    }
}

/* Adds to what is live, of the row, the process and all. */
static void raise_live(struct flow *f, struct runner *p, uint32_t row, uint64_t blocks,
                       uint64_t bytes) {
    keep_peak(f, row);
    hak_amount_add(&f->out->row[row].live, (struct hak_amount){blocks, bytes});
    hak_amount_add(&p->live, (struct hak_amount){blocks, bytes});
    hak_amount_add(&f->live, (struct hak_amount){blocks, bytes});
}

/* Takes from what is live, of the row, the process and all. */
static void lower_live(struct flow *f, struct runner *p, uint32_t row, uint64_t blocks,
                       uint64_t bytes) {
    keep_peak(f, row);
    hak_amount_take(&f->out->row[row].live, (struct hak_amount){blocks, bytes});
    hak_amount_take(&p->live, (struct hak_amount){blocks, bytes});
    hak_amount_take(&f->live, (struct hak_amount){blocks, bytes});
}

/* Notes a new peak of the process and of all, after `live` has grown by the event `id`. */
static void look_for_peak(struct flow *f, struct runner *p, uint64_t id, uint64_t ns) {
    if (p->live.bytes > p->peak.live.bytes)
        p->peak = (struct hak_flow_peak){p->live, id, ns};
    if (f->live.bytes > f->out->peak.live.bytes) {
        f->out->peak = (struct hak_flow_peak){f->live, id, ns};
        f->epoch++;
    }
}

/* ---- the time between ---------------------------------------------------------------------------
 */

static struct hak_flow_step *step_at(const struct flow *f) {
    return f->out->steps ? &f->out->step[f->step] : NULL;
}

static void follow_step(const struct flow *f, uint64_t id, uint64_t ns) {
    if (f->query->follower && f->out->steps)
        f->query->follower->step(f->query->follower->context, f->step, id, ns, f->live);
}

/* Goes on to the step of `ns`; events come nearly in the order of time. */
static void go_to_step(struct flow *f, uint64_t ns) {
    struct hak_flow *out = f->out;
    if (!out->steps || ns <= out->from_ns)
        return;
    uint64_t span = out->to_ns > out->from_ns ? out->to_ns - out->from_ns : 1;
    unsigned __int128 at = (unsigned __int128)(ns - out->from_ns - 1) * out->steps / span;
    uint32_t to = at >= out->steps ? out->steps - 1 : (uint32_t)at;
    if (f->step < to && f->seen_id) {
        follow_step(f, f->seen_id, f->seen_ns);
        f->seen_id = 0;
    }
    for (; f->step < to; f->step++) {
        out->step[f->step].end = f->live;
        out->step[f->step + 1].most_bytes = f->live.bytes;
        out->step[f->step + 1].least_bytes = f->live.bytes;
    }
}

/* Notes the most and the least live bytes of the step of time. */
static void note_step(struct flow *f) {
    struct hak_flow_step *s = step_at(f);
    if (!s)
        return;
    s->most_bytes = f->live.bytes > s->most_bytes ? f->live.bytes : s->most_bytes;
    s->least_bytes = f->live.bytes < s->least_bytes ? f->live.bytes : s->least_bytes;
}

/* ---- short lives --------------------------------------------------------------------------------
 */

/* The thread's number of births; without memory a place that counts nothing. */
static uint64_t *births_of(struct flow *f, uint32_t thread) {
    static uint64_t none;
    none = 0;
    if (thread >= THREADS_MAX)
        return &none;
    if (thread >= f->birth_room &&
        !hak_growing_reach(&f->births, thread, &f->birth_room, sizeof *f->births)) {
        f->failed = true;
        return &none;
    }
    return &f->births[thread];
}

/* Whether `thread` began fewer than `most` lives behind event `birth`, before `from`. */
static bool has_few_births_before(struct flow *f, uint32_t thread, uint64_t birth, uint64_t most) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    struct hak_live_state state;
    uint64_t count = 0;
    limits.filter.thread = thread;
    limits.filter.kind_mask_low = BIRTH_KINDS;
    limits.filter.id_from = birth + 1;
    limits.filter.id_to = f->query->from;
    int found = hak_scan_open(f->reader, &limits, true, &scan);
    if (found == 0) {
        while (count < most && (found = hak_scan_next(scan, &e)) == 1)
            count += hak_live_state_of(&e, &state) && state.step == HAK_LIVE_BORN;
        hak_scan_close(scan);
    }
    if (found < 0)
        f->error = found;
    return found >= 0 && count < most;
}

/* Whether the life of a block that is given back, which `p` held, was short. One that a child
 * inherited is older than the child. */
static bool is_brief(struct flow *f, const struct runner *p, const struct flow_block *b) {
    uint64_t most = f->query->brief_calls ? f->query->brief_calls : 1;
    if (!b->is_birth_known || f->out->row[b->at.key - 1].process != p->process)
        return false;
    uint64_t count = *births_of(f, b->thread);
    if (!b->is_before)
        return count - b->at.birth < most;
    if (count >= most ||
        hak_database_number(&f->reader->db, "SELECT process FROM thread WHERE id = ?1",
                            b->thread) != p->process)
        return false;
    return has_few_births_before(f, b->thread, b->at.birth, most - count);
}

/* Tells the caller of a life that has ended or is still live. */
static void tell_life(struct flow *f, const struct runner *p, const struct flow_block *b,
                      uint64_t end_ns, bool brief) {
    const struct hak_flow_row *row = &f->out->row[b->at.key - 1];
    struct hak_flow_life life = {.process = p->process,
                                 .thread = b->thread,
                                 .stack = row->stack,
                                 .size = b->at.size,
                                 .birth_ns = b->is_birth_known ? b->ns : 0,
                                 .end_ns = end_ns,
                                 .class_index = b->at.class_index,
                                 .is_birth_known = b->is_birth_known,
                                 .is_before =
                                     b->is_before && row->process == p->process && !b->is_inherited,
                                 .is_inherited = b->is_inherited || row->process != p->process,
                                 .is_brief = brief,
                                 .has_left = p->state == ENDED && f->query->to};
    if (f->query->life)
        f->query->life(f->query->context, &life);
}

/* ---- events -------------------------------------------------------------------------------------
 */

/* Ends a block's life: sums, peak, and the caller is told. `is_seen`: the end itself was recorded.
 */
static void end_life(struct flow *f, struct runner *p, const struct flow_block *held,
                     const struct hak_event *e, bool is_seen) {
    struct flow_block b = *held;
    uint32_t row;
    if (!row_of_block(f, p, &b, &row))
        return;
    bool brief = is_seen && is_brief(f, p, &b);
    hak_amount_add(&f->out->row[row].went, (struct hak_amount){1, b.at.size});
    if (brief)
        hak_amount_add(&f->out->row[row].brief, (struct hak_amount){1, b.at.size});
    if (step_at(f))
        hak_amount_add(&step_at(f)->went, (struct hak_amount){1, b.at.size});
    follow_change(f, row, HAK_FLOW_WENT, 1, b.at.size);
    if (brief)
        follow_change(f, row, HAK_FLOW_BRIEF, 1, b.at.size);
    lower_live(f, p, row, 1, b.at.size);
    tell_life(f, p, &b, e->ns ? e->ns : 1, brief);
}

/* Begins a block's life in the sums; one that is still open at its address is ended first. */
static void begin_counted_life(struct flow *f, struct runner *p, const struct hak_event *e,
                               const struct hak_live_state *s) {
    const struct flow_block *open = find_block(p, s->base);
    bool is_born = s->step == HAK_LIVE_BORN;
    if (open)
        end_life(f, p, open, e, false); /* its end was lost */
    uint64_t *births = births_of(f, s->thread);
    uint32_t number;
    struct hak_flow_row *row = find_row(f, p, s->thread, s->stack, &number);
    if (!row)
        return;
    struct flow_block b = {.at = {.base = s->base,
                                  .size = s->size,
                                  .birth = is_born ? ++*births : 0,
                                  .key = number + 1,
                                  .class_index = s->class_index},
                           .ns = s->ns,
                           .thread = s->thread,
                           .is_birth_known = is_born};
    hak_amount_add(&row->came, (struct hak_amount){1, s->size});
    if (step_at(f))
        hak_amount_add(&step_at(f)->came, (struct hak_amount){1, s->size});
    follow_change(f, number, HAK_FLOW_CAME, 1, s->size);
    raise_live(f, p, number, 1, s->size);
    put_block(f, p, &b);
}

/* Lets a life go on in the same place; the difference in size comes or goes, in its row and
 * step. */
static void resize_life(struct flow *f, struct runner *p, const struct flow_block *held,
                        const struct hak_live_state *s) {
    struct flow_block b = *held;
    uint32_t row;
    if (!row_of_block(f, p, &b, &row))
        return;
    struct hak_flow_step *step = step_at(f);
    uint64_t more = s->size > b.at.size ? s->size - b.at.size : 0;
    uint64_t less = s->size < b.at.size ? b.at.size - s->size : 0;
    hak_amount_add(&f->out->row[row].came, (struct hak_amount){0, more});
    hak_amount_add(&f->out->row[row].went, (struct hak_amount){0, less});
    if (step) {
        hak_amount_add(&step->came, (struct hak_amount){0, more});
        hak_amount_add(&step->went, (struct hak_amount){0, less});
    }
    follow_change(f, row, HAK_FLOW_CAME, 0, more);
    follow_change(f, row, HAK_FLOW_WENT, 0, less);
    raise_live(f, p, row, 0, more);
    lower_live(f, p, row, 0, less);
    b.at.size = s->size;
    b.at.class_index = s->class_index;
    put_block(f, p, &b);
}

struct teller {
    struct flow *flow;
    const struct runner *runner;
};

static void tell_open_life(void *context, const struct hak_profile_block *b) {
    const struct teller *t = context;
    tell_life(t->flow, t->runner, (const struct flow_block *)(const void *)b, 0, false);
}

/* Tells a process's open lives, where they are asked for, and forgets its blocks. */
static void close_runner(struct flow *f, struct runner *p) {
    if (f->query->life && p->state != FORKED)
        hak_profile_each(p->held, tell_open_life, &(struct teller){f, p});
    hak_profile_drop(p->held);
    p->held = NULL;
}

/* Ends a process: what it still held is left behind, and its peak stands. */
static void end_runner(struct flow *f, struct runner *p) {
    if (p->state != RUNNING)
        return;
    for (uint32_t number = p->first_row; number; number = f->state[number - 1].next) {
        struct hak_flow_row *row = &f->out->row[number - 1];
        struct hak_amount left = row->live;
        hak_amount_add(&row->left, left);
        follow_change(f, number - 1, HAK_FLOW_LEFT, left.blocks, left.bytes);
        lower_live(f, p, number - 1, left.blocks, left.bytes);
    }
    p->state = ENDED;
    close_runner(f, p);
    note_step(f);
}

/* Gives a child what its parent holds; it is not asked for before the child's first event. */
static void fork_runner(struct flow *f, struct runner *parent, struct runner *child) {
    if (child->state != NOT_FORKED || !parent || !is_holder(parent))
        return;
    child->held = hak_profile_share(parent->held);
    child->state = FORKED;
    for (uint32_t from = parent->first_row; from && !f->failed; from = f->state[from - 1].next) {
        struct hak_flow_row *row = &f->out->row[from - 1];
        struct hak_amount live = parent->state == FORKED ? row->inherited : row->live;
        uint32_t number;
        if ((live.blocks || live.bytes) &&
            (row = find_row(f, child, row->thread, row->stack, &number)))
            hak_amount_add(&row->inherited, live);
    }
}

/* Begins a process: its inherited blocks are counted. `is_done`: its first event has happened, and
 * was no call. */
static void begin_runner(struct flow *f, struct runner *p, uint64_t id, bool is_done) {
    if (p->state > FORKED || f->failed)
        return;
    p->state = RUNNING;
    for (uint32_t number = p->first_row; number; number = f->state[number - 1].next) {
        const struct hak_flow_row *row = &f->out->row[number - 1];
        follow_change(f, number - 1, HAK_FLOW_INHERITED, row->inherited.blocks,
                      row->inherited.bytes);
        raise_live(f, p, number - 1, row->inherited.blocks, row->inherited.bytes);
    }
    if (!is_done)
        return; /* the call itself comes first */
    note_step(f);
    look_for_peak(f, p, id, 0);
}

/* Takes the turns of processes before event `id`, a call that is not counted yet unless `is_done`.
 */
static void take_turns(struct flow *f, uint64_t id, bool is_done) {
    for (; f->next_turn < f->lineup.turns && !f->failed; f->next_turn++) {
        const struct hak_lineup_turn *turn = &f->lineup.turn[f->next_turn];
        struct runner *p = &f->runner[turn->number];
        if (turn->before > id)
            return;
        if (turn->what == HAK_LINEUP_FORK)
            fork_runner(f, find_runner(f, f->lineup.process[turn->number].parent), p);
        else if (turn->what == HAK_LINEUP_FIRST)
            begin_runner(f, p, turn->before, is_done || turn->before < id);
        else
            end_runner(f, p);
    }
}

/* Follows one event: steps, forks, lives and sums; one of a process that is not asked about only
 * counts. */
static void follow_event(struct flow *f, const struct hak_event *e) {
    struct hak_live_state s;
    f->out->events++;
    go_to_step(f, e->ns);
    f->seen_id = e->id;
    f->seen_ns = e->ns;
    take_turns(f, e->id, false);
    struct runner *p = find_runner(f, e->process);
    if (!p || !is_holder(p) || f->failed)
        return;
    if (!hak_live_state_of(e, &s)) {
        note_step(f);
        look_for_peak(f, p, e->id, e->ns); /* a wrong call; it may be the first event of a child */
        return;
    }
    const struct flow_block *held = find_block(p, s.base);
    if (s.step == HAK_LIVE_ENDED && held) {
        end_life(f, p, held, e, true);
        put_block(f, p, &(struct flow_block){.at.base = s.base});
    } else if (s.step == HAK_LIVE_ENDED) {
        hak_amount_add(&f->out->unknown, (struct hak_amount){1, e->size});
    } else if (s.step == HAK_LIVE_RESIZED && held) {
        resize_life(f, p, held, &s);
    } else {
        begin_counted_life(f, p, e, &s);
    }
    note_step(f);
    look_for_peak(f, p, e->id, e->ns);
}

/* ---- the begin ----------------------------------------------------------------------------------
 */

/* Enters a block that lived before the range began, or that a child inherits. */
static void hold_block(struct flow *f, struct runner *p, const struct hak_live_block *block) {
    uint32_t number;
    struct hak_flow_row *row = find_row(f, p, block->thread, block->stack, &number);
    if (!row)
        return;
    struct flow_block b = {.at = {.base = block->base,
                                  .size = block->size,
                                  .birth = block->birth,
                                  .key = number + 1,
                                  .class_index = block->class_index},
                           .ns = block->ns,
                           .thread = block->thread,
                           .is_before = true,
                           .is_inherited = p->state == FORKED,
                           .is_birth_known = block->birth != 0};
    put_block(f, p, &b);
    if (p->state == FORKED) {
        hak_amount_add(&row->inherited, (struct hak_amount){1, block->size});
        return;
    }
    hak_amount_add(&row->before, (struct hak_amount){1, block->size});
    hak_amount_add(&row->live, (struct hak_amount){1, block->size});
    hak_amount_add(&p->live, (struct hak_amount){1, block->size});
    hak_amount_add(&f->live, (struct hak_amount){1, block->size});
}

static bool holds_blocks(void *context, uint32_t process) {
    const struct runner *p = find_runner(context, process);
    return p && is_holder(p);
}

/* Holds a block that was live before, for a process that is followed; others are skipped. Not 0
 * ends it: no memory. */
static int hold_before(void *context, const struct hak_live_block *block) {
    struct flow *f = context;
    struct runner *p = find_runner(f, block->process);
    if (p && is_holder(p))
        hold_block(f, p, block);
    return f->failed;
}

/* Holds a block that the first process got from its parent, as hold_before does. Not 0 ends it: no
 * memory. */
static int hold_inherited(void *context, const struct hak_live_block *block) {
    struct flow *f = context;
    hold_block(f, &f->runner[0], block);
    return f->failed;
}

/* Sets where each process stands at `from`: not begun, forked, running or ended. */
static void set_states(struct flow *f) {
    for (uint32_t i = 0; i < f->lineup.processes && !f->failed; i++) {
        const struct hak_lineup_process *p = &f->lineup.process[i];
        struct runner *runner = &f->runner[i];
        *runner = (struct runner){.process = p->process};
        if (!f->query->from || !p->first_event)
            continue;
        if (p->has_ended && p->last_event < f->query->from)
            runner->state = ENDED;
        else if (p->first_event <= f->query->from)
            runner->state = RUNNING;
        else if (p->parent && p->fork_event <= f->query->from)
            runner->state = FORKED;
    }
}

/* Reads the blocks that the only process asked for got from its parent, whose events are not read.
 * 0, or an error. */
static int read_inheritance(struct flow *f) {
    const struct hak_lineup_process *p = f->lineup.process;
    if (!p->parent || !p->first_event || f->runner->state != NOT_FORKED)
        return 0;
    f->runner->state = FORKED;
    struct hak_live_moment fork = {.id = p->fork_event, .process = p->parent};
    return p->fork_event ? hak_store_live_at(f->reader, &fork, hold_inherited, f) : 0;
}

/* Fills in the blocks held at `from`, with all peaks and the first step. 0, or an error. */
static int read_begin(struct flow *f) {
    struct hak_live_moment begin = {
        .id = f->query->from, .process = f->query->process, .wants = holds_blocks, .context = f};
    int error = 0;
    set_states(f);
    if (f->query->from && !f->failed)
        error = hak_store_live_at(f->reader, &begin, hold_before, f);
    if (error >= 0 && f->query->process && f->lineup.processes && !f->failed)
        error = read_inheritance(f);
    for (uint32_t i = 0; i < f->lineup.processes; i++)
        f->runner[i].peak.live = f->runner[i].live;
    f->out->peak.live = f->live;
    if (step_at(f))
        f->out->step[0].most_bytes = f->out->step[0].least_bytes = f->live.bytes;
    f->epoch = 1;
    return error < 0 ? error : 0;
}

/* ---- the whole ----------------------------------------------------------------------------------
 */

/* Finds the time of an event, `open` where none is meant. */
static int find_time(struct flow *f, uint64_t id, uint64_t open, uint64_t *out) {
    struct hak_event e = {.ns = open};
    int found = id ? hak_store_event(f->reader, id, &e) : 0;
    *out = found == 1 ? e.ns : open;
    return found < 0 ? found : 0;
}

/* Takes the newest event of the program itself. */
static int take_end(void *context, const struct hak_event *e) {
    uint64_t *ns = context;
    *ns = e->ns;
    return 1;
}

int hak_flow_end(struct hak_store_reader *r, uint64_t last_ns, uint64_t *end_ns) {
    static const char works_at_exit[] =
        "SELECT EXISTS(SELECT 1 FROM meta WHERE key = 'check' AND value = 'normal')"
        " OR EXISTS(SELECT 1 FROM leak_scan WHERE reason = 'at exit')";
    static const unsigned not_own[] = {HAK_THREAD_END, HAK_PROCESS_END,   HAK_FAULT,       HAK_LOSS,
                                       HAK_LEAK,       HAK_THREAD_SWITCH, HAK_CONTINUATION};
    struct hak_filter own = {.class_index = -1,
                             .kind_mask_low = BIRTH_KINDS | 1u << HAK_FREE | 1u << HAK_REALLOC_FROM,
                             .kind_mask_high = ~(uint64_t)0 << (HAK_THREAD_START - 64)};
    uint64_t works = 0, ns = 0;
    *end_ns = last_ns;
    int found = hak_database_numbers(&r->db, works_at_exit, 0, &works, 1);
    if (found < 0 || !works)
        return found < 0 ? found : 0;
    for (size_t i = 0; i < sizeof not_own / sizeof *not_own; i++)
        own.kind_mask_high &= ~((uint64_t)1 << (not_own[i] - 64));
    found = hak_store_scan(r, &own, true, take_end, &ns);
    if (found == 1 && ns < last_ns)
        *end_ns = ns;
    return found < 0 ? found : 0;
}

/* Finds the times of the range's ends and the log's last event. 0, or an error. */
static int find_times(struct flow *f) {
    struct hak_store_summary summary;
    int error = hak_store_summarise(f->reader, &summary);
    if (!error)
        error = find_time(f, f->query->from, summary.first_ns, &f->out->from_ns);
    if (!error && !f->query->to && f->query->steps)
        error = hak_flow_end(f->reader, summary.last_ns, &summary.last_ns);
    if (!error)
        error = find_time(f, f->query->to, summary.last_ns, &f->out->to_ns);
    f->last_event = summary.trimmed_events + summary.events;
    return error;
}

/* Reads the log's calls in the range and follows each. 0, or an error. */
static int follow_events(struct flow *f) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    limits.filter.process = f->query->process;
    limits.filter.kind_mask_low = BIRTH_KINDS | 1u << HAK_FREE | 1u << HAK_REALLOC_FROM;
    limits.filter.id_from = f->query->from ? f->query->from + 1 : 0;
    limits.filter.id_to = f->query->to;
    limits.columns = HAK_ALL_COLUMNS & ~(1u << HAK_COLUMN_OLD | 1u << HAK_COLUMN_GENERATION);
    int result = hak_scan_open(f->reader, &limits, false, &scan);
    if (result)
        return result;
    while (!f->failed && !f->error && (result = hak_scan_next(scan, &e)) == 1)
        follow_event(f, &e);
    hak_scan_close(scan);
    return f->error ? f->error : result < 0 ? result : 0;
}

/* Adds the rows up to the sums of all. */
static void add_totals(struct hak_flow *out) {
    for (uint32_t i = 0; i < out->rows; i++) {
        const struct hak_flow_row *row = &out->row[i];
        hak_amount_add(&out->before, row->before);
        hak_amount_add(&out->inherited, row->inherited);
        hak_amount_add(&out->came, row->came);
        hak_amount_add(&out->went, row->went);
        hak_amount_add(&out->brief, row->brief);
        hak_amount_add(&out->left, row->left);
        hak_amount_add(&out->live, row->live);
    }
}

/* Peaks that the first event of a child made have no time yet. */
static int find_peak_time(struct flow *f, struct hak_flow_peak *peak) {
    return peak->id && !peak->ns ? find_time(f, peak->id, 0, &peak->ns) : 0;
}

/* Puts the processes that ran into the result, with their peaks. 0, or an error. */
static int put_processes(struct flow *f) {
    int error = find_peak_time(f, &f->out->peak);
    f->out->process = calloc(f->lineup.processes + 1, sizeof *f->out->process);
    if (!f->out->process)
        return hak_store_no_memory(f->reader->db.path);
    for (uint32_t i = 0; i < f->lineup.processes && !error; i++) {
        struct runner *p = &f->runner[i];
        if (p->state < RUNNING)
            continue;
        error = find_peak_time(f, &p->peak);
        f->out->process[f->out->processes++] =
            (struct hak_flow_process){p->process, p->live, p->peak};
    }
    return error;
}

/* Clears the inherited sums of a child that never had an event: nobody holds those blocks. */
static void drop_unused(struct flow *f) {
    for (uint32_t i = 0; i < f->out->rows; i++)
        if (find_runner(f, f->out->row[i].process)->state < RUNNING)
            f->out->row[i].inherited = (struct hak_amount){0};
}

/* Adds the blocks of its own end to each process: at the end of the capture it holds them. */
static void give_back_left(struct flow *f) {
    for (uint32_t i = 0; i < f->out->rows; i++) {
        struct hak_flow_row *row = &f->out->row[i];
        hak_amount_add(&row->live, row->left);
        hak_amount_add(&find_runner(f, row->process)->live, row->left);
        row->left = (struct hak_amount){0};
    }
}

/* After the last event: closes steps, peaks and processes, and adds up. 0, or an error. */
static int finish_flow(struct flow *f) {
    uint64_t last = f->last_event > f->seen_id ? f->last_event : f->seen_id;
    uint64_t to = f->query->to ? f->query->to : last;
    go_to_step(f, f->out->to_ns);
    take_turns(f, to, true);
    follow_step(f, to, f->out->to_ns);
    for (uint32_t i = 0; i < f->out->rows && !f->failed; i++)
        keep_peak(f, i);
    if (step_at(f))
        step_at(f)->end = f->live;
    drop_unused(f);
    for (uint32_t i = 0; i < f->lineup.processes; i++)
        close_runner(f, &f->runner[i]);
    if (!f->query->to)
        give_back_left(f);
    add_totals(f->out);
    return f->failed ? 0 : put_processes(f);
}

/* Frees what the walk needed; the result stays. */
static void release(struct flow *f) {
    for (uint32_t i = 0; f->runner && i < f->lineup.processes; i++)
        hak_profile_drop(f->runner[i].held);
    free(f->runner);
    free(f->state);
    free(f->births);
    hak_index_free(&f->by_row);
    hak_lineup_free(&f->lineup);
}

int hak_flow_read(struct hak_store_reader *r, const struct hak_flow_query *query,
                  struct hak_flow *out) {
    struct flow f = {.reader = r, .query = query, .out = out};
    *out = (struct hak_flow){.steps = query->steps};
    if (query->steps)
        f.failed = !(out->step = calloc(query->steps, sizeof *out->step));
    /* Of many small queries each would take SQLite's locks anew, and could see another commit. */
    bool is_own = r->may_keep_chunks && hak_database_begin_reading(&r->db);
    int error = find_times(&f);
    if (!error && !f.failed)
        error = hak_lineup_read(r, query->process, query->to, &f.lineup);
    if (!error && !f.failed)
        f.failed = !(f.runner = calloc(f.lineup.processes + 1, sizeof *f.runner));
    if (!error && !f.failed)
        error = read_begin(&f);
    while (f.next_turn < f.lineup.turns && f.lineup.turn[f.next_turn].before <= query->from)
        f.next_turn++; /* taken already */
    if (!error && !f.failed)
        error = follow_events(&f);
    if (!error && !f.failed)
        error = finish_flow(&f);
    hak_database_end_reading(&r->db, is_own);
    release(&f);
    return f.failed && !error ? hak_store_no_memory(r->db.path) : error;
}

void hak_flow_free(struct hak_flow *flow) {
    free(flow->row);
    free(flow->process);
    free(flow->step);
    *flow = (struct hak_flow){0};
}
