/* Sums of allocations and frees between two events, with their peaks: as a plain model of all
 * processes has them, over forks, ends, lost ends and births, resizes and calls that were not
 * allowed, for any two events, with threads apart or not. */
#include "../family.h"
#include "store/history/flow.h"

enum { THREADS = 4 * PROCESSES + 1, ROUNDS = 60, BRIEF = 3 };

/* ---- the model ----------------------------------------------------------------------------------
 */

struct held {
    bool is_live, is_brief_able;
    uint64_t size, birth;
    uint32_t stack, thread;
};
struct sums {
    struct hak_amount before, inherited, came, went, brief, left, live;
};
static struct model {
    struct held held[PROCESSES + 1][USED];
    enum { NONE, FORKED, RUNS, ENDED } state[PROCESSES + 1];
    uint64_t births[THREADS];
    struct sums sums[PROCESSES + 1][THREADS][STACKS]; /* thread 0: its birth was lost */
    struct hak_amount unknown, live[PROCESSES + 1];
    struct hak_flow_peak peak[PROCESSES + 1]; /* 0: of all */
    uint32_t only;                            /* --process; 0 = all */
} m;

static struct sums *sums_of(uint32_t number, const struct held *h) {
    return &m.sums[number][h->thread][h->stack];
}

static void add(struct hak_amount *sum, int64_t blocks, uint64_t bytes) {
    hak_amount_add(sum, (struct hak_amount){(uint64_t)blocks, blocks < 0 ? -bytes : bytes});
}

static void change(uint32_t number, struct sums *sums, int64_t blocks, int64_t bytes) {
    hak_amount_add(&sums->live, (struct hak_amount){(uint64_t)blocks, (uint64_t)bytes});
    hak_amount_add(&m.live[number], (struct hak_amount){(uint64_t)blocks, (uint64_t)bytes});
}

static struct hak_amount total_live(void) {
    struct hak_amount sum = {0};
    for (int p = 1; p <= PROCESSES; p++)
        if (!m.only || (int)m.only == p)
            add(&sum, (int64_t)m.live[p].blocks, m.live[p].bytes);
    return sum;
}

static void look(uint32_t number, uint64_t id) {
    struct hak_amount all = total_live();
    if (m.live[number].bytes > m.peak[number].live.bytes)
        m.peak[number] = (struct hak_flow_peak){m.live[number], id, log_of[id].ns};
    if ((!m.only || m.only == number) && all.bytes > m.peak[0].live.bytes)
        m.peak[0] = (struct hak_flow_peak){all, id, log_of[id].ns};
}

static void end_life(uint32_t number, struct held *h, bool is_seen, uint64_t brief_calls) {
    struct sums *s = sums_of(number, h);
    add(&s->went, 1, h->size);
    if (is_seen && h->is_brief_able && m.births[h->thread] - h->birth < brief_calls)
        add(&s->brief, 1, h->size);
    change(number, s, -1, -(int64_t)h->size);
    h->is_live = false;
}

static void begin_process(uint32_t number) {
    if (m.state[number] == NONE)
        m.state[number] = FORKED;
    if (m.state[number] != FORKED)
        return;
    m.state[number] = RUNS;
    for (int i = 0; i < USED; i++)
        if (m.held[number][i].is_live)
            change(number, sums_of(number, &m.held[number][i]), 1, (int64_t)m.held[number][i].size);
}

/* Lets processes act before event `id`, in the order of time. */
static void take_turns(uint64_t id) {
    for (uint32_t p = 1; p <= PROCESSES; p++) {
        struct process *k = &process[p];
        uint64_t fork = k->fork ? k->fork : k->first - 1;
        if (k->first && k->parent && m.state[p] == NONE && fork < id) {
            memcpy(m.held[p], m.held[k->parent], sizeof m.held[p]);
            m.state[p] = FORKED;
            for (int i = 0; i < USED; i++) {
                m.held[p][i].is_brief_able = false;
                if (m.held[p][i].is_live)
                    add(&sums_of(p, &m.held[p][i])->inherited, 1, m.held[p][i].size);
            }
        }
    }
    for (uint32_t p = 1; p <= PROCESSES; p++)
        if (process[p].has_ended && process[p].last < id && m.state[p] == RUNS) {
            m.state[p] = ENDED;
            for (int i = 0; i < USED; i++)
                if (m.held[p][i].is_live) {
                    struct sums *s = sums_of(p, &m.held[p][i]);
                    add(&s->left, 1, m.held[p][i].size);
                    change(p, s, -1, -(int64_t)m.held[p][i].size);
                    m.held[p][i].is_live = false;
                }
        }
    for (uint32_t p = 1; p <= PROCESSES; p++)
        if (process[p].first && process[p].first <= id)
            begin_process(p);
}

static void take(const struct hak_event *e, uint64_t brief_calls) {
    if (!hak_event_is_call(e) || e->flags & HAK_RECORD_ILLEGAL)
        return;
    struct held *h = &m.held[e->process][(e->base - BLOCK(0)) / 48];
    bool is_resize = e->kind == HAK_REALLOC && e->place == HAK_PLACE_LIVE;
    if (e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM) {
        if (h->is_live)
            end_life(e->process, h, true, brief_calls);
        else if (!m.only || m.only == e->process)
            add(&m.unknown, 1, e->size);
        return;
    }
    if (is_resize && h->is_live) {
        struct sums *s = sums_of(e->process, h);
        if (e->size > h->size)
            s->came.bytes += e->size - h->size;
        else
            s->went.bytes += h->size - e->size;
        change(e->process, s, 0, (int64_t)e->size - (int64_t)h->size);
        h->size = e->size;
    } else {
        if (h->is_live)
            end_life(e->process, h, false, brief_calls);
        *h = (struct held){.is_live = true, .size = e->size};
        if (!is_resize) {
            h->is_brief_able = true;
            h->birth = ++m.births[e->thread];
            h->stack = e->stack;
            h->thread = e->thread;
        }
        add(&sums_of(e->process, h)->came, 1, h->size);
        change(e->process, sums_of(e->process, h), 1, (int64_t)h->size);
    }
}

/* A span begins: what is held then is `before`. */
static void begin_span(void) {
    memset(m.sums, 0, sizeof m.sums);
    memset(m.peak, 0, sizeof m.peak);
    m.unknown = (struct hak_amount){0};
    for (uint32_t p = 1; p <= PROCESSES; p++) {
        for (int i = 0; i < USED; i++) {
            struct sums *s = sums_of(p, &m.held[p][i]);
            if (!m.held[p][i].is_live)
                continue;
            add(m.state[p] == RUNS ? &s->before : &s->inherited, 1, m.held[p][i].size);
            if (m.state[p] == RUNS)
                add(&s->live, 1, m.held[p][i].size);
        }
        m.peak[p].live = m.live[p];
    }
    m.peak[0].live = total_live();
}

static void run_model(uint64_t from, uint64_t to, uint32_t only, uint64_t brief_calls) {
    memset(&m, 0, sizeof m);
    m.only = only;
    for (uint64_t id = 1; id <= to; id++) {
        take_turns(id);
        take(&log_of[id], brief_calls);
        for (uint32_t p = 1; p <= PROCESSES; p++)
            look(p, id);
        if (id == from)
            begin_span();
    }
}

/* ---- both ---------------------------------------------------------------------------------------
 */

static void same_sum(const struct hak_amount *got, const struct hak_amount *due, const char *what,
                     const struct hak_flow_query *q) {
    ck_assert_msg(got->blocks == due->blocks && got->bytes == due->bytes,
                  "%s: %lu blocks of %lu bytes; due %lu of %lu (from %lu to %lu, process %u)", what,
                  (unsigned long)got->blocks, (unsigned long)got->bytes, (unsigned long)due->blocks,
                  (unsigned long)due->bytes, (unsigned long)q->from, (unsigned long)q->to,
                  q->process);
}

static void same_sums(const struct hak_flow_row *got, const struct sums *due,
                      const struct hak_flow_query *q) {
    struct hak_amount left = due->left, live = due->live;
    if (!q->to) { /* each process as it was at its own end */
        add(&live, (int64_t)left.blocks, left.bytes);
        left = (struct hak_amount){0};
    }
    same_sum(&got->before, &due->before, "before", q);
    same_sum(&got->inherited, &due->inherited, "inherited", q);
    same_sum(&got->came, &due->came, "came", q);
    same_sum(&got->went, &due->went, "went", q);
    same_sum(&got->brief, &due->brief, "brief", q);
    same_sum(&got->left, &left, "left", q);
    same_sum(&got->live, &live, "live", q);
    struct hak_amount sum = got->before;
    add(&sum, (int64_t)got->inherited.blocks, got->inherited.bytes);
    add(&sum, (int64_t)got->came.blocks, got->came.bytes);
    sum.blocks -= got->went.blocks + got->left.blocks;
    sum.bytes -= got->went.bytes + got->left.bytes;
    same_sum(&sum, &got->live, "before + inherited + came - went - left", q);
}

static void add_sums(struct sums *to, const struct sums *more) {
    struct hak_amount *sum = &to->before;
    const struct hak_amount *from = &more->before;
    for (size_t i = 0; i < sizeof *to / sizeof *sum; i++) {
        hak_amount_add(&sum[i], from[i]);
    }
}

/* A child without an event holds nothing, whatever it was to inherit. */
static bool is_unused(uint32_t number) {
    return m.state[number] != RUNS && m.state[number] != ENDED;
}

static const struct hak_flow_row *find_row(const struct hak_flow *f, uint32_t number, int thread,
                                           int stack, bool by_thread) {
    static const struct hak_flow_row none;
    const struct hak_flow_row *found = &none;
    for (uint32_t i = 0; i < f->rows; i++)
        if (f->row[i].process == number && f->row[i].stack == (uint32_t)stack &&
            f->row[i].thread == (uint32_t)(by_thread ? thread : 0)) {
            ck_assert_ptr_eq(found, &none);
            found = &f->row[i];
        }
    return found;
}

static void compare_rows(const struct hak_flow *f, const struct hak_flow_query *q) {
    for (uint32_t p = 1; p <= PROCESSES; p++)
        for (int s = 0; s < STACKS; s++) {
            struct sums all = {0};
            for (int t = 0; t < THREADS; t++) {
                static const struct sums nothing;
                const struct sums *due =
                    is_unused(p) || (q->process && q->process != p) ? &nothing : &m.sums[p][t][s];
                if (q->by_thread)
                    same_sums(find_row(f, p, t, s, true), due, q);
                else
                    add_sums(&all, due);
            }
            if (!q->by_thread)
                same_sums(find_row(f, p, 0, s, false), &all, q);
        }
}

static void same_peak(const struct hak_flow_peak *got, const struct hak_flow_peak *due,
                      const struct hak_flow_query *q) {
    same_sum(&got->live, &due->live, "peak", q);
    ck_assert_uint_eq(got->id, due->id);
    ck_assert_uint_eq(got->ns, due->ns);
}

/* The rows at the peak are what a span up to it has. */
static void compare_peak(const struct hak_flow *f, const struct hak_flow_query *q) {
    uint64_t id = f->peak.id;
    struct hak_amount sum = {0};
    same_peak(&f->peak, &m.peak[0], q);
    for (uint32_t i = 0; i < f->processes; i++)
        same_peak(&f->process[i].peak, &m.peak[f->process[i].process], q);
    for (uint32_t i = 0; i < f->rows; i++)
        add(&sum, (int64_t)f->row[i].at_peak.blocks, f->row[i].at_peak.bytes);
    same_sum(&sum, &f->peak.live, "rows at the peak", q);
    if (!id || id <= q->from)
        return;
    run_model(q->from, id, q->process, BRIEF);
    for (uint32_t p = 1; p <= PROCESSES; p++)
        for (int s = 0; s < STACKS; s++) {
            struct sums all = {0};
            for (int t = 0; t < THREADS; t++)
                if (!q->by_thread && (!q->process || q->process == p))
                    add_sums(&all, &m.sums[p][t][s]);
            if (!q->by_thread)
                same_sum(&find_row(f, p, 0, s, false)->at_peak, &all.live, "at the peak", q);
        }
}

static void compare_steps(const struct hak_flow *f, const struct hak_flow_query *q) {
    struct hak_amount came = {0}, went = {0};
    uint64_t most = 0;
    for (uint32_t i = 0; i < f->steps; i++) {
        add(&came, (int64_t)f->step[i].came.blocks, f->step[i].came.bytes);
        add(&went, (int64_t)f->step[i].went.blocks, f->step[i].went.bytes);
        most = f->step[i].most_bytes > most ? f->step[i].most_bytes : most;
        ck_assert_uint_le(f->step[i].least_bytes, f->step[i].most_bytes);
        ck_assert_uint_le(f->step[i].end.bytes, f->step[i].most_bytes);
    }
    same_sum(&came, &f->came, "came in all steps", q);
    same_sum(&went, &f->went, "went in all steps", q);
    ck_assert_uint_eq(most, f->peak.live.bytes);
}

struct lives {
    struct hak_amount came, went, live, left, brief, before, inherited;
};
static struct lives lives;

static void add_life(void *context, const struct hak_flow_life *life) {
    (void)context;
    add(life->is_before      ? &lives.before
        : life->is_inherited ? &lives.inherited
                             : &lives.came,
        1, life->size);
    add(life->end_ns ? &lives.went : life->has_left ? &lives.left : &lives.live, 1, life->size);
    if (life->is_brief)
        add(&lives.brief, 1, life->size);
}

static void compare(uint64_t from, uint64_t to, uint32_t number, bool by_thread) {
    struct hak_flow_query q = {.from = from,
                               .to = to,
                               .process = number,
                               .by_thread = by_thread,
                               .brief_calls = BRIEF,
                               .steps = 1 + (uint32_t)draw(9),
                               .life = add_life};
    struct hak_flow flow;
    memset(&lives, 0, sizeof lives);
    must(hak_flow_read(r, &q, &flow));
    run_model(from, to ? to : capture.id, number, BRIEF);
    compare_rows(&flow, &q);
    same_sum(&flow.unknown, &m.unknown, "unknown", &q);
    ck_assert_uint_eq(lives.went.blocks, flow.went.blocks);
    ck_assert_uint_eq(lives.came.blocks, flow.came.blocks);
    ck_assert_uint_eq(lives.before.blocks, flow.before.blocks);
    ck_assert_uint_eq(lives.inherited.blocks, flow.inherited.blocks);
    ck_assert_uint_eq(lives.brief.bytes, flow.brief.bytes);
    ck_assert_uint_eq(lives.live.bytes, flow.live.bytes);
    ck_assert_uint_eq(lives.live.blocks, flow.live.blocks);
    ck_assert_uint_eq(lives.left.bytes, flow.left.bytes);
    compare_steps(&flow, &q);
    compare_peak(&flow, &q);
    hak_flow_free(&flow);
}

TEST(all_that_came_and_went_is_what_the_model_has, .until = 2) {
    begin_family(_i);
    for (uint32_t p = 0; p <= PROCESSES; p++) {
        compare(0, 0, p, false);
        compare(0, 0, p, true);
    }
}

TEST(any_two_events_will_do, .until = 2) {
    begin_family(_i);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t to = 1 + draw(capture.id), from = draw(3) ? draw(to) : 0;
        compare(from, draw(5) ? to : 0, (uint32_t)(draw(2) ? draw(PROCESSES + 1) : 0), draw(2));
    }
}

TEST(forks_and_ends_are_exact_at_their_events, .until = 2) {
    begin_family(_i);
    for (uint32_t p = 1; p <= PROCESSES; p++) {
        const uint64_t at[] = {process[p].fork, process[p].first, process[p].last};
        for (size_t i = 0; i < 3; i++)
            for (int off = -1; off <= 1; off++)
                if (at[i] > 1 && at[i] + (uint64_t)off < capture.id) {
                    compare(at[i] + (uint64_t)off, at[i] + 40 < capture.id ? at[i] + 40 : 0, 0,
                            true);
                    compare(0, at[i] + (uint64_t)off, 0, false);
                    compare(0, at[i] + (uint64_t)off, p, false);
                }
    }
}

RUN_TESTS(.seconds = 300, .tear_down = end_family)
