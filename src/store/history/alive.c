/* Joins runs of states, and the events that no run covers, to the blocks alive at a moment. */
#include "store/history/alive.h"

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "base/growing.h"
#include "store/history/lives.h"
#include "store/history/tail.h"
#include "store/live/live.h"
#include "store/reader/inner.h"

#define LEVELS_MAX     16
#define STATES_AT_ONCE ((uint32_t)1 << 20) /* of events that no run covers, in all sources */
#define STATES_LEAST   ((uint32_t)1 << 13)

/* One stretch of one process's log; older stretches come first. */
struct source {
    bool is_events;                /* else its cursor has all: of a run, or of the tail */
    struct hak_scan_limits limits; /* of events */
    bool needs_ends;               /* a birth in it may hide a life whose end was lost */
};

struct hak_live {
    struct hak_store_reader *reader;
    struct hak_live_moment moment;
    struct hak_query processes; /* all that had begun, where not one is asked for */
    uint32_t process;
    bool is_of_tail; /* the events behind the last run are in the tail */
    /* Where every process is asked for: the events behind the last run, for a batch of bases that
     * all processes have in turn. Processes that the tail does not cover come in the first batch,
     * with all bases. */
    struct hak_tail *tail;
    uint64_t tail_first, tail_from, tail_below;
    struct source *source;
    struct hak_live_cursor *cursor; /* of each; of events over the bases of this batch */
    uint32_t sources, source_room, cursor_room;
    uint64_t from, below; /* bases of this batch; below 0 = all */
    bool is_open, is_done;
    uint64_t chunks;
};

/* Closes all sources. */
static void drop_sources(struct hak_live *l) {
    for (uint32_t i = 0; i < l->sources; i++)
        hak_live_cursor_close(&l->cursor[i]);
    l->sources = 0;
}

/* Adds an empty source; NULL without memory. */
static struct source *add_source(struct hak_live *l) {
    if (!hak_growing_make_room(&l->source, l->sources, &l->source_room, sizeof *l->source) ||
        !hak_growing_make_room(&l->cursor, l->sources, &l->cursor_room, sizeof *l->cursor))
        return NULL;
    struct source *s = &l->source[l->sources];
    *s = (struct source){0};
    hak_live_cursor_hold(&l->cursor[l->sources++], NULL, 0);
    return s;
}

/* ---- stretches --------------------------------------------------------------------------------
 */

/* The events that count, of one process in the lineage. */
struct log_stretch {
    uint32_t process;
    uint64_t id_to, ns_to; /* inclusive; 0 = open */
    bool is_lossy;         /* the log of it, or of one it was forked from, lacks events */
    uint64_t unsure_ns;    /* runs that reach this time left out ends that a loss made important */
};

static bool is_within(const struct log_stretch *s, const struct hak_live_run *run) {
    return (!s->id_to || run->last_event <= s->id_to) && (!s->ns_to || run->max_ns <= s->ns_to);
}

/* Finds the largest run that begins with event `first`, or the nearest behind it: 1, 0, or an
 * error. */
static int next_run(struct hak_live *l, const struct log_stretch *s, uint64_t first,
                    struct hak_live_run *out) {
    int any = 0, found = 1;
    *out = (struct hak_live_run){.first_event = UINT64_MAX};
    for (uint32_t level = 0; level < LEVELS_MAX && found == 1; level++) {
        struct hak_live_run run;
        uint64_t from = first;
        while ((found = hak_live_find_run(&l->reader->db, level, from, &run)) == 1 &&
               is_within(s, &run) && !run.has_all_ends && run.max_ns >= s->unsure_ns)
            from = run.last_event + 1;
        if (found == 1 && is_within(s, &run) && run.first_event <= out->first_event) {
            *out = run;
            any = 1;
        }
    }
    return found < 0 ? found : any;
}

/* Adds the lives that a run has of the bases of this batch and those above. 0, or an error. */
static int add_run_source(struct hak_live *l, const struct hak_live_run *run, uint32_t process) {
    struct source *source = add_source(l);
    if (!source)
        return hak_store_no_memory(l->reader->db.path);
    struct hak_live_cursor *cursor = &l->cursor[l->sources - 1];
    const struct hak_live_state *s;
    int error = hak_live_cursor_open(cursor, &l->reader->db, run, process);
    while (!error && l->from && (s = hak_live_cursor_peek(cursor, &error)) && s->base < l->from)
        hak_live_cursor_pass(cursor);
    return error;
}

/* Adds a source that reads a process's calls, events `from` to `to`, from the log. 0, or an
 * error. */
static int add_events_source(struct hak_live *l, const struct log_stretch *s, uint64_t from,
                             uint64_t to) {
    struct source *source = add_source(l);
    if (!source)
        return hak_store_no_memory(l->reader->db.path);
    source->is_events = true;
    source->limits = hak_scan_all();
    source->limits.filter.process = s->process;
    source->needs_ends = s->is_lossy;
    source->limits.filter.id_from = from;
    source->limits.filter.id_to = to;
    source->limits.filter.ns_to = s->ns_to;
    source->limits.filter.kind_mask_low =
        1u << HAK_MALLOC | 1u << HAK_FREE | 1u << HAK_REALLOC | 1u << HAK_REALLOC_FROM;
    source->limits.columns = HAK_ALL_COLUMNS & ~(1u << HAK_COLUMN_OLD);
    return 0;
}

/* Adds the sources of live blocks of a stretch of the log: its runs, and events where there are
 * none, from the oldest on. 0, or an error. */
static int add_stretch_sources(struct hak_live *l, const struct log_stretch *s) {
    struct hak_live_run run;
    uint64_t next = 1;
    int found = 0;
    while (!l->moment.by_scan && (found = next_run(l, s, next, &run)) == 1) {
        if (run.first_event > next) {
            int error =
                add_events_source(l, s, next, run.first_event - 1); /* also where chunks lack */
            if (error)
                return error;
        }
        int error = add_run_source(l, &run, s->process);
        if (error)
            return error;
        next = run.last_event + 1;
    }
    if (found < 0)
        return found;
    if (l->is_of_tail && next == l->tail_first && (!s->id_to || s->id_to >= next))
        return 0;
    return s->id_to && next > s->id_to ? 0 : add_events_source(l, s, next, s->id_to);
}

/* The end of a stretch: 0 = open; of the lineage UINT64_MAX is. */
static uint64_t earlier(uint64_t moment, uint64_t fork) {
    if (fork == UINT64_MAX || (moment && moment < fork))
        return moment;
    return fork ? fork : 1;
}

/* The time from which a process's log may lack events: the first loss; the beginning where events
 * came against the order of their blocks, which are taken as they come. */
static const char exceptions[] = "SELECT coalesce(min(ns), 0), count(*) FROM"
                                 " (SELECT from_ns AS ns FROM loss WHERE process IN (0, ?1)"
                                 "  UNION ALL SELECT 0 FROM meta WHERE key = 'disordered_events')";

/* The stretches of a process and those it was forked from, oldest first. */
struct stretches {
    struct log_stretch one[HAK_LINEAGE_MAX];
    int count;
};

/* Finds which events of a process and its parents decide what is live in it, the oldest first. 0,
 * or an error. */
static int find_stretches(struct hak_live *l, struct stretches *out) {
    struct hak_lineage lineage;
    bool is_lossy = false;
    int error = hak_lineage_load(l->reader, l->process, &lineage);
    out->count = 0;
    for (int i = lineage.count - 1; i >= 0 && !error; i--) {
        uint64_t loss[2] = {0};
        struct log_stretch *s = &out->one[out->count++];
        *s = (struct log_stretch){.process = lineage.link[i].process,
                                  .id_to = earlier(l->moment.id, lineage.link[i].id_to),
                                  .ns_to = earlier(l->moment.ns, lineage.link[i].ns_to)};
        int found = hak_database_numbers(&l->reader->db, exceptions, s->process, loss, 2);
        s->unsure_ns = loss[1] ? loss[0] : UINT64_MAX;
        s->is_lossy = is_lossy |= loss[1] > 0;
        error = found < 0 ? found : 0;
    }
    return error;
}

/* Runs of a process that lacks events may not count, and those of all end elsewhere. */
static bool is_of_tail(const struct hak_live *l, const struct stretches *s) {
    bool is_lossy = s->count && s->one[s->count - 1].is_lossy;
    return l->tail && hak_tail_covers(l->tail, l->process) && (!is_lossy || l->tail_first == 1);
}

/* Adds the sources of all stretches and, at the log's end, of the open tail. 0, or an error. */
static int add_lineage(struct hak_live *l, const struct stretches *s) {
    int error = 0;
    for (int i = 0; i < s->count && !error; i++)
        error = add_stretch_sources(l, &s->one[i]);
    if (error || !l->is_of_tail)
        return error;
    return add_source(l) ? hak_tail_hold(l->tail, l->process, &l->cursor[l->sources - 1])
                         : hak_store_no_memory(l->reader->db.path);
}

/* Reads the tail, the events behind the last run, for the bases from `from` on. 0, or an error. */
static int read_tail(struct hak_live *l, uint64_t from) {
    struct log_stretch all = {
        .id_to = l->moment.id, .ns_to = l->moment.ns, .unsure_ns = UINT64_MAX};
    struct hak_live_run run;
    int found = 0;
    l->tail_first = 1;
    while (!l->moment.by_scan && (found = next_run(l, &all, l->tail_first, &run)) == 1)
        l->tail_first = run.last_event + 1;
    struct hak_tail_query query = {.first = l->tail_first,
                                   .id_to = l->moment.id,
                                   .ns_to = l->moment.ns,
                                   .base_from = from,
                                   .states = l->moment.states ? l->moment.states : STATES_AT_ONCE};
    hak_tail_free(l->tail);
    l->tail = NULL;
    int error = found < 0 ? found : hak_tail_read(l->reader, &query, &l->tail);
    if (error)
        return error;
    l->tail_from = from;
    l->tail_below = hak_tail_below(l->tail);
    l->chunks += hak_tail_chunks(l->tail);
    return 0;
}

/* ---- the events that no run covers --------------------------------------------------------------
 */

/* The filter for the states of a batch when they are too many. */
struct pressed {
    uint64_t below;  /* bases from here on go; 0 = none */
    bool is_first;   /* no stretch comes before: no end in this one ends a life of another */
    bool needs_ends; /* of the stretch */
};

/* True when the state still matters after those before it are merged. */
static bool is_kept(const void *context, const struct hak_live_state *s) {
    const struct pressed *p = context;
    if (p->below && s->base >= p->below)
        return false;
    return s->step != HAK_LIVE_ENDED || !(p->is_first || (s->is_fresh && !p->needs_ends));
}

/* Makes room: what has ended goes; where this is not enough, the upper half of the bases, which
 * comes with the next batch. False without memory. */
static bool press_table(struct hak_live *l, const struct source *s, struct hak_live_table *t,
                        uint32_t most) {
    struct pressed p = {.is_first = s == l->source, .needs_ends = s->needs_ends};
    if (!hak_live_table_filter(t, is_kept, &p))
        return false;
    if (t->used <= most / 4 * 3)
        return true;
    if (!hak_live_table_sort(t, 0))
        return false;
    l->below = p.below = t->state[t->used / 2].base;
    return hak_live_table_filter(t, is_kept, &p);
}

/* Reads a source's events, next range of addresses, into a sorted table; if that grows beyond
 * `most`, the range is cut. 0, or an error. */
static int read_source_events(struct hak_live *l, struct source *s, uint32_t most) {
    struct hak_scan *scan;
    struct hak_event e;
    struct hak_live_state state;
    struct hak_live_table table = {0};
    struct hak_live_cursor *cursor = &l->cursor[s - l->source];
    hak_live_cursor_close(cursor);
    s->limits.filter.base_from = l->from;
    s->limits.filter.base_to = l->from || l->below ? l->below ? l->below - 1 : INT64_MAX : 0;
    int result = hak_scan_open(l->reader, &s->limits, false, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, &e)) == 1) {
        if (!hak_live_state_of(&e, &state) || (l->below && e.base >= l->below))
            continue;
        if (!hak_live_table_add(&table, &state) ||
            (table.used > most && !press_table(l, s, &table, most))) {
            result = hak_store_no_memory(l->reader->db.path);
            break;
        }
    }
    l->chunks += hak_scan_chunks(scan);
    hak_scan_close(scan);
    if (!result && !hak_live_table_sort(&table, 0))
        result = hak_store_no_memory(l->reader->db.path);
    hak_live_cursor_hold(cursor, table.state, table.used);
    hak_index_free(&table.index); /* of an error */
    return result;
}

/* Reads the events of the bases from `from` on and below `below` (0 = all), or of as many as there
 * is memory for. */
static int start_batch(struct hak_live *l, uint64_t from, uint64_t below) {
    uint32_t of_events = 0;
    int error = 0;
    for (uint32_t i = 0; i < l->sources; i++)
        of_events += l->source[i].is_events;
    uint32_t most = STATES_AT_ONCE / (of_events ? of_events : 1);
    most = l->moment.states ? l->moment.states : most > STATES_LEAST ? most : STATES_LEAST;
    l->from = from;
    l->below = below;
    for (uint32_t i = 0; i < l->sources && !error; i++)
        if (l->source[i].is_events)
            error = read_source_events(l, &l->source[i], most);
    return error;
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

/* The processes that had begun, one row each. */
static struct hak_query list_processes(struct hak_live *l) {
    return hak_ask(&l->reader->db,
                   "SELECT id FROM process WHERE (?1 = 0 OR start_ns <= ?1)"
                   " AND (?2 = 0 OR fork_event <= ?2) ORDER BY id",
                   "listing its processes", l->moment.ns, l->moment.id);
}

/* The row of the process that is next, 0 at the end, or an error. */
static int64_t find_next_process(struct hak_live *l) {
    if (l->moment.process)
        return l->process ? 0 : l->moment.process;
    for (;;) {
        while (hak_query_next(&l->processes)) {
            uint32_t process = hak_query_id(&l->processes, 0);
            if (!l->moment.wants || l->moment.wants(l->moment.context, process))
                return process;
        }
        int error = l->processes.error;
        if (error || !l->tail_below)
            return error;
        error = read_tail(l, l->tail_below);
        if (error)
            return error;
        hak_query_end(&l->processes);
        l->processes = list_processes(l);
    }
}

/* Goes to the next process: 1 and its stretches are there, 0 at the end, or an error. */
static int next_process(struct hak_live *l) {
    struct stretches s;
    for (;;) {
        int64_t next = find_next_process(l);
        if (next <= 0)
            return (int)next;
        l->process = (uint32_t)next;
        drop_sources(l);
        int error = find_stretches(l, &s);
        l->is_of_tail = is_of_tail(l, &s);
        if (!error && !l->is_of_tail && l->tail_from)
            continue; /* the first batch had all of it */
        l->from = l->is_of_tail ? l->tail_from : 0;
        if (!error)
            error = add_lineage(l, &s);
        if (!error)
            error = start_batch(l, l->from, l->is_of_tail ? l->tail_below : 0);
        return error ? error : 1;
    }
}

int hak_live_next(struct hak_live *l, struct hak_live_block *out) {
    struct hak_live_state s = {0};
    for (;;) {
        int result = l->is_open ? hak_live_join_next(l->cursor, l->sources, l->below, true, &s) : 0;
        if (result < 0)
            return result;
        if (result == 1) {
            if (s.step == HAK_LIVE_ENDED)
                continue;
            *out = (struct hak_live_block){.base = s.base,
                                           .user = s.user,
                                           .size = s.size,
                                           .birth = s.birth,
                                           .ns = s.ns,
                                           .process = l->process,
                                           .stack = s.stack,
                                           .thread = s.thread,
                                           .class_index = s.class_index};
            return 1;
        }
        uint64_t below =
            l->is_of_tail ? l->tail_below : 0; /* of all that is to be read of it now */
        if (l->is_open && l->below != below) {
            result = start_batch(l, l->below, below);
        } else if ((result = next_process(l)) == 1) {
            l->is_open = true;
            result = 0;
        } else {
            return result;
        }
        if (result < 0)
            return result;
    }
}

int hak_live_open(struct hak_store_reader *r, const struct hak_live_moment *moment,
                  struct hak_live **out) {
    struct hak_live *l = calloc(1, sizeof *l);
    *out = NULL;
    if (!l)
        return hak_store_no_memory(r->db.path);
    l->reader = r;
    l->moment = *moment;
    int error = 0;
    if (!moment->process) {
        error = read_tail(l, 0);
        l->processes = list_processes(l);
    }
    if (error)
        hak_live_close(l);
    else
        *out = l;
    return error;
}

uint64_t hak_live_chunks(const struct hak_live *l) {
    return l->chunks;
}

void hak_live_close(struct hak_live *l) {
    if (!l)
        return;
    drop_sources(l);
    hak_query_end(&l->processes);
    hak_tail_free(l->tail);
    free(l->source);
    free(l->cursor);
    free(l);
}

int hak_store_live_at(struct hak_store_reader *r, const struct hak_live_moment *moment,
                      int (*each)(void *context, const struct hak_live_block *block),
                      void *context) {
    struct hak_live *live;
    struct hak_live_block block;
    int result = hak_live_open(r, moment, &live), told = 0;
    if (result)
        return result;
    while (!told && (result = hak_live_next(live, &block)) == 1)
        told = each(context, &block);
    hak_live_close(live);
    return told ? told : result;
}
