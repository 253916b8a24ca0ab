/* Counts the log by thread and by process; only the columns that it takes are decoded. */
#include "store/history/tally.h"

#include "hop.h"
#include "store/reader/inner.h"
#include "trace/record.h"

/* Counts one event for its thread: calls with their bytes, and frees of other threads' blocks. */
static void tally_event(struct hak_thread_tally *t, const struct hak_event *e) {
    t->events++;
    t->last_event = e->id;
    t->last_ns = e->ns;
    if (!hak_event_is_call(e)) {
        /* A block kept in quarantine first goes to its owner when it leaves. */
        t->remote_frees += e->kind == HAK_QUARANTINE_LEAVE && e->place == HAK_PLACE_REMOTE;
        return;
    }
    bool is_refused = e->flags & HAK_RECORD_ILLEGAL;
    if (e->kind == HAK_MALLOC || e->kind == HAK_REALLOC) {
        t->mallocs += e->kind == HAK_MALLOC;
        t->reallocs += e->kind == HAK_REALLOC;
        t->asked_bytes += is_refused ? 0 : e->size;
        return;
    }
    t->frees += e->kind == HAK_FREE;
    t->remote_frees += e->place == HAK_PLACE_REMOTE && !is_refused;
}

int hak_store_tally_threads(struct hak_store_reader *r, uint32_t process,
                            struct hak_thread_tally *out, uint32_t count) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    limits.filter.process = process;
    limits.columns = 1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_NS |
                     1u << HAK_COLUMN_SIZE;
    int result = hak_scan_open(r, &limits, false, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, &e)) == 1)
        if (e.thread < count)
            tally_event(&out[e.thread], &e);
    hak_scan_close(scan);
    return result;
}

/* Visits the events within the limits. 0 at their end, or an error. */
static int visit_events(struct hak_store_reader *r, const struct hak_scan_limits *limits,
                        void (*visit)(void *, const struct hak_event *), void *context) {
    struct hak_scan *scan;
    struct hak_event e;
    int result = hak_scan_open(r, limits, false, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, &e)) == 1)
        visit(context, &e);
    hak_scan_close(scan);
    return result;
}

int hak_store_each_actor(struct hak_store_reader *r, uint64_t first, uint64_t last,
                         void (*visit)(void *, const struct hak_event *), void *context) {
    struct hak_scan_limits limits = hak_scan_all();
    limits.filter.id_from = first;
    limits.filter.id_to = last;
    limits.columns = 1u << HAK_COLUMN_ACTOR;
    return visit_events(r, &limits, visit, context);
}

/* Visits, as of the event `id`, the processes that had not ended at `ns`. 0, or an error. */
static int visit_survivors(const struct hak_store_reader *r, uint64_t id, uint64_t ns,
                           void (*visit)(void *, const struct hak_event *), void *context) {
    struct hak_query q =
        hak_ask(&r->db, "SELECT id FROM process WHERE coalesce(end_kind, 0) = 0 OR end_ns >= ?1",
                "reading processes", ns);
    while (hak_query_next(&q))
        visit(context, &(struct hak_event){.id = id, .process = hak_query_id(&q, 0)});
    return hak_query_end(&q);
}

int hak_store_each_later_actor(struct hak_store_reader *r, uint64_t from, uint64_t last,
                               void (*visit)(void *, const struct hak_event *), void *context) {
    uint64_t ns = hak_database_number(
        &r->db, "SELECT max_ns FROM chunk WHERE id <= ?1 ORDER BY id DESC LIMIT 1", from);
    uint64_t trimmed = hak_database_meta_number(&r->db, "trimmed_events");
    uint64_t due = (from > trimmed ? from : trimmed) + 1, missing, min_ns;
    struct hak_query q = hak_ask(&r->db,
                                 "SELECT id, events, process, min_ns, max_ns FROM chunk"
                                 " WHERE id + events > ?1 AND (?2 = 0 OR id <= ?2) ORDER BY id",
                                 "listing its chunks", due, last);
    int error = 0;
    while (!error && hak_query_next(&q)) {
        uint64_t id = hak_query_number(&q, 0), events = hak_query_number(&q, 1), end = id + events;
        uint32_t process = hak_query_id(&q, 2);
        if (!id || !events || events > INT64_MAX - id)
            continue; /* the reader of the chunk reports it */
        if (id > due)
            error = visit_survivors(r, id - 1, ns, visit, context);
        if (process)
            visit(context, &(struct hak_event){.id = end - 1, .process = process});
        else if (!error)
            error = hak_store_each_actor(r, id > due ? id : due,
                                         last && last < end ? last : end - 1, visit, context);
        if (error == HAK_STORE_BROKEN)
            error = visit_survivors(r, end - 1, hak_query_number(&q, 3), visit, context);
        due = end;
        ns = hak_query_number(&q, 4);
    }
    int unread = hak_query_end(&q);
    error = error ? error : unread;
    if (!error && last)
        return due <= last ? visit_survivors(r, last, ns, visit, context) : 0;
    int found = error ? error : hak_scan_find_end(r, &missing, &min_ns);
    return found == 1 ? visit_survivors(r, missing, ns, visit, context) : found;
}

#define SUPERSLAB_KINDS                                                                            \
    ((uint64_t)1 << (HAK_SUPERSLAB_MAP - 64) | (uint64_t)1 << (HAK_SUPERSLAB_UNMAP - 64))

/* Whether the table of SuperSlabs has rows of all chunks with such events: an earlier version that
 * goes on with a store writes chunks and no rows. */
static bool has_all_rows(const struct hak_store_reader *r) {
    return hak_database_has_table(&r->db, "superslab") &&
           hak_database_number(&r->db,
                               "SELECT NOT EXISTS (SELECT 1 FROM chunk c WHERE c.kinds_high & ?1"
                               " AND NOT EXISTS (SELECT 1 FROM superslab s WHERE s.event >= c.id"
                               " AND s.event < c.id + c.events))",
                               SUPERSLAB_KINDS);
}

/* Visits the SuperSlab table's rows as events of mapping and unmapping. 0, or an error. */
static int each_row(const struct hak_store_reader *r,
                    void (*visit)(void *, const struct hak_event *), void *context) {
    struct hak_query q =
        hak_ask(&r->db, "SELECT event, ns, process, bytes FROM superslab ORDER BY event",
                "reading its SuperSlabs");
    while (hak_query_next(&q)) {
        uint64_t bytes = hak_query_number(&q, 3);
        bool is_mapped = (int64_t)bytes >= 0;
        struct hak_event e = {.id = hak_query_number(&q, 0),
                              .ns = hak_query_number(&q, 1),
                              .process = hak_query_id(&q, 2),
                              .kind = is_mapped ? HAK_SUPERSLAB_MAP : HAK_SUPERSLAB_UNMAP,
                              .size = is_mapped ? bytes : -bytes};
        visit(context, &e);
    }
    return hak_query_end(&q);
}

int hak_store_each_superslab(struct hak_store_reader *r, uint64_t last,
                             void (*visit)(void *, const struct hak_event *), void *context) {
    struct hak_scan_limits limits = hak_scan_all();
    if (has_all_rows(r))
        return each_row(r, visit, context);
    limits.filter.id_to = last;
    limits.filter.kind_mask_high = SUPERSLAB_KINDS;
    limits.columns = 1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_NS |
                     1u << HAK_COLUMN_SIZE;
    return visit_events(r, &limits, visit, context);
}

struct by_process {
    uint64_t *events;
    uint32_t count;
};

static void count_event(void *context, const struct hak_event *e) {
    const struct by_process *tally = context;
    if (e->process < tally->count)
        tally->events[e->process]++;
}

int hak_store_tally_processes(struct hak_store_reader *r, uint64_t *events, uint32_t count) {
    static const char sql[] =
        "SELECT id, events, process, coalesce((SELECT CAST(value AS INTEGER) FROM meta"
        " WHERE key = 'trimmed_events'), 0) + 1 FROM chunk ORDER BY id";
    struct hak_query q = hak_ask(&r->db, sql, "listing its chunks");
    uint64_t due = 0; /* not known yet */
    int error = 0, damage = 0;
    while ((!error || error == HAK_STORE_BROKEN) && hak_query_next(&q)) {
        uint64_t id = hak_query_number(&q, 0);
        uint64_t held = hak_query_number(&q, 1);
        uint64_t process = hak_query_number(&q, 2);
        due = due ? due : hak_query_number(&q, 3);
        error = id > due ? hak_scan_fail_chunk(r, due, "row", hak_scan_missing) : 0;
        damage = error ? error : damage;
        if (process == 0)
            error = hak_store_each_actor(r, id, id + held - 1, count_event,
                                         &(struct by_process){events, count});
        else if (process < count)
            events[process] += held;
        damage = error ? error : damage;
        due = id + held;
    }
    int unread = hak_query_end(&q);
    error = error ? error : unread ? unread : damage;
    uint64_t first, min_ns;
    int found = error ? error : hak_scan_find_end(r, &first, &min_ns);
    return found == 1 ? hak_scan_fail_chunk(r, first, "row", hak_scan_missing_end) : found;
}
