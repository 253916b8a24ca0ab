/* Live blocks at a moment: the runs of states, the events behind them, and both together give what
 * a plain walk over all events gives, whatever happened between. */
#include "../capture.h"
#include "store/history/alive.h"
#include "store/live/part.h"
#include "store/writer/inner.h"
#include "store/sql/sql.h"

enum { USED = 300, EVENTS = 6000, PROCESSES = 4, MOMENTS = 24, RUN_EVENTS = 300, RUNS = 3 };

static struct hak_store_reader *r;
static struct hak_event log_of[EVENTS + 100]; /* what was put, by id - 1 */
static uint64_t random_state;
static uint32_t parent_of[PROCESSES + 1];
static uint64_t fork_ns[PROCESSES + 1];
static bool is_fork_unknown; /* rows of processes do not say which event it was */
static bool is_disordered;   /* some events come before those that their blocks had first */
static struct block {
    uint32_t n;
    bool is_live;
} block[PROCESSES + 1][USED];

static uint64_t draw(uint64_t below) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (random_state >> 33) % below;
}

static void start(void) {
    capture_start();
    hak_live_set_limits(capture.w->live, 0, RUN_EVENTS, RUNS);
    memset(block, 0, sizeof block);
    memset(parent_of, 0, sizeof parent_of);
    random_state = 7;
    memset(fork_ns, 0, sizeof fork_ns);
    is_disordered = is_fork_unknown = false;
    r = NULL;
}
static void stop(void) {
    if (r)
        hak_store_close(r);
    capture_end();
}
static void open_it(void) {
    if (capture.w)
        capture_finish();
    if (!r)
        must(hak_store_open(capture.path, &r));
}

static void put(struct hak_event e) {
    ck_assert_uint_lt(capture.id, EVENTS + 100);
    e.id = capture.id + 1;
    e.ns = capture.ns + 1000;
    log_of[capture.id] = e;
    capture_put(e);
}

static struct hak_event event_of(uint32_t process, int i, uint8_t kind, uint8_t place) {
    return (struct hak_event){.base = BLOCK(i),
                              .address = BLOCK(i) + 16,
                              .size = 1 + draw(40),
                              .generation = (uint64_t)1 << 32 | ++block[process][i].n,
                              .process = process,
                              .thread = 1 + (uint32_t)draw(4),
                              .stack = 1 + (uint32_t)draw(99),
                              .kind = kind,
                              .class_index = CLASS_48,
                              .place = place};
}

/* The next event of a block: what a program may do with it, and some of what it may not. */
static struct hak_event step(uint32_t process, int i) {
    struct block *b = &block[process][i];
    unsigned what = (unsigned)draw(20);
    if (what == 0) { /* not allowed: begins and ends nothing */
        struct hak_event e = event_of(process, i, HAK_FREE, HAK_PLACE_FRONT);
        e.flags = HAK_RECORD_ILLEGAL;
        return e;
    }
    if (what < 4 && b->is_live)
        return event_of(process, i, HAK_REALLOC, HAK_PLACE_LIVE);
    if (what < 6)
        return event_of(process, i, HAK_FRONT_SPILL, HAK_PLACE_SLAB);
    b->is_live = !b->is_live;
    if (b->is_live)
        return event_of(process, i, what < 8 ? HAK_REALLOC : HAK_MALLOC, HAK_PLACE_FRONT);
    return event_of(process, i, what < 8 ? HAK_REALLOC_FROM : HAK_FREE, HAK_PLACE_FRONT);
}

static void fork_off(uint32_t parent, uint32_t child) {
    put((struct hak_event){.process = parent, .thread = 1, .kind = HAK_FORK, .size = 1});
    memcpy(block[child], block[parent], sizeof block[child]);
    parent_of[child] = parent;
    fork_ns[child] = capture.ns;
    must(hak_store_put_process(
        capture.w, &(struct hak_process_row){.id = child,
                                             .parent = parent,
                                             .fork_event = is_fork_unknown ? 0 : capture.id,
                                             .start_ns = capture.ns,
                                             .session = 1,
                                             .program = "/bin/app"}));
}

/* A story of many small chunks. `some` events of it. */
static void tell_story(int some, uint32_t processes) {
    for (int i = 0; i < some; i++) {
        uint32_t process = 1 + (uint32_t)draw(processes);
        /* Most work is on few blocks, as a program does it: others stay. */
        int at = draw(4) ? (int)draw(USED / 10) : (int)draw(USED);
        struct hak_event e = step(process, at);
        if (is_disordered && draw(12) == 0) {
            struct hak_event early = step(process, at);
            put(early);
            capture_cut();
            i++;
            for (int others = (int)draw(4); others; others--, i++)
                put(step(process, (at + others) % USED));
        }
        put(e);
        if (draw(25) == 0)
            capture_cut();
    }
}

static void tell_forked_story(void) {
    for (int i = 0; i < USED / 10; i++) { /* they were there before the recording began */
        block[1][i].n = 5;
        block[1][i].is_live = true;
    }
    tell_story(EVENTS / 4, 1);
    fork_off(1, 2);
    tell_story(EVENTS / 4, 2);
    fork_off(2, 3);
    must(hak_store_put_process(capture.w,
                               &(struct hak_process_row){.id = 4, /* executed: nothing stays */
                                                         .parent = 3,
                                                         .start_ns = capture.ns,
                                                         .session = 2,
                                                         .program = "/bin/other"}));
    tell_story(EVENTS / 2, 4);
}

/* ---- the plain walk ----------------------------------------------------------------------------
 */

static bool is_of(uint32_t process, const struct hak_event *e) {
    uint64_t until = UINT64_MAX;
    for (uint32_t p = process; p; p = parent_of[p]) {
        if (e->process == p)
            return e->ns <= until;
        until = fork_ns[p] < until ? fork_ns[p] : until;
    }
    return false;
}

static int model(const struct hak_live_moment *m, uint64_t first, struct hak_live_block *out) {
    static struct hak_event of_block[EVENTS];
    int count = 0;
    for (int i = 0; i < USED; i++) {
        int events = 0;
        for (uint64_t k = first - 1; k < capture.id; k++)
            if (log_of[k].base == BLOCK(i) && is_of(m->process, &log_of[k]) &&
                (!m->id || log_of[k].id <= m->id) && (!m->ns || log_of[k].ns <= m->ns))
                of_block[events++] = log_of[k];
        struct hak_live_block b = {0};
        for (int k = 0; k < events; k++) {
            const struct hak_event *e = &of_block[k];
            if (!hak_event_is_call(e) || e->flags & HAK_RECORD_ILLEGAL)
                continue;
            if (e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM) {
                b.base = 0;
                continue;
            }
            if (e->kind == HAK_MALLOC || e->place != HAK_PLACE_LIVE)
                b = (struct hak_live_block){
                    .birth = e->id, .ns = e->ns, .stack = e->stack, .thread = e->thread};
            else if (!b.base)
                b = (struct hak_live_block){0};
            b.base = e->base;
            b.user = e->address;
            b.size = e->size;
            b.process = m->process;
            b.class_index = e->class_index;
        }
        if (b.base)
            out[count++] = b;
    }
    return count;
}

static int read_live(const struct hak_live_moment *m, struct hak_live_block *out, int room,
                     uint64_t *chunks) {
    struct hak_live *live;
    int count = 0, found;
    must(hak_live_open(r, m, &live));
    while (count < room && (found = hak_live_next(live, &out[count])) == 1)
        count++;
    must(found);
    *chunks = hak_live_chunks(live);
    hak_live_close(live);
    return count;
}

static void same(const struct hak_live_block *a, int count_a, const struct hak_live_block *b,
                 int count_b, const char *what, const struct hak_live_moment *m) {
    ck_assert_msg(count_a == count_b, "%s: %d blocks, due %d (process %u, event %lu, ns %lu)", what,
                  count_b, count_a, m->process, (unsigned long)m->id, (unsigned long)m->ns);
    for (int i = 0; i < count_a; i++)
        ck_assert_msg(a[i].base == b[i].base && a[i].user == b[i].user && a[i].size == b[i].size &&
                          a[i].birth == b[i].birth && a[i].ns == b[i].ns &&
                          a[i].process == b[i].process && a[i].stack == b[i].stack &&
                          a[i].thread == b[i].thread && a[i].class_index == b[i].class_index,
                      "%s: block %d (0x%lx, born by %lu, %lu bytes; due 0x%lx, born by %lu, %lu "
                      "bytes; process %u, event %lu, ns %lu)",
                      what, i, (unsigned long)b[i].base, (unsigned long)b[i].birth,
                      (unsigned long)b[i].size, (unsigned long)a[i].base, (unsigned long)a[i].birth,
                      (unsigned long)a[i].size, m->process, (unsigned long)m->id,
                      (unsigned long)m->ns);
}

/* Both ways agree with the walk at many moments; `first`: the oldest event that is there. */
static void compare_at_moments(uint64_t first, uint32_t processes) {
    static struct hak_live_block due[USED + 1], got[USED + 1];
    open_it();
    for (int i = 0; i < MOMENTS; i++) {
        struct hak_live_moment m = {.process = 1 + (uint32_t)draw(processes)};
        uint64_t chunks, all_chunks;
        if (i % 2)
            m.id = first + draw(capture.id - first + 1);
        if (i % 3)
            m.ns = (first + draw(capture.id - first + 1)) * 1000;
        int count = model(&m, first, due);
        same(due, count, got, read_live(&m, got, USED + 1, &chunks), "with runs", &m);
        m.by_scan = true;
        same(due, count, got, read_live(&m, got, USED + 1, &all_chunks), "by scan", &m);
        ck_assert_uint_le(chunks, all_chunks);
        if (i % 12) /* it takes long */
            continue;
        m.states = 8; /* most goes at once: ended lives, then half of the blocks, again and again */
        same(due, count, got, read_live(&m, got, USED + 1, &all_chunks), "by scan in goes", &m);
        m.by_scan = false;
        same(due, count, got, read_live(&m, got, USED + 1, &all_chunks), "with runs in goes", &m);
    }
}

static uint64_t number(const char *sql) {
    open_it();
    int64_t value = number_of(hak_store_database(r)->connection, sql);
    ck_assert_int_ge(value, 0);
    return (uint64_t)value;
}

TEST(runs_give_what_a_walk_over_all_events_gives) {
    tell_forked_story();
    compare_at_moments(1, PROCESSES);
    ck_assert_uint_gt(number("SELECT count(*) FROM live_run WHERE level = 0"), 8);
    ck_assert_uint_gt(number("SELECT count(*) FROM live_run WHERE level = 2 AND is_last"), 0);
}

TEST(at_the_end_few_chunks_are_opened) {
    static struct hak_live_block got[USED + 1];
    uint64_t chunks, all;
    tell_story(EVENTS, 1);
    open_it();
    struct hak_live_moment m = {.process = 1};
    read_live(&m, got, USED + 1, &chunks);
    m.by_scan = true;
    read_live(&m, got, USED + 1, &all);
    ck_assert_uint_lt(chunks * 8, all);
}

/* So many events that are rolled back. */
static void take_back(int events) {
    struct block kept[USED];
    memcpy(kept, block[1], sizeof kept);
    uint64_t id = capture.id, ns = capture.ns;
    for (int k = 0; k < events; k++)
        put(step(1, (int)draw(USED)));
    must(put_end(capture.w));
    must(hak_store_rollback(capture.w));
    ck_assert_uint_eq(hak_store_last_event(capture.w), id);
    capture.id = id;
    capture.ns = ns;
    memcpy(block[1], kept, sizeof kept);
    must(hak_store_begin(capture.w));
}

#define RUNS_WITH_HOLES                                                                            \
    "SELECT count(*) FROM live_run a WHERE level = 0 AND is_last AND first_event > 1 AND NOT "     \
    "EXISTS"                                                                                       \
    " (SELECT 1 FROM live_run b WHERE b.level = 0 AND b.is_last AND b.last_event + 1 = "           \
    "a.first_event)"

TEST(a_short_log_has_no_runs) {
    hak_live_set_limits(capture.w->live, EVENTS + 100, RUN_EVENTS, RUNS);
    tell_forked_story();
    compare_at_moments(1, PROCESSES);
    ck_assert_uint_eq(number("SELECT count(*) FROM live_run"), 0);
}

TEST(a_log_that_grows_long_gets_all_its_runs) {
    hak_live_set_limits(capture.w->live, EVENTS / 10, RUN_EVENTS, RUNS);
    tell_forked_story();
    compare_at_moments(1, PROCESSES);
    ck_assert_uint_eq(number("SELECT min(first_event) FROM live_run"), 1);
    ck_assert_uint_gt(number("SELECT max(last_event) FROM live_run"), EVENTS - 2 * RUN_EVENTS);
    ck_assert_uint_gt(number("SELECT count(*) FROM live_run WHERE level = 2 AND is_last"), 0);
    ck_assert_uint_eq(number(RUNS_WITH_HOLES), 0);
}

/* Some of what is made up for is taken back with the transaction it was in, and made up again. */
TEST(what_is_made_up_for_and_taken_back_comes_again) {
    hak_live_set_limits(capture.w->live, EVENTS / 6, RUN_EVENTS, RUNS);
    tell_story(EVENTS / 6 - 200, 1);
    capture_cut();
    for (int i = 0; i < 5;
         i++) { /* a run of 300 and more is done in between, and some of the next */
        tell_story(700, 1);
        capture_cut();
        take_back(150);
    }
    compare_at_moments(1, 1);
    ck_assert_uint_gt(number("SELECT count(*) FROM live_run WHERE level = 0"), 4);
    ck_assert_uint_eq(number(RUNS_WITH_HOLES), 0);
}

static int compare_blocks(const void *a, const void *b) {
    const struct hak_live_block *x = a, *y = b;
    if (x->process != y->process)
        return x->process < y->process ? -1 : 1;
    return (x->base > y->base) - (x->base < y->base);
}

/* All processes at some moments, in one go and in several, as if one after the other was asked for.
 */
static void compare_all_processes(void) {
    static struct hak_live_block due[PROCESSES * USED], got[PROCESSES * USED + 1];
    open_it();
    for (int i = 0; i < MOMENTS / 3; i++) {
        uint64_t chunks;
        int count = 0;
        struct hak_live_moment m = {.id = i % 2 ? 1 + draw(capture.id) : 0,
                                    .ns = i % 3 ? (1 + draw(capture.id)) * 1000 : 0};
        for (uint32_t p = 1; p <= PROCESSES; p++) {
            struct hak_live_moment of_one = m;
            of_one.process = p;
            if ((!m.ns || fork_ns[p] <= m.ns) &&
                (!m.id || is_fork_unknown || fork_ns[p] / 1000 <= m.id))
                count += model(&of_one, 1, due + count);
        }
        for (int way = 0; way < 4; way++) {
            m.by_scan = way % 2;
            m.states = way < 2 ? 0 : 200;
            int found = read_live(&m, got, PROCESSES * USED + 1, &chunks);
            qsort(got, (size_t)found, sizeof *got, compare_blocks);
            same(due, count, got, found, "all", &m);
        }
    }
}

TEST(every_process_is_told_when_none_is_asked_for) {
    tell_forked_story();
    compare_all_processes();
}

TEST(every_process_is_told_from_a_log_without_runs) {
    hak_live_set_limits(capture.w->live, EVENTS + 100, RUN_EVENTS, RUNS);
    tell_forked_story();
    compare_all_processes();
}

/* The event of its FORK was never seen: the parent's events count up to the child's first moment.
 */
TEST(a_child_without_a_known_fork_is_told_among_all) {
    hak_live_set_limits(capture.w->live, EVENTS + 100, RUN_EVENTS, RUNS);
    is_fork_unknown = true;
    tell_forked_story();
    compare_all_processes();
}

/* Children of a parent with a long log: it is read once, not once for each. */
TEST(the_events_are_read_once_for_many_children) {
    static struct hak_live_block got[PROCESSES * USED + 1];
    uint64_t chunks, of_parent;
    hak_live_set_limits(capture.w->live, EVENTS + 100, RUN_EVENTS, RUNS);
    tell_story(EVENTS * 2 / 3, 1);
    for (uint32_t child = 2; child <= PROCESSES; child++) {
        tell_story(100, 1);
        fork_off(1, child);
    }
    open_it();
    struct hak_live_moment m = {.process = 1};
    read_live(&m, got, USED + 1, &of_parent);
    m.process = 0;
    ck_assert_int_gt(read_live(&m, got, PROCESSES * USED + 1, &chunks), USED / 4 * PROCESSES);
    ck_assert_uint_le(chunks, of_parent + 4);
}

static bool is_second(void *context, uint32_t process) {
    ++*(int *)context;
    return process == 2;
}

TEST(only_the_processes_that_are_wanted_are_told) {
    static struct hak_live_block due[USED + 1], got[USED + 1];
    int asked = 0;
    uint64_t chunks;
    tell_forked_story();
    open_it();
    struct hak_live_moment m = {.process = 2};
    int count = read_live(&m, due, USED + 1, &chunks);
    m = (struct hak_live_moment){.wants = is_second, .context = &asked};
    same(due, count, got, read_live(&m, got, USED + 1, &chunks), "wanted", &m);
    ck_assert_int_eq(asked, PROCESSES);
}

/* Ends that were lost: then an end of a life that began and ended in a run matters, too. Births
 * that were lost: the next life has none. */
TEST(a_loss_changes_no_answer) {
    tell_story(EVENTS / 4, 1);
    uint64_t from_ns = capture.ns;
    for (int i = 0; i < USED;
         i++) { /* not told: all are given back, some of the others handed out */
        bool was_live = block[1][i].is_live;
        block[1][i].is_live = !was_live && i % 2;
        block[1][i].n += was_live || i % 2;
    }
    tell_story(EVENTS / 8, 1); /* nobody knows of the loss yet */
    must(hak_store_put_loss(
        capture.w,
        &(struct hak_loss_row){
            .process = 1, .from_ns = from_ns, .to_ns = capture.ns, .count = 9, .reason = "full"}));
    tell_story(EVENTS / 2, 1);
    compare_at_moments(1, 1);
    compare_all_processes();
    ck_assert_uint_gt(number("SELECT count(*) FROM live_run WHERE has_all_ends"), 3);
}

/* Its first life is in a run, its end was lost, a second one began and ended in the events behind.
 */
TEST(an_end_behind_a_loss_is_kept_when_room_is_made) {
    static struct hak_live_block due[USED + 1], got[USED + 1];
    uint64_t chunks;
    put(event_of(1, 0, HAK_MALLOC, HAK_PLACE_FRONT));
    for (int i = 0; i < RUN_EVENTS; i++) {
        put(event_of(1, 1, i % 2 ? HAK_FREE : HAK_MALLOC, HAK_PLACE_FRONT));
        if (i % 20 == 0)
            capture_cut();
    }
    capture_cut();
    must(hak_store_put_loss(capture.w, &(struct hak_loss_row){.process = 1,
                                                              .from_ns = capture.ns + 1,
                                                              .to_ns = capture.ns + 9,
                                                              .count = 1,
                                                              .reason = "full"}));
    block[1][0].n++; /* the end that is not told */
    put(event_of(1, 0, HAK_MALLOC, HAK_PLACE_FRONT));
    put(event_of(1, 0, HAK_FREE, HAK_PLACE_FRONT));
    for (int i = 0; i < 60; i++) {
        put(event_of(1, 2 + i, HAK_MALLOC, HAK_PLACE_FRONT));
        capture_cut();
    }
    open_it();
    struct hak_live_moment m = {.process = 1, .states = 8};
    int count = model(&m, 1, due);
    ck_assert_uint_eq(number("SELECT count(*) FROM live_run"), 1);
    same(due, count, got, read_live(&m, got, USED + 1, &chunks), "with a run", &m);
    m.by_scan = true;
    same(due, count, got, read_live(&m, got, USED + 1, &chunks), "by scan", &m);
}

/* They are counted, and taken as they come; an end that came late ends what is alive. */
TEST(events_against_the_order_are_taken_as_they_come) {
    is_disordered = true;
    tell_forked_story();
    compare_at_moments(1, PROCESSES);
    ck_assert_uint_gt(number("SELECT value FROM meta WHERE key = 'disordered_events'"), 99);
    ck_assert_uint_gt(number("SELECT count(*) FROM live_run"), 8);
}

TEST(what_is_taken_back_is_in_no_run) {
    for (int i = 0; i < 12; i++) {
        tell_story(200, 1);
        capture_cut();
        take_back(70 * (i % 4));
    }
    compare_at_moments(1, 1);
}

TEST(a_worker_that_goes_on_goes_on_with_the_runs) {
    for (int i = 0; i < 9; i++) {
        tell_story(EVENTS / 10, 1);
        must(hak_store_commit(capture.w));
        must(hak_store_finish(capture.w));
        must(hak_store_resume(capture.path, &capture.w));
        hak_live_set_limits(capture.w->live, 0, RUN_EVENTS, RUNS);
        must(hak_store_begin(capture.w));
    }
    compare_at_moments(1, 1);
    ck_assert_uint_gt(number("SELECT count(*) FROM live_run WHERE level = 0"), 8);
    ck_assert_uint_eq(number(RUNS_WITH_HOLES), 0);
}

TEST(runs_that_speak_of_trimmed_events_go_with_them) {
    uint64_t dropped;
    tell_story(EVENTS * 3 / 4, 1);
    must(hak_store_commit(capture.w));
    must(hak_store_trim(capture.w, 100, &dropped));
    ck_assert_uint_gt(dropped, 0);
    must(hak_store_begin(capture.w));
    tell_story(EVENTS / 4, 1);
    compare_at_moments(dropped + 1, 1);
    ck_assert_uint_eq(number("SELECT count(*) FROM live_run WHERE first_event < (SELECT min(id)"
                             " FROM chunk)"),
                      0);
    ck_assert_uint_gt(number("SELECT count(*) FROM live_run"), 0);
}

/* More blocks than a reader holds at once: it reads the events in several goes. QUICK=1: fewer, and
 * one that holds fewer. */
TEST(more_blocks_than_memory_holds_come_in_order) {
    const uint64_t many = is_quick() ? 150000 : 1200000;
    const uint32_t states = is_quick() ? 1 << 17 : 0;
    uint64_t base = 0x7f0000000000ull, before = 0;
    hak_live_set_limits(capture.w->live, 0, UINT64_MAX, RUNS);
    for (uint64_t i = 0; i < many; i++) {
        uint64_t at = base + (i * 7919 % many) * 64; /* `many` and 7919 have no factor in common */
        capture_put((struct hak_event){.base = at,
                                       .address = at,
                                       .size = 64,
                                       .generation = (uint64_t)1 << 32 | 1,
                                       .thread = 1,
                                       .kind = HAK_MALLOC,
                                       .class_index = CLASS_48,
                                       .place = HAK_PLACE_FRONT});
    }
    open_it();
    for (int by_scan = 0; by_scan < 2; by_scan++) {
        struct hak_live_moment m = {.process = 1, .by_scan = by_scan, .states = states};
        struct hak_live_block b;
        struct hak_live *live;
        uint64_t count = 0;
        must(hak_live_open(r, &m, &live));
        for (before = 0; hak_live_next(live, &b) == 1; before = b.base, count++)
            ck_assert_uint_gt(b.base, before);
        hak_live_close(live);
        ck_assert_uint_eq(count, many);
    }
}

static const char *const damages[] = {
    "UPDATE live_run SET data = substr(data, 1, 60) || x'00' || substr(data, 62)",
    "UPDATE live_run SET part = part + 1", /* the first part of each is not there */
};

/* Opens a store of EVENTS events that `sql` has changed. */
static void open_damaged(const char *sql) {
    tell_story(EVENTS, 1);
    capture_finish();
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(capture.path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_gt(sqlite3_changes(database), 0);
    sqlite3_close(database);
    open_it();
}

/* Reads all blocks and closes; returns what the reading ended with. */
static int read_to_end(struct hak_live *live) {
    struct hak_live_block got;
    int result;
    while ((result = hak_live_next(live, &got)) == 1)
        ;
    hak_live_close(live);
    return result;
}

TEST(a_broken_run_is_told, .until = 2) {
    open_damaged(damages[_i]);
    struct hak_live *live;
    int result = hak_live_open(r, &(struct hak_live_moment){.process = 1}, &live);
    if (result == 0)
        result = read_to_end(live);
    ck_assert_int_eq(result, HAK_STORE_BROKEN);
    ck_assert_ptr_nonnull(strstr(hak_store_message(), "live checkpoint of events 1 to "));
}

TEST(a_stretch_without_runs_and_chunks_is_told) {
    open_damaged("DELETE FROM live_run WHERE first_event = 1;"
                 "DELETE FROM chunk_order WHERE chunk < (SELECT min(first_event) FROM live_run);"
                 "DELETE FROM chunk WHERE id < (SELECT min(first_event) FROM live_run)");
    struct hak_live *live;
    must(hak_live_open(r, &(struct hak_live_moment){.process = 1}, &live));
    ck_assert_int_eq(read_to_end(live), HAK_STORE_BROKEN);
    ck_assert_ptr_nonnull(strstr(hak_store_message(), "chunk 1, row: it is missing"));
}

TEST(parts_come_back_as_they_were_and_damage_is_seen) {
    static struct hak_live_state states[HAK_LIVE_PART_STATES], back[HAK_LIVE_PART_STATES];
    struct hak_buffer out = {0};
    uint32_t count;
    for (uint32_t i = 0; i < HAK_LIVE_PART_STATES; i++) {
        struct hak_live_state *s = &states[i];
        *s = (struct hak_live_state){.process = 1 + i / 1000,
                                     .base = BLOCK(i) + (i > 3000 ? 3 : 0),
                                     .step = (uint8_t)draw(3),
                                     .is_fresh = draw(2)};
        if (s->step == HAK_LIVE_ENDED)
            continue;
        s->user = s->base + draw(2) * 16;
        s->size = draw(2) ? draw(100) : UINT64_MAX - draw(9);
        s->class_index = (uint8_t)draw(256);
        if (s->step != HAK_LIVE_BORN || !draw(20)) /* of some the birth was lost */
            continue;
        s->birth = 1 + draw(1u << 31);
        s->ns = draw(1u << 31) << 20;
        s->stack = draw(10) ? (uint32_t)draw(50) : UINT32_MAX - (uint32_t)draw(5000);
        s->thread = 1 + (uint32_t)draw(9);
    }
    ck_assert(hak_live_part_encode(states, HAK_LIVE_PART_STATES, &out));
    ck_assert_ptr_null(hak_live_part_decode(out.data, out.size, back, &count));
    ck_assert_uint_eq(count, HAK_LIVE_PART_STATES);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_mem_eq(&states[i], &back[i], sizeof *back);
    for (size_t at = 0; at < out.size; at += 1 + out.size / 500) {
        out.data[at] ^= 4;
        ck_assert_ptr_nonnull(hak_live_part_decode(out.data, out.size, back, &count));
        out.data[at] ^= 4;
        ck_assert_ptr_nonnull(hak_live_part_decode(out.data, at, back, &count));
    }
    hak_buffer_free(&out);
}

/* ---- as a table --------------------------------------------------------------------------------
 */

TEST(the_table_answers_for_a_moment) {
    block_malloc(1, 10, 1);                    /* 2: event 1 is its refill */
    uint64_t second = block_malloc(2, 11, 2);  /* 4 */
    block_free(1, 12, 1);                      /* 5 */
    uint64_t resized = block_resize(2, 13, 2); /* 6 */
    open_it();
    must(hak_store_add_tables(hak_store_database(r)->connection));
    ck_assert_uint_eq(number("SELECT count(*) FROM live"), 1);
    ck_assert_uint_eq(number("SELECT birth FROM live"), second);
    ck_assert_uint_eq(number("SELECT size FROM live WHERE process = 1"), 30);
    ck_assert_uint_eq(number("SELECT size FROM live WHERE at_event = 5"), 24);
    ck_assert_uint_eq(number("SELECT count(*) FROM live WHERE at_event = 4"), 2);
    ck_assert_uint_eq(number("SELECT count(*) FROM live WHERE at = 2000"), 1);
    ck_assert_uint_eq(number("SELECT user FROM live WHERE at = 2000"), BLOCK(1) + 16);
    ck_assert_uint_eq(number("SELECT count(*) FROM live WHERE at = 0"), 0);
    ck_assert_uint_eq(number("SELECT count(*) FROM live WHERE at_event = 0"), 0);
    ck_assert_uint_eq(number("SELECT count(*) FROM live WHERE process = 2"), 0);
    ck_assert_uint_eq(number("SELECT tid FROM live"), 4712);
    ck_assert_uint_eq(number("SELECT slot FROM live WHERE class = 'C' || (SELECT band FROM class"
                             " WHERE slot_bytes = 48)"),
                      48);
    ck_assert_uint_eq(resized, 6);
    sqlite3_stmt *s;
    ck_assert_int_ne(sqlite3_prepare_v2(hak_store_database(r)->connection,
                                        "SELECT * FROM live WHERE at > 5", -1, &s, NULL),
                     SQLITE_OK);
}

RUN_TESTS(.set_up = start, .tear_down = stop)
