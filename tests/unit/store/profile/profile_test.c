/* The stored profile against a model that looks at every event, one after the other: random streams
 * of several processes that fork, threads, lost ends and births, reallocs, in chunks and
 * transactions of all sizes, some of which are taken back. */
#include "unit/store/capture.h"

#include "store/history/history.h"
#include "store/profile/profile.h"
#include "store/writer/inner.h"

#define EVENTS      6000
#define BASES       96
#define PROCESSES   12 /* rows 1.. */
#define THREADS     40
#define STACKS      9
#define ROWS_MAX    4000
#define BASE_OF(i)  (SLAB + 64 * (uint64_t)(i))
#define CLASS_AT(i) ((uint8_t)((i) % 7)) /* of the blocks there */

/* ---- the model ---------------------------------------------------------------------------------
 */

struct life {
    bool is_open, is_inherited;
    uint64_t size, birth;
    uint32_t thread, group, stack;
};

struct process {
    uint32_t parent;
    uint64_t fork_event;
    bool has_begun;
    struct life life[BASES], at_fork[BASES];
    uint64_t live, peak, peak_event, unknown, live_at_fork;
};

static struct model {
    struct process process[PROCESSES + 1];
    uint64_t last_birth[THREADS + 1];
    struct hak_heap_row row[ROWS_MAX];
    uint32_t rows;
    uint64_t live, peak, peak_event; /* of all together */
    struct hak_heap_row at_peak[ROWS_MAX];
    uint32_t peak_rows;
} model;

static struct history {
    struct hak_event event[EVENTS + 1];
    uint64_t events;
    struct {
        uint32_t parent;
        uint64_t fork_event;
        uint64_t begin; /* events before it */
    } process[PROCESSES + 1];
    uint32_t processes;
    uint32_t process_of[THREADS + 1], number_of[THREADS + 1], threads;
} history;

static struct hak_heap_row *model_row(uint32_t process, const struct life *l) {
    for (uint32_t i = 0; i < model.rows; i++) {
        struct hak_heap_row *r = &model.row[i];
        if (r->process == process && r->group == l->group && r->stack == l->stack)
            return r;
    }
    ck_assert_uint_lt(model.rows, ROWS_MAX);
    model.row[model.rows] =
        (struct hak_heap_row){.process = process, .group = l->group, .stack = l->stack};
    return &model.row[model.rows++];
}

static void model_change(uint32_t process, const struct life *l, int64_t blocks, int64_t bytes,
                         bool is_span, bool is_brief) {
    struct hak_heap_row *r = model_row(process, l);
    bool is_gain = blocks > 0 || (blocks == 0 && bytes > 0);
    struct hak_amount *sum = is_gain ? &r->came : &r->went;
    hak_amount_add(&r->live, (struct hak_amount){(uint64_t)blocks, (uint64_t)bytes});
    model.process[process].live += (uint64_t)bytes;
    model.live += (uint64_t)bytes;
    if (!is_span)
        return;
    sum->blocks += (uint64_t)(is_gain ? blocks : -blocks);
    sum->bytes += (uint64_t)(is_gain ? bytes : -bytes);
    if (is_brief) {
        r->brief.blocks++;
        r->brief.bytes += l->size;
    }
}

static void model_peak(struct process *p, uint64_t id, bool is_span) {
    if (is_span && model.live > model.peak) {
        model.peak = model.live;
        model.peak_event = id;
        memcpy(model.at_peak, model.row, model.rows * sizeof *model.row);
        model.peak_rows = model.rows;
    }
    if (is_span && p->live > p->peak) {
        p->peak = p->live;
        p->peak_event = id;
    }
}

static void model_begin(uint32_t row, uint64_t id, bool is_span) {
    struct process *p = &model.process[row];
    if (p->has_begun)
        return;
    p->has_begun = true;
    struct process *parent = &model.process[p->parent];
    bool is_known = p->fork_event != 0;
    for (uint32_t b = 0; b < BASES && p->parent; b++) {
        struct life *l = is_known ? &p->at_fork[b] : &parent->life[b];
        if (!l->is_open)
            continue;
        p->life[b] = *l;
        p->life[b].is_inherited = true;
        struct hak_heap_row *r = model_row(row, l);
        r->live.blocks++;
        r->live.bytes += l->size;
        p->live += l->size;
        model.live += l->size;
        if (is_span) {
            r->inherited.blocks++;
            r->inherited.bytes += l->size;
        }
    }
    model_peak(p, id, is_span);
}

static void model_event(const struct hak_event *e, bool is_span) {
    struct process *p = &model.process[e->process];
    model_begin(e->process, e->id, is_span);
    if (e->kind == HAK_FORK) /* for all children that were forked there */
        for (uint32_t c = 1; c <= history.processes; c++)
            if (history.process[c].fork_event == e->id)
                memcpy(model.process[c].at_fork, p->life, sizeof p->life);
    if (e->kind > HAK_REALLOC_FROM || e->flags & HAK_RECORD_ILLEGAL || !e->base)
        return;
    struct life *l = &p->life[(e->base - SLAB) / 64];
    uint32_t number = history.number_of[e->thread];
    struct life born = {.is_open = true,
                        .size = e->size,
                        .birth = e->id,
                        .thread = e->thread,
                        .group = number < 64 ? number : 64,
                        .stack = e->stack};
    bool is_end = e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM;
    bool is_resize = e->kind == HAK_REALLOC && e->place == HAK_PLACE_LIVE;
    if (is_end && !l->is_open) {
        p->unknown += is_span;
    } else if (is_end) {
        bool is_brief = !l->is_inherited && l->thread && model.last_birth[l->thread] == l->birth;
        model_change(e->process, l, -1, -(int64_t)l->size, is_span, is_brief);
        l->is_open = false;
    } else if (is_resize && l->is_open) {
        if (e->size != l->size)
            model_change(e->process, l, 0, (int64_t)(e->size - l->size), is_span, false);
        l->size = e->size;
    } else if (is_resize) {
        born.thread = born.group = born.stack = 0;
        *l = born;
        model_change(e->process, l, 1, (int64_t)l->size, is_span, false);
    } else {
        if (l->is_open)
            model_change(e->process, l, -1, -(int64_t)l->size, is_span, false);
        *l = born;
        model.last_birth[e->thread] = e->id;
        model_change(e->process, l, 1, (int64_t)l->size, is_span, false);
    }
    model_peak(p, e->id, is_span);
}

static void model_run(uint64_t from, uint64_t to) {
    memset(&model, 0, sizeof model);
    for (uint32_t c = 1; c <= history.processes; c++) {
        model.process[c].parent = history.process[c].parent;
        model.process[c].fork_event = history.process[c].fork_event;
    }
    for (uint64_t id = 1; id <= to; id++) {
        model_event(&history.event[id], id > from);
        if (id != from)
            continue;
        for (uint32_t i = 0; i < model.rows; i++)
            model.row[i].before = model.row[i].live;
        for (uint32_t c = 1; c <= history.processes; c++)
            model.process[c].peak = model.process[c].live;
    }
}

/* ---- the stream --------------------------------------------------------------------------------
 */

static uint64_t seed;
static uint32_t draw(uint32_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 20) % below;
}

static void put_process(uint32_t row, uint32_t parent, uint64_t fork_event) {
    history.process[row].parent = parent;
    history.process[row].fork_event = fork_event;
    history.process[row].begin = history.events;
    history.processes = row;
    must(hak_store_put_process(capture.w, &(struct hak_process_row){.id = row,
                                                                    .parent = parent,
                                                                    .fork_event = fork_event,
                                                                    .pid = 4711 + (int32_t)row,
                                                                    .session = 1,
                                                                    .program = "/bin/app"}));
}

static void put_thread(uint32_t process, uint32_t number) {
    uint32_t row = ++history.threads;
    history.process_of[row] = process;
    history.number_of[row] = number;
    must(hak_store_put_thread(
        capture.w, &(struct hak_thread_row){.id = row, .process = process, .number = number}));
}

static bool has_events;      /* not only a profile of them */
static bool knows_forks;     /* all of them; else some are not seen */
static uint64_t begin_after; /* events of a log without a profile */

static void begin_capture(uint64_t run_events, uint64_t start) {
    memset(&history, 0, sizeof history);
    has_events = true;
    seed = start * 0x9e3779b97f4a7c15ull + 1;
    capture_start();
    hak_profile_set_limits(capture.w->profile, begin_after, run_events);
    put_process(1, 0, 0);
    put_thread(1, 1);
    put_thread(1, 2);
    put_thread(1, 70);
    put_thread(1, 71);
    capture_cut(); /* these rows stay */
}

static void put(struct hak_event e) {
    e.id = history.events + 1;
    e.ns = 1000 * e.id;
    e.address = e.base + 16;
    e.class_index = e.base ? CLASS_AT((e.base - SLAB) / 64) : 0;
    e.generation = 1ull << 32 | e.id;
    history.event[++history.events] = e;
    must(put_event(capture.w, &e));
}

/* Each second process has its events soon after its begin. */
static bool is_over(uint32_t process) {
    return process % 2 == 0 && history.events > history.process[process].begin + 900;
}

static void put_random(bool may_fork) {
    uint32_t thread = 1 + draw(history.threads);
    while (is_over(history.process_of[thread]))
        thread = 1 + draw(history.threads);
    uint32_t process = history.process_of[thread];
    uint32_t what = draw(100);
    struct hak_event e = {.process = process,
                          .thread = thread,
                          .stack = 1 + draw(STACKS),
                          .base = BASE_OF(draw(BASES)),
                          .size = draw(5) ? 1 + draw(200) : 0,
                          .place = HAK_PLACE_FRONT};
    const struct hak_event *last = &history.event[history.events];
    if (may_fork && draw(150) == 0 && history.processes < PROCESSES &&
        history.threads + 2 <= THREADS) {
        e.kind = HAK_FORK;
        put(e);
        bool is_known = knows_forks || draw(4) != 0;
        put_process(history.processes + 1, process, is_known ? history.events : 0);
        put_thread(history.processes, 1);
        if (draw(2))
            put_thread(history.processes, 2);
        return;
    }
    e.kind = what < 45   ? HAK_MALLOC
             : what < 85 ? HAK_FREE
             : what < 90 ? HAK_REALLOC
             : what < 93 ? HAK_REALLOC_FROM
             : what < 97 ? HAK_FRONT_SPILL
                         : HAK_THREAD_END;
    if (e.kind == HAK_REALLOC && draw(2))
        e.place = HAK_PLACE_LIVE;
    if (draw(40) == 0)
        e.flags = HAK_RECORD_ILLEGAL;
    if (draw(60) == 0)
        e.base = 0;
    if (e.kind == HAK_FREE && draw(2) && last->kind == HAK_MALLOC) { /* at once */
        e.base = last->base;
        e.process = last->process;
        e.thread = last->thread;
    }
    put(e);
}

/* ---- comparing ---------------------------------------------------------------------------------
 */

static void same_sum(const struct hak_amount *got, const struct hak_amount *due, const char *what,
                     uint64_t from, uint64_t to) {
    ck_assert_msg(got->blocks == due->blocks && got->bytes == due->bytes,
                  "%s of %lu..%lu: %lu blocks, %lu bytes, due are %lu, %lu", what, from, to,
                  got->blocks, got->bytes, due->blocks, due->bytes);
}

static void same_rows(const struct hak_heap *heap, uint64_t from, uint64_t to, uint32_t process) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < model.rows; i++) {
        const struct hak_heap_row *due = &model.row[i], *got = NULL;
        bool is_zero = !due->before.blocks && !due->before.bytes && !due->inherited.blocks &&
                       !due->came.blocks && !due->went.blocks && !due->came.bytes &&
                       !due->went.bytes;
        if (is_zero || (process && due->process != process))
            continue;
        for (uint32_t k = 0; k < heap->rows; k++)
            if (heap->row[k].process == due->process && heap->row[k].group == due->group &&
                heap->row[k].stack == due->stack)
                got = &heap->row[k];
        ck_assert_msg(got != NULL, "no row of process %u, group %u, stack %u in %lu..%lu",
                      due->process, due->group, due->stack, from, to);
        found++;
        same_sum(&got->before, &due->before, "before", from, to);
        same_sum(&got->inherited, &due->inherited, "inherited", from, to);
        same_sum(&got->came, &due->came, "came", from, to);
        same_sum(&got->went, &due->went, "went", from, to);
        same_sum(&got->brief, &due->brief, "brief", from, to);
        same_sum(&got->live, &due->live, "live", from, to);
    }
    ck_assert_uint_eq(found, heap->rows);
    for (uint32_t i = 1; i < heap->rows; i++)
        ck_assert(heap->row[i - 1].process < heap->row[i].process ||
                  heap->row[i - 1].group < heap->row[i].group ||
                  heap->row[i - 1].stack < heap->row[i].stack);
}

/* The store's bytes by size class are those of the model. */
static void same_classes(struct hak_store_reader *r, uint64_t to) {
    struct hak_heap heap;
    ck_assert_int_eq(hak_heap_read_classes(r, to, &heap), 1);
    ck_assert_int_eq(heap.has_classes, has_events);
    for (uint32_t i = 0; i < heap.processes && has_events; i++) {
        const struct process *p = &model.process[heap.process[i].process];
        struct hak_amount due[HAK_HEAP_CLASSES] = {0};
        for (uint32_t b = 0; b < BASES; b++) {
            due[CLASS_AT(b)].blocks += p->life[b].is_open;
            due[CLASS_AT(b)].bytes += p->life[b].is_open ? p->life[b].size : 0;
        }
        for (uint32_t k = 0; k < HAK_HEAP_CLASSES; k++)
            same_sum(&heap.process[i].class_live[k], &due[k], "a class", 0, to);
    }
    hak_heap_free(&heap);
}

/* True: the profile says of a span what the model does; false: it says nothing. */
static bool is_answered(struct hak_store_reader *r, uint64_t from, uint64_t to, uint32_t process) {
    struct hak_heap heap;
    int result = hak_heap_read(r, from, to, process, &heap);
    must(result);
    if (result == 0) {
        ck_assert_ptr_nonnull(heap.why_not);
        hak_heap_free(&heap);
        return false;
    }
    model_run(from, to);
    same_rows(&heap, from, to, process);
    for (uint32_t i = 0; i < heap.processes; i++) {
        const struct hak_heap_process *p = &heap.process[i];
        const struct process *due = &model.process[p->process];
        ck_assert(due->has_begun);
        ck_assert_uint_eq(p->live_bytes, due->live);
        ck_assert_uint_eq(p->peak_bytes, due->peak);
        ck_assert_uint_eq(p->peak_event, due->peak_event);
        ck_assert_uint_eq(p->unknown_ends, due->unknown);
    }
    hak_heap_free(&heap);
    if (!process)
        same_classes(r, to);
    return true;
}

/* Each second process has ended with its last event. */
static void end_processes(void) {
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(capture.path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    ck_assert_int_eq(
        sqlite3_exec(db, "UPDATE process SET end_kind = 1 WHERE id % 2 = 0", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
}

/* The peak of all processes is what all events say, and who has ended at `from` and `to`, too. */
static void same_span_peak(struct hak_store_reader *r, uint64_t from, uint64_t to) {
    struct hak_heap_peak peak;
    struct hak_flow flow;
    struct hak_lineup lineup;
    struct hak_heap heap;
    ck_assert_int_eq(hak_heap_find_peak(r, from, to, &peak), 1);
    must(hak_flow_read(r, &(struct hak_flow_query){.from = from, .to = to}, &flow));
    ck_assert_msg(peak.bytes == flow.peak.live.bytes && peak.event == flow.peak.id,
                  "peak of %lu..%lu: %lu bytes at %lu, due are %lu at %lu", from, to, peak.bytes,
                  peak.event, flow.peak.live.bytes, flow.peak.id);
    hak_flow_free(&flow);
    must(hak_lineup_read(r, 0, 0, &lineup));
    ck_assert_int_eq(hak_heap_read(r, from, to, 0, &heap), 1);
    for (uint32_t i = 0; i < heap.processes && lineup.processes > 1; i++) {
        const struct hak_heap_process *p = &heap.process[i];
        const struct hak_lineup_process *due =
            &lineup.process[hak_lineup_find(&lineup, p->process)];
        ck_assert_int_eq(p->has_ended, due->has_ended);
        ck_assert_int_eq(p->last_event < from, due->last_event < from);
        ck_assert_int_eq(p->last_event < to, due->last_event < to);
    }
    hak_heap_free(&heap);
    hak_lineup_free(&lineup);
}

/* The peaks of some spans, and of the whole. The blocks that were live at the begin of a span
 * follow from the events of parents, which need the FORK. */
static void compare_peaks(int times, bool has_forks) {
    struct hak_store_reader *r;
    uint32_t all = (uint32_t)history.events;
    end_processes();
    must(hak_store_open(capture.path, &r));
    same_span_peak(r, 0, all);
    for (int i = 0; i < times; i++) {
        uint32_t to = 1 + draw(all);
        same_span_peak(r, has_forks && draw(2) ? draw(to) : 0, to);
    }
    hak_store_close(r);
}

/* Some spans behind event `first`, and the whole; how many of them are answered. */
static int compare_spans(uint64_t first, int times) {
    struct hak_store_reader *r;
    must(hak_store_open(capture.path, &r));
    uint64_t all = history.events;
    int answered = is_answered(r, 0, all, 0);
    for (int i = 1; i < times; i++) {
        uint64_t to = first + draw((uint32_t)(all - first)) + 1, from = 0;
        if (draw(2))
            from = first + draw((uint32_t)(to - first));
        answered += is_answered(r, from, to, draw(3) ? 0 : 1 + draw(history.processes));
    }
    hak_store_close(r);
    return answered;
}

enum how { PLAIN, FORKING, TAKEN_BACK };

/* Events in chunks and transactions of all sizes; of those of one chunk some are taken back. */
static void put_stream(uint64_t events, enum how how) {
    static struct history committed;
    committed = history;
    while (history.events < events) {
        for (uint32_t chunk = 1 + draw(draw(5) ? 300 : 3); chunk; chunk--)
            if (history.events < events)
                put_random(how == FORKING);
        if (draw(3))
            must(put_end(capture.w));
        if (how != TAKEN_BACK && draw(2))
            continue;
        must(put_end(capture.w));
        if (how == TAKEN_BACK && draw(4) == 0) {
            must(hak_store_rollback(capture.w));
            history = committed;
        } else {
            must(hak_store_commit(capture.w));
            committed = history;
        }
        must(hak_store_begin(capture.w));
    }
}

static void begin(int i) {
    begin_capture(100 + 400 * (uint64_t)i, 77 + (uint64_t)i);
}

TEST(one_process, .until = 4) {
    begin(_i);
    put_stream(EVENTS, PLAIN);
    capture_finish();
    ck_assert_int_eq(compare_spans(0, 40), 40);
    compare_peaks(20, true);
}

/* New rows come with the ends of older blocks, among births and ends of one that is there. */
TEST(many_rows) {
    begin(3);
    for (uint32_t i = 0; i + 1 < BASES; i++) {
        put((struct hak_event){.kind = HAK_MALLOC,
                               .base = BASE_OF(i),
                               .size = 10 + i,
                               .process = 1,
                               .thread = 1,
                               .stack = 1 + i});
        if (i % 20 == 19)
            must(put_end(capture.w)); /* few rows in a chunk so far */
    }
    must(put_end(capture.w));
    for (uint32_t i = 0; i + 1 < BASES; i++) {
        struct hak_event e = {.kind = HAK_FREE, .base = BASE_OF(i), .process = 1, .thread = 1};
        struct hak_event other = {.kind = HAK_MALLOC,
                                  .base = BASE_OF(BASES - 1),
                                  .size = 3,
                                  .process = 1,
                                  .thread = 1,
                                  .stack = BASES};
        put(other);
        put(e);
        e.base = other.base;
        put(e);
        other.size = 5;
        put(other);
        put(e);
    }
    must(put_end(capture.w));
    capture_finish();
    ck_assert_int_eq(compare_spans(0, 40), 40);
}

TEST(forks, .until = 4) {
    begin(_i);
    knows_forks = _i % 2;
    put_stream(EVENTS, FORKING);
    ck_assert_uint_gt(history.processes, 6);
    capture_finish();
    ck_assert_int_eq(compare_spans(0, 40), 40);
    compare_peaks(20, knows_forks);
}

TEST(taken_back, .until = 3) {
    begin(_i);
    put_stream(EVENTS, TAKEN_BACK);
    capture_finish();
    ck_assert_int_eq(compare_spans(0, 40), 40);
}

/* A fork cannot be taken back: all is gathered anew. */
TEST(taken_back_with_fork) {
    begin(1);
    put_stream(EVENTS / 3, PLAIN);
    capture_cut();
    static struct history before;
    before = history;
    put((struct hak_event){.kind = HAK_FORK, .process = 1, .thread = 1});
    must(put_end(capture.w));
    must(hak_store_rollback(capture.w));
    history = before;
    must(hak_store_begin(capture.w));
    put_stream(EVENTS, FORKING);
    capture_finish();
    ck_assert_int_eq(compare_spans(0, 20), 20);
}

/* A log that was short for a while, and one that another worker goes on with: read back. */
TEST(begins_late, .until = 2) {
    begin_after = EVENTS / 3;
    begin(_i);
    put_stream(EVENTS / 3 - 400, FORKING);
    capture_cut();
    ck_assert_int_eq(compare_spans(0, 5), 0);
    put_stream(EVENTS / 2, FORKING);
    if (_i == 1) {
        capture_commit();
        must(hak_store_finish(capture.w));
        must(hak_store_resume(capture.path, &capture.w));
        hak_profile_set_limits(capture.w->profile, begin_after, 500);
        must(hak_store_begin(capture.w));
    }
    put_stream(EVENTS, FORKING);
    capture_finish();
    ck_assert_int_eq(compare_spans(0, 20), 20);
    capture_clean(capture.path);
    begin_after = 0;
}

TEST(being_written, .until = 2) {
    begin(_i);
    for (uint64_t events = 500; events <= EVENTS; events += 500) {
        put_stream(events, FORKING);
        capture_cut();
        ck_assert_int_eq(compare_spans(0, 5), 5);
    }
    capture_finish();
}

/* The oldest chunks went while it was written: what was alive then is known all the same. */
TEST(trimmed, .until = 3) {
    uint64_t dropped = 0, all = 0;
    begin(_i);
    for (uint64_t events = 1000; events <= EVENTS; events += 1000) {
        put_stream(events, PLAIN);
        capture_commit();
        must(hak_store_trim(capture.w, 1, &dropped)); /* all but the newest chunk */
        all += dropped;
        must(hak_store_begin(capture.w));
    }
    capture_finish();
    ck_assert_uint_gt(all, EVENTS / 2);
    struct hak_store_reader *r;
    must(hak_store_open(capture.path, &r));
    ck_assert(is_answered(r, 0, EVENTS, 0));
    ck_assert(!is_answered(r, 0, 150, 0));
    hak_store_close(r);
}

/* ---- nothing but the profile -------------------------------------------------------------------
 */

/* Blocks that were live at the peak of all processes together. */
static void same_peak(struct hak_store_reader *r, uint64_t to) {
    struct hak_heap_peak peak;
    struct hak_heap heap;
    uint32_t found = 0;
    model_run(0, to);
    ck_assert_int_eq(hak_heap_read_peak(r, &peak, &heap), 1);
    ck_assert_uint_eq(peak.bytes, model.peak);
    ck_assert_uint_eq(peak.event, model.peak_event);
    ck_assert_uint_eq(peak.ns, 1000 * peak.event);
    for (uint32_t i = 0; i < model.peak_rows; i++) {
        const struct hak_heap_row *due = &model.at_peak[i], *got = NULL;
        if (!due->live.blocks && !due->live.bytes)
            continue;
        for (uint32_t k = 0; k < heap.rows; k++)
            if (heap.row[k].process == due->process && heap.row[k].group == due->group &&
                heap.row[k].stack == due->stack)
                got = &heap.row[k];
        ck_assert_ptr_nonnull(got);
        same_sum(&got->live, &due->live, "live at the peak", 0, to);
        found++;
    }
    ck_assert_uint_eq(found, heap.rows);
    hak_heap_free(&heap);
}

/* All runs, and spans from one to another: the moments that can be asked. */
static void compare_ends(int times) {
    struct hak_store_reader *r;
    struct hak_heap_steps steps;
    must(hak_store_open(capture.path, &r));
    must(hak_heap_read_steps(r, 0, 0, 0, &steps));
    ck_assert_uint_gt(steps.steps, 3);
    uint64_t last = steps.step[steps.steps - 1].last;
    same_peak(r, last);
    for (uint32_t i = 0; i < steps.steps; i++) {
        ck_assert_uint_eq(steps.step[i].first, i ? steps.step[i - 1].last + 1 : 1);
        ck_assert(is_answered(r, 0, steps.step[i].last, 0));
        ck_assert_uint_eq(steps.step[i].live.bytes, model.live);
        ck_assert_uint_eq(steps.step[i].from_ns, 1000 * steps.step[i].first);
        ck_assert_uint_eq(steps.step[i].to_ns, 1000 * steps.step[i].last);
    }
    for (int i = 0; i < times; i++) {
        uint32_t to = 1 + draw(steps.steps - 1), from = draw(to);
        ck_assert(is_answered(r, steps.step[from].last, steps.step[to].last,
                              draw(3) ? 0 : 1 + draw(history.processes)));
    }
    ck_assert(!is_answered(r, 0, steps.step[0].last - 1, 0));
    struct hak_event e;
    ck_assert_int_eq(hak_store_event(r, 1, &e), HAK_STORE_NO_EVENTS);
    hak_heap_free_steps(&steps);
    hak_store_close(r);
}

static void begin_alone(int i) {
    begin_capture(0, 77 + (uint64_t)i);
    must(hak_store_keep_profile_only(capture.w));
    has_events = false;
    hak_profile_set_limits(capture.w->profile, 0, 40 + 400 * (uint64_t)i);
    capture_cut();
}

TEST(alone, .until = 4) {
    begin_alone(_i);
    put_stream(EVENTS, _i == 3 ? TAKEN_BACK : FORKING);
    capture_finish();
    compare_ends(20);
}

TEST(alone_being_written) {
    begin_alone(0);
    for (uint64_t events = 1000; events <= EVENTS; events += 1000) {
        put_stream(events, FORKING);
        capture_cut();
    }
    struct hak_store_reader *r;
    struct hak_heap_steps steps;
    must(hak_store_open(capture.path, &r));
    must(hak_heap_read_steps(r, 0, 0, 0, &steps));
    ck_assert_uint_gt(steps.steps, 3);
    ck_assert(is_answered(r, 0, steps.step[steps.steps - 1].last, 0));
    hak_heap_free_steps(&steps);
    hak_store_close(r);
    capture_finish();
}

/* A worker that is ended takes with it what was live: what comes is lost, and counted by who put
 * it.
 */
TEST(alone_taken_over) {
    begin_alone(0);
    put_stream(EVENTS / 2, FORKING);
    capture_commit();
    must(hak_store_finish(capture.w));
    must(hak_store_resume(capture.path, &capture.w));
    must(hak_store_begin(capture.w));
    ck_assert(!hak_store_profile_is_over(capture.w));
    put_random(false);
    ck_assert_int_lt(put_end(capture.w), 0);
    ck_assert(hak_store_profile_is_over(capture.w));
    must(hak_store_rollback(capture.w));
    must(hak_store_finish(capture.w));
    capture.w = NULL;
    compare_ends(3);
}

RUN_TESTS(.seconds = 300, .tear_down = capture_end)
