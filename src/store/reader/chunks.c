/* Chooses the chunks of a walk: by their rows (times, kinds, classes, process, thread), and by
 * postings where the walk asks for bases, addresses, stacks or owners. */
#include "store/reader/chunks.h"

#include <stdlib.h>
#include "store/reader/inner.h"

const char hak_scan_missing[] = "it is missing, and all events up to the next chunk";
const char hak_scan_missing_end[] = "it is missing, and all events after it";

/* The condition that a chunk's row must meet. */
#define ROW_FITS                                                                                   \
    "max_ns >= ?3 AND min_ns <= ?4"                                                                \
    " AND (?5 = 0 OR process = 0 OR process = ?5) AND (?6 = 0 OR thread = 0 OR thread = ?6)"       \
    " AND ((?7 = 0 AND ?8 = 0) OR kinds_low & ?7 OR kinds_high & ?8)"                              \
    " AND (?9 = 0 OR classes & ?9)"

static uint64_t open_end(uint64_t value) {
    return value == 0 || value > INT64_MAX ? INT64_MAX : value;
}

/* The chunks of the walk by `sql`, which has ROW_FITS; ?10 is `id`. */
static struct hak_query ask_rows(struct hak_chunk_choice *c, const char *sql, uint64_t id) {
    const struct hak_filter *f = &c->limits->filter;
    uint64_t class_bit =
        f->class_index < 0 ? 0 : (uint64_t)1 << (f->class_index < 63 ? f->class_index : 63);
    return hak_ask(&c->reader->db, sql, "listing its chunks",
                   f->id_from > INT64_MAX ? INT64_MAX : f->id_from, open_end(f->id_to),
                   f->ns_from > INT64_MAX ? INT64_MAX : f->ns_from, open_end(f->ns_to), f->process,
                   f->thread, f->kind_mask_low, f->kind_mask_high, class_bit, id);
}

/* ---- missing chunks ----------------------------------------------------------------------------
 */

/* Looks for a gap, in what the walk asks for, at event `id`, whose chunk is not there. Ids have no
 * gaps but before the oldest chunk, where the disk cap dropped events. 1 and the first event that
 * is missing, 0 no, or an error. The chunks around a gap may overlap it a little in time: it is
 * outside when both of them are. */
static int find_gap(struct hak_chunk_choice *c, uint64_t id, uint64_t *chunk, uint32_t *events) {
#define BEFORE " FROM chunk WHERE id <= ?1 ORDER BY id DESC LIMIT 1)"
    static const char around[] =
        "SELECT coalesce((SELECT id + events" BEFORE
        ", (SELECT CAST(value AS INTEGER) + 1 FROM meta WHERE key = 'trimmed_events'), 1),"
        " coalesce((SELECT min_ns" BEFORE ", 0), coalesce((SELECT max_ns" BEFORE ", 0),"
        " id, min_ns, max_ns FROM chunk WHERE id > ?1 ORDER BY id LIMIT 1";
#undef BEFORE
    enum { FIRST, MIN_BEFORE, MAX_BEFORE, NEXT, MIN_BEHIND, MAX_BEHIND, VALUES };
    const struct hak_filter *f = &c->limits->filter;
    uint64_t v[VALUES];
    int found = hak_database_numbers(&c->reader->db, around, id, v, VALUES);
    if (found <= 0)
        return found;
    bool is_earlier = v[MAX_BEFORE] < f->ns_from && v[MAX_BEHIND] < f->ns_from;
    bool is_later = f->ns_to && v[MIN_BEFORE] > f->ns_to && v[MIN_BEHIND] > f->ns_to;
    if (v[FIRST] >= v[NEXT] || v[NEXT] <= f->id_from || (f->id_to && v[FIRST] > f->id_to) ||
        is_earlier || is_later)
        return 0;
    *chunk = v[FIRST];
    *events = HAK_CHUNKS_GAP;
    return 1;
}

/* The chunk behind the last one has a blob, a number, or postings. A number that lacks for the last
 * one is another damage. */
int hak_scan_find_end(struct hak_store_reader *r, uint64_t *first, uint64_t *min_ns) {
#define LAST                                                                                       \
    "SELECT due, min_ns FROM (SELECT coalesce(max(id + events),"                                   \
    " (SELECT CAST(value AS INTEGER) + 1 FROM meta WHERE key = 'trimmed_events'), 1) AS due,"      \
    " coalesce(max(id), 0) AS last, coalesce(min_ns, 0) AS min_ns, ?1"                             \
    " FROM (SELECT * FROM chunk ORDER BY id DESC LIMIT 1))"                                        \
    " WHERE EXISTS (SELECT 1 FROM chunk_data WHERE chunk >= due)"
    static const char by_numbers[] =
        LAST " OR (SELECT chunk FROM chunk_order ORDER BY number DESC LIMIT 1) >= due"
             " OR (coalesce((SELECT chunk FROM chunk_order ORDER BY number DESC LIMIT 1), 0) = last"
             " AND EXISTS (SELECT 1 FROM (VALUES(0), (1), (2), (3), (4)) WHERE"
             " (SELECT p.last FROM posting_run p WHERE p.kind = 0 AND p.level = column1"
             " ORDER BY p.first DESC LIMIT 1) >"
             " coalesce((SELECT max(number) FROM chunk_order), -1)))";
#undef LAST
    _Static_assert(HAK_POSTING_LEVEL_MAX == 4, "the levels are listed above");
    uint64_t v[2];
    int found = hak_database_numbers(&r->db, by_numbers, 0, v, 2);
    *first = v[0];
    *min_ns = v[1];
    return found;
}

/* Finds chunks that are missing behind the last one, as far as the walk asks for them. As find_gap:
 * 1 and the gap, 0, or an error. */
static int find_end(struct hak_chunk_choice *c, uint64_t *chunk, uint32_t *events) {
    const struct hak_filter *f = &c->limits->filter;
    uint64_t first, min_ns;
    int found = hak_scan_find_end(c->reader, &first, &min_ns);
    if (found <= 0 || (f->id_to && first > f->id_to) || (f->ns_to && min_ns > f->ns_to))
        return found < 0 ? found : 0;
    *chunk = first;
    *events = HAK_CHUNKS_GAP_AT_END;
    return 1;
}

/* ---- all chunks, by their rows ----------------------------------------------------------------
 */

/* Begins listing the chunks that can hold events in the limits, without postings. */
static void list_chunks(struct hak_chunk_choice *c) {
    static const char *const sql[] = {
        "SELECT id, events, " ROW_FITS " FROM chunk WHERE id > ?1 - 65536 AND id + events > ?1" //
        " AND id <= ?2 ORDER BY id",
        "SELECT id, events, " ROW_FITS " FROM chunk WHERE id > ?1 - 65536 AND id + events > ?1" //
        " AND id <= ?2 ORDER BY id DESC"};
    const struct hak_filter *f = &c->limits->filter;
    c->due = c->backwards ? f->id_to : f->id_from ? f->id_from : 1;
    c->list = ask_rows(c, sql[c->backwards], 0);
}

/* ---- by runs of postings ----------------------------------------------------------------------
 */

/* Asks the postings for the limits they know: bases, addresses, stacks, owners. 0, or an error. */
static int open_finder(struct hak_chunk_choice *c) {
    const struct hak_scan_limits *l = c->limits;
    const struct hak_filter *f = &l->filter;
    struct hak_finder_query query[2] = {{.kind = HAK_POSTING_BASE}, {.kind = HAK_POSTING_BASE}};
    int queries = 0;
    if (f->base)
        query[queries++].keys = &c->limits->filter.base, query[0].count = 1;
    else if (l->filter.base_count)
        query[queries++].keys = l->filter.bases, query[0].count = l->filter.base_count;
    else if (f->address)
        query[queries++].address = f->address;
    else if (f->base_to) {
        query[0].is_range = true;
        query[0].from = f->base_from;
        query[queries++].to = f->base_to;
    }
    bool asks_stack = f->stack || l->stacks[0] || l->stacks[1];
    if (asks_stack && queries < 2) {
        uint64_t a = f->stack ? f->stack : l->stacks[0], b = f->stack ? 0 : l->stacks[1];
        c->stack_key[0] = a && (!b || a < b) ? a : b;
        c->stack_key[1] = a < b ? b : a;
        query[queries].kind = HAK_POSTING_STACK;
        query[queries].keys = c->stack_key;
        query[queries++].count = a && b && a != b ? 2 : 1;
    }
    if (l->owner && queries < 2) {
        c->owner_key = l->owner;
        query[queries].kind = HAK_POSTING_OWNER;
        query[queries].keys = &c->owner_key;
        query[queries++].count = 1;
    }
    return queries ? hak_finder_open(&c->reader->postings, query, queries, c->backwards, &c->finder)
                   : 0;
}

/* Tells why there is no row of chunk *id: 1 and the gap, 0 it was dropped, or lies outside, or an
 * error. */
static int not_there(struct hak_chunk_choice *c, uint64_t *id, uint32_t *events) {
    static const char covers[] = "SELECT id, ?1 FROM chunk WHERE id < ?1 AND id > ?1 - 65536 AND"
                                 " id + events > ?1";
    uint64_t chunk;
    int found = hak_database_numbers(&c->reader->db, covers, *id, &chunk, 1);
    if (found == 1)
        return hak_scan_fail_chunk(c->reader, chunk, "row", "table chunk_order does not count it");
    return found < 0 ? found : find_gap(c, *id, id, events);
}

/* The number of events in the row of a chunk; 0 where that is impossible. */
static uint32_t events_of(const struct hak_query *q, int column) {
    uint64_t count = hak_query_number(q, column);
    return count <= HAK_CHUNK_EVENTS_MAX ? (uint32_t)count : 0;
}

/* Does the row of the chunk that postings speak of fit? 1 (also for a gap in its place), 0 no, or
 * an error. */
static int row_fits(struct hak_chunk_choice *c, uint64_t *id, uint32_t *events) {
    static const char sql[] =
        "SELECT events, id + events > ?1 AND id <= ?2 AND " ROW_FITS " FROM chunk WHERE id = ?10";
    struct hak_query q = ask_rows(c, sql, *id);
    bool found = hak_query_next(&q), fits = found && hak_query_number(&q, 1);
    if (found)
        *events = events_of(&q, 0);
    int error = hak_query_end(&q);
    return error ? error : found ? fits : not_there(c, id, events);
}

static bool is_past(const struct hak_chunk_choice *c, uint64_t id) {
    const struct hak_filter *f = &c->limits->filter;
    return c->backwards ? id + HAK_CHUNK_EVENTS_MAX <= f->id_from : f->id_to && id > f->id_to;
}

/* The next chunk that the postings name. 1, 0 at the end, or an error. */
static int next_found(struct hak_chunk_choice *c, uint64_t *id, uint32_t *events) {
    for (;;) {
        int got = hak_finder_next(c->finder, id);
        if (got < 0)
            return got;
        if (got == 0 || is_past(c, *id))
            return find_gap(c, 1, id, events); /* postings do not tell where the oldest chunk is */
        got = row_fits(c, id, events);
        if (got)
            return got;
    }
}

/* Is there a hole between what came and the row from `id` to `last`, or the end of the walk (0, 0)?
 * As find_gap. */
static int look_between(struct hak_chunk_choice *c, uint64_t id, uint64_t last, uint64_t *chunk,
                        uint32_t *events) {
    const struct hak_filter *f = &c->limits->filter;
    uint64_t due = c->due, lowest = f->id_from ? f->id_from : 1;
    if (c->backwards) {
        c->due = id ? id - 1 : 0;
        return due > last && due >= lowest ? find_gap(c, due, chunk, events) : 0;
    }
    c->due = last + 1;
    bool is_hole = id ? due < id : due <= f->id_to;
    return is_hole ? find_gap(c, due, chunk, events) : 0;
}

/* The next chunk of the list. 1, 0 at the end, or an error; a gap in the events counts as the
 * reader wants. */
static int next_listed(struct hak_chunk_choice *c, uint64_t *id, uint32_t *events) {
    for (;;) {
        if (!hak_query_next(&c->list))
            return c->list.error ? c->list.error : look_between(c, 0, 0, id, events);
        *id = hak_query_number(&c->list, 0);
        *events = *id ? events_of(&c->list, 1) : 0;
        int gap = *events ? look_between(c, *id, *id + *events - 1, id, events) : 0;
        if (gap)
            return gap;
        if (hak_query_number(&c->list, 2))
            return 1;
    }
}

int hak_chunks_choose(struct hak_chunk_choice *c, struct hak_store_reader *r,
                      const struct hak_scan_limits *limits, bool backwards) {
    *c = (struct hak_chunk_choice){.reader = r, .limits = limits, .backwards = backwards};
    int error = open_finder(c);
    if (!error && !c->finder)
        list_chunks(c);
    return error;
}

/* Chooses the next chunk that can have what the limits ask, or a gap. 1, 0 at the end, or an error.
 * The log's end is looked at where the walk comes to it: backwards at first. */
int hak_chunks_next(struct hak_chunk_choice *c, uint64_t *id, uint32_t *events) {
    const struct hak_filter *f = &c->limits->filter;
    if (c->backwards && !c->saw_end) {
        c->saw_end = true;
        int found = find_end(c, id, events);
        if (found)
            return found;
    }
    int got = c->finder ? next_found(c, id, events) : next_listed(c, id, events);
    bool has_passed = !c->finder && f->id_to && c->due > f->id_to; /* of one event, say */
    return got || c->backwards || has_passed ? got : find_end(c, id, events);
}

void hak_chunks_end(struct hak_chunk_choice *c) {
    hak_finder_close(c->finder);
    hak_query_end(&c->list);
    c->finder = NULL;
}
