/* Adds the snapshots of several processes up to what all had at a time. */
#include "viewer/profile/memory.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "hop.h"
#include "store/error.h"
#include "store/history/history.h"

/* A change of one number of one process; or it began or ended. */
struct sample {
    uint64_t ns, more; /* modulo 2^64: also less */
    uint32_t process;
    uint8_t kind;
    enum { IS_BEGIN, IS_CHANGE, IS_LOOK, IS_END } what; /* a look found no change */
    uint32_t order;                                     /* of those of one time */
};

struct now {
    uint64_t bytes[MEMORY_KINDS];
    uint64_t kernel_ns, changed_ns, quarantine_ns, slack_ns;
    uint32_t running; /* in now[0]: processes of which something is known */
    bool is_known;
};

struct profile_memory {
    struct sample *sample; /* by time */
    uint32_t samples, room;
    uint64_t *end_ns; /* by process row id, 0 = it runs */
    uint32_t process; /* asked for, 0 = all */
    uint64_t last_ns; /* of the events */
    struct now *now;  /* by process row id, where the sweep stands; 0 = of all that are asked for */
    uint32_t rows;
    uint32_t at; /* the sweep's next sample */
};

static const struct {
    const char *name;
    uint8_t kind;
    bool is_less, is_in_slots; /* taken off; counts slots of its class */
} names[] = {
    {"memory.anonymous", MEMORY_ANONYMOUS, false, false},
    {"memory.file", MEMORY_FILE, false, false},
    {"memory.shared", MEMORY_SHARED, false, false},
    {"memory.swapped", MEMORY_SWAPPED, false, false},
    {"memory.peak", MEMORY_MOST_RESIDENT, false, false},
    {"given.QUARANTINE", MEMORY_QUARANTINE, false, true},
    {"QUARANTINE_LEAVE.blocks", MEMORY_QUARANTINE, true, true},
    {"SLACK_TAKEN.amount", MEMORY_SLACK, false, false},
    {"SLACK_GIVEN.amount", MEMORY_SLACK, true, false},
};

#define NAMES (sizeof names / sizeof *names)

/* ---- reading ---------------------------------------------------------------------------------
 */

/* Adds a sample, only of processes that the capture has: a broken one may name any. One that ends
 * may be looked at until it is gone, so its time is cut at the end. False without memory. */
static bool add_sample(struct profile_memory *m, struct sample sample) {
    if (sample.process == 0 || sample.process >= m->rows)
        return true;
    if (m->end_ns[sample.process] && sample.ns > m->end_ns[sample.process])
        sample.ns = m->end_ns[sample.process];
    if (!hak_growing_make_room(&m->sample, m->samples, &m->room, sizeof *m->sample))
        return false;
    sample.order = m->samples;
    m->sample[m->samples++] = sample;
    return true;
}

/* Turns a row of the table metric into a sample, if it is one of memory; false where memory ends.
 */
static bool add_change(struct profile_memory *m, struct view *view, const struct hak_query *q) {
    const char *name = hak_query_text(q, 2);
    struct sample sample = {.ns = hak_query_number(q, 0),
                            .process = hak_query_id(q, 1),
                            .what = IS_CHANGE,
                            .more = hak_query_number(q, 4)};
    unsigned band;
    uint64_t slot_bytes;
    if (strcmp(name, "memory.looked") == 0) {
        sample.what = IS_LOOK;
        sample.ns = hak_query_number(q, 5);
        return add_sample(m, sample);
    }
    for (unsigned i = 0; i < NAMES; i++) {
        if (strcmp(names[i].name, name) != 0)
            continue;
        sample.kind = names[i].kind;
        if (names[i].is_in_slots) /* large blocks have no size that a counter knows */
            sample.more *= hak_store_class(view->reader, hak_query_id(q, 3), &slot_bytes, &band)
                               ? slot_bytes
                               : 0;
        if (names[i].is_less)
            sample.more = -sample.more;
        return add_sample(m, sample);
    }
    return true;
}

/* Reads the metrics of memory as samples, each the difference to the one before. 0, or a status. */
static int read_changes(struct profile_memory *m, struct view *view) {
    bool has_memory = true;
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT ns, process, name, class, CAST(value - coalesce(lag(value) OVER "
                "(PARTITION BY process, name, class ORDER BY id), 0) AS INTEGER), "
                "CAST(value AS INTEGER) FROM metric "
                "WHERE (name LIKE 'memory.%' OR "
                "name IN ('given.QUARANTINE', 'QUARANTINE_LEAVE.blocks', 'SLACK_TAKEN.amount', "
                "'SLACK_GIVEN.amount')) ORDER BY ns, id",
                "reading metrics");
    while (has_memory && hak_query_next(&q))
        has_memory = add_change(m, view, &q);
    return view_end_query(view, &q, has_memory);
}

struct superslabs {
    struct profile_memory *memory;
    bool has_memory;
};

/* Turns a mapped or unmapped superslab into a sample. */
static void add_superslab(void *context, const struct hak_event *e) {
    struct superslabs *s = context;
    struct sample sample = {.ns = e->ns,
                            .process = e->process,
                            .kind = MEMORY_SUPERSLABS,
                            .what = IS_CHANGE,
                            .more = e->kind == HAK_SUPERSLAB_MAP ? e->size : -e->size};
    s->has_memory = s->has_memory && add_sample(s->memory, sample);
}

/* Reads mapped and unmapped superslabs as samples. A trimmed capture has only the changes since:
 * less than nothing shows as none; one whose answer ends before a damage at least those until
 * then. Where only the profile is kept, nothing is. 0, or a status. */
static int read_superslabs(struct profile_memory *m, struct view *view) {
    struct superslabs s = {m, true};
    if (hak_store_is_profile_only(view->reader))
        return 0;
    int error = hak_store_each_superslab(view->reader, view->end_event, add_superslab, &s);
    if (!error && !s.has_memory)
        error = hak_store_no_memory(view->store_path);
    return error ? view_store_error(view, error) : 0;
}

/* Reads the begin and end of each process as samples. A child of a fork begins with what its parent
 * had; `more` of its begin is the parent. 0, or a status. */
static int read_processes(struct profile_memory *m, struct view *view) {
    bool has_memory = true;
    struct hak_query q = hak_ask(
        hak_store_database(view->reader),
        "SELECT id, start_ns, end_ns, CASE WHEN fork_event > 0 THEN parent ELSE 0 END FROM process",
        "reading processes");
    while (has_memory && hak_query_next(&q)) {
        struct sample begin = {.process = hak_query_id(&q, 0),
                               .ns = hak_query_number(&q, 1),
                               .what = IS_BEGIN,
                               .more = hak_query_number(&q, 3)};
        struct sample end = {
            .process = begin.process, .ns = hak_query_number(&q, 2), .what = IS_END};
        if (begin.process && begin.process < m->rows)
            m->end_ns[begin.process] = end.ns;
        has_memory = add_sample(m, begin) && (end.ns == 0 || add_sample(m, end));
    }
    return view_end_query(view, &q, has_memory);
}

/* Orders samples by time, then by kind, then as they were read. */
static int compare_samples(const void *a, const void *b) {
    const struct sample *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    if (x->what != y->what)
        return x->what < y->what ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

void profile_memory_free(struct profile_memory *m) {
    if (!m)
        return;
    free(m->sample);
    free(m->end_ns);
    free(m->now);
    free(m);
}

static void rewind_to_begin(struct profile_memory *m) {
    memset(m->now, 0, m->rows * sizeof *m->now);
    m->at = 0;
}

static int no_memory(struct view *view) {
    return view_store_error(view, hak_store_no_memory(view->store_path));
}

int profile_memory_read(struct view *view, uint32_t process, struct profile_memory **out) {
    struct profile_memory *m = *out = calloc(1, sizeof *m);
    int status = m ? 0 : no_memory(view);
    if (status == 0) {
        m->process = process;
        m->last_ns = view->summary.last_ns;
        m->rows = view->summary.processes + 1;
        m->end_ns = calloc(m->rows, sizeof *m->end_ns);
        status = m->end_ns ? read_processes(m, view) : no_memory(view);
    }
    if (status == 0)
        status = read_changes(m, view);
    if (status == 0)
        status = read_superslabs(m, view);
    if (status)
        return status;
    if (m->samples)
        qsort(m->sample, m->samples, sizeof *m->sample, compare_samples);
    m->now = calloc(m->rows, sizeof *m->now);
    return m->now ? 0 : no_memory(view);
}

/* ---- the sweep -------------------------------------------------------------------------------
 */

static bool is_asked(const struct profile_memory *m, uint32_t process) {
    return !m->process || m->process == process;
}

/* Adds to a process's total and, if the process is asked for, to that of all. */
static void change(struct profile_memory *m, uint32_t process, unsigned kind, uint64_t more) {
    m->now[process].bytes[kind] += more;
    if (is_asked(m, process))
        m->now[0].bytes[kind] += more;
}

/* Gives a child of fork() its parent's mapped memory. */
static void begin(struct profile_memory *m, const struct sample *s) {
    const uint32_t parent = s->more < m->rows ? (uint32_t)s->more : 0;
    if (!parent || parent == s->process)
        return;
    change(m, s->process, MEMORY_SUPERSLABS, m->now[parent].bytes[MEMORY_SUPERSLABS]);
    change(m, s->process, MEMORY_QUARANTINE, m->now[parent].bytes[MEMORY_QUARANTINE]);
    change(m, s->process, MEMORY_SLACK, m->now[parent].bytes[MEMORY_SLACK]);
}

/* Takes an ended process's totals out of all. */
static void end(struct profile_memory *m, uint32_t process) {
    for (unsigned kind = 0; kind < MEMORY_KINDS; kind++)
        change(m, process, kind, -m->now[process].bytes[kind]);
    m->now[0].running -= m->now[process].is_known && is_asked(m, process);
    m->now[process].is_known = false;
}

/* Applies one sample to the totals as they are so far; those of all only by processes that are
 * asked about. */
static void step(struct profile_memory *m, const struct sample *s) {
    struct now *now = &m->now[s->process], *all = &m->now[0];
    if (s->what == IS_BEGIN)
        begin(m, s);
    else if (s->what == IS_END)
        end(m, s->process);
    else if (s->what == IS_CHANGE)
        change(m, s->process, s->kind, s->more);
    if (!is_asked(m, s->process))
        return;
    if (s->what == IS_LOOK && now->is_known)
        all->kernel_ns = s->ns;
    if (s->what != IS_CHANGE)
        return;
    all->running += !now->is_known;
    now->is_known = true;
    if (s->kind <= MEMORY_MOST_RESIDENT)
        all->kernel_ns = all->changed_ns = s->ns;
    else if (s->kind == MEMORY_QUARANTINE)
        all->quarantine_ns = s->ns;
    else if (s->kind == MEMORY_SLACK)
        all->slack_ns = s->ns;
}

/* Returns the sums of all processes as they stand at this point of the sweep; all 0 while none
 * runs. */
static struct profile_memory_totals totals_now(const struct profile_memory *m) {
    const struct now *now = &m->now[0];
    struct profile_memory_totals totals = {.kernel_ns = now->kernel_ns,
                                           .changed_ns = now->changed_ns,
                                           .quarantine_ns = now->quarantine_ns,
                                           .slack_ns = now->slack_ns};
    if (!now->running)
        return (struct profile_memory_totals){.kernel_ns = 0};
    for (unsigned kind = 0; kind < MEMORY_KINDS; kind++) /* broken stores go below 0 */
        totals.bytes[kind] = now->bytes[kind] > INT64_MAX ? 0 : now->bytes[kind];
    return totals;
}

uint64_t profile_resident(const struct profile_memory_totals *t) {
    return t->bytes[MEMORY_ANONYMOUS] + t->bytes[MEMORY_FILE] + t->bytes[MEMORY_SHARED];
}

/* Whether sample `i` is the last of its time and process, which are one snapshot. */
static bool ends_snapshot(const struct profile_memory *m, uint32_t i) {
    const struct sample *s = &m->sample[i];
    return i + 1 == m->samples || m->sample[i + 1].ns != s->ns ||
           m->sample[i + 1].what != s->what || m->sample[i + 1].process != s->process;
}

static bool is_look(const struct profile_memory *m, const struct sample *s) {
    return is_asked(m, s->process) &&
           (s->what == IS_LOOK || (s->what == IS_CHANGE && s->kind <= MEMORY_MOST_RESIDENT));
}

/* Whether the next look found what the last one had found. */
static bool stays(const struct profile_memory *m) {
    uint32_t i = m->at;
    while (i < m->samples && !is_look(m, &m->sample[i]))
        i++;
    return i < m->samples && m->sample[i].what == IS_LOOK;
}

void profile_memory_in(struct profile_memory *m, uint64_t from_ns, uint64_t to_ns,
                       struct profile_memory_totals *out) {
    *out = totals_now(m);
    for (; m->at < m->samples && m->sample[m->at].ns <= to_ns; m->at++) {
        step(m, &m->sample[m->at]);
        if (!ends_snapshot(m, m->at))
            continue;
        struct profile_memory_totals now = totals_now(m);
        if (m->sample[m->at].ns <= from_ns || profile_resident(&now) > profile_resident(out))
            *out = now;
    }
    if (m->now[0].kernel_ns <= from_ns && !stays(m))
        out->kernel_ns = 0;
}

void profile_memory_at(struct profile_memory *m, uint64_t ns, struct profile_memory_totals *out,
                       struct profile_memory_totals *next) {
    rewind_to_begin(m);
    for (; m->at < m->samples && m->sample[m->at].ns <= ns; m->at++)
        if (ns != MEMORY_AT_END || m->sample[m->at].what != IS_END ||
            m->sample[m->at].ns <= m->last_ns)
            step(m, &m->sample[m->at]);
    *out = totals_now(m);
    *next = (struct profile_memory_totals){.kernel_ns = 0};
    for (bool is_seen = false; m->at < m->samples && !next->kernel_ns; m->at++) {
        step(m, &m->sample[m->at]);
        is_seen |= is_look(m, &m->sample[m->at]);
        if (is_seen && ends_snapshot(m, m->at))
            *next = totals_now(m);
    }
    rewind_to_begin(m);
}
