/* Sums up the keys due in the runs of postings and those found in them. */
#include "store/check/runs.h"

#include <stdlib.h>
#include "base/index.h"
#include "store/reader/inner.h"
#include "store/postings/postings.h"

struct chunk_sums {
    uint64_t keys[HAK_POSTING_KINDS];    /* due minus found */
    uint64_t distances, found_distances; /* a bit for each, by hash */
    uint64_t chunk;                      /* id; 0 = was not put */
};

struct hak_posting_check {
    struct hak_store_reader *reader;
    struct hak_check_findings *findings;
    bool is_sound;
    struct hak_posting_keys keys;
    uint64_t first; /* number of the oldest chunk */
    uint64_t chunks, holes;
    struct chunk_sums *sums; /* by number - first */
    struct hak_query order;  /* chunk_order, from the first chunk that is put */
};

#define REPORT_POSTINGS(c, ...) ((c)->is_sound = false, hak_check_add((c)->findings, __VA_ARGS__))

static const char checking_postings[] = "checking its postings";

int hak_posting_check_make(struct hak_store_reader *r, struct hak_check_findings *findings,
                           struct hak_posting_check **out) {
    uint64_t ends[2] = {0};
    struct hak_posting_check *c = *out = calloc(1, sizeof *c);
    if (!c)
        return hak_store_no_memory(r->db.path);
    c->reader = r;
    c->findings = findings;
    c->is_sound = true;
    int error = hak_posting_ends(&r->postings, ends);
    c->first = ends[0];
    c->chunks = ends[1] - ends[0] < (uint64_t)1 << 32 ? ends[1] - ends[0] : 0;
    c->sums = calloc(c->chunks + 1, sizeof *c->sums);
    if (!error && !(c->sums && hak_posting_keys_init(&c->keys)))
        error = hak_store_no_memory(r->db.path);
    return error;
}

void hak_posting_check_free(struct hak_posting_check *c) {
    if (!c)
        return;
    hak_query_end(&c->order);
    hak_posting_keys_free(&c->keys);
    free(c->sums);
    free(c);
}

static uint64_t bit_of(uint64_t distance) {
    return (uint64_t)1 << (hak_index_mix(0, distance) & 63);
}

/* The sums of a chunk, as chunk_order counts; NULL: chunk_order lacks it, which is reported. */
static struct chunk_sums *next_sums(struct hak_posting_check *c, uint64_t chunk, int *error) {
    if (!c->order.db)
        c->order = hak_ask(&c->reader->db, "SELECT number, chunk FROM chunk_order ORDER BY number",
                           checking_postings);
    bool found;
    uint64_t place = 0, counted = 0;
    while ((found = hak_query_next(&c->order))) {
        place = hak_query_number(&c->order, 0) - c->first;
        counted = hak_query_number(&c->order, 1);
        if (counted >= chunk)
            break;
        if (c->holes)
            c->holes--;
        else
            REPORT_POSTINGS(c, HAK_CHECK_COUNTED, counted);
    }
    *error = c->order.error;
    if (found && counted == chunk && place < c->chunks)
        return &c->sums[place];
    if (!*error)
        REPORT_POSTINGS(c, HAK_CHECK_UNCOUNTED, chunk);
    return NULL;
}

void hak_posting_check_missing_chunk(struct hak_posting_check *c) {
    if (c)
        c->holes++;
}

int hak_posting_check_chunk(struct hak_posting_check *check, uint64_t chunk,
                            const struct hak_columns *columns) {
    struct hak_posting_check *c = check;
    int error;
    struct chunk_sums *s = c->is_sound ? next_sums(c, chunk, &error) : NULL;
    if (!s)
        return c->is_sound ? error : 0;
    hak_posting_keys_collect(&c->keys, columns);
    s->chunk = chunk;
    for (int kind = 0; kind < HAK_POSTING_KINDS; kind++)
        for (uint32_t i = 0; i < c->keys.count[kind]; i++)
            s->keys[kind] += hak_index_mix((uint64_t)kind << 56, c->keys.key[kind][i]);
    for (uint32_t i = 0; i < c->keys.distances.count; i++)
        s->distances |= bit_of(c->keys.distances.distance[i]);
    if (c->keys.distances.many)
        s->distances = UINT64_MAX;
    return 0;
}

/* ---- the runs ----------------------------------------------------------------------------------
 */

/* The rows of a run, one after the other. */
struct place {
    enum hak_posting_kind kind;
    unsigned level;
    uint64_t first, last, id;
    uint64_t due_key; /* its next row begins here */
    uint64_t done_to; /* keys up to here are in the run that it is being joined to, + 1 */
};

/* Finds how far a run of a higher level over the same chunks has come: p->done_to is the key behind
 * its last one. 0, or an error. */
static int find_done_to(struct hak_posting_check *c, struct place *p) {
    struct hak_query q = hak_ask(&c->reader->db,
                                 "SELECT coalesce(max(max_key) + 1, 0) FROM posting_run WHERE"
                                 " kind = ?1 AND level > ?2 AND first <= ?3 AND last >= ?4",
                                 checking_postings, p->kind, p->level, p->first, p->last);
    p->done_to = hak_query_next(&q) ? hak_query_number(&q, 0) : 0;
    return hak_query_end(&q);
}

/* Takes the key from the sums of the chunks that the posting names: sums of 0 are left if all
 * match. */
static void subtract_key(struct hak_posting_check *c, const struct place *p,
                         const struct hak_posting_cursor *cursor) {
    uint64_t mixed = hak_index_mix((uint64_t)p->kind << 56, cursor->key);
    for (uint32_t i = 0; i < cursor->spans; i++)
        for (uint64_t n = cursor->span[i].from; n <= cursor->span[i].to; n++)
            if (p->first + n >= c->first && p->first + n - c->first < c->chunks)
                c->sums[p->first + n - c->first].keys[p->kind] -= mixed;
}

/* Notes the distances that a run claims, for each of its chunks. */
static void add_distances(struct hak_posting_check *c, const struct place *p,
                          const struct hak_distances *distances) {
    uint64_t bits = distances->many ? UINT64_MAX : 0;
    for (uint32_t i = 0; i < distances->count; i++)
        bits |= bit_of(distances->distance[i]);
    for (uint64_t n = p->first; n <= p->last && n < c->first + c->chunks; n++)
        if (n >= c->first)
            c->sums[n - c->first].found_distances |= bits;
}

/* Checks one row of postings, and subtracts its keys from those due. Anything that is wrong is a
 * finding. */
static void check_row(struct hak_posting_check *c, struct place *p, sqlite3_stmt *rows) {
    struct hak_posting_cursor *cursor = &c->reader->postings.run;
    uint64_t min_key = (uint64_t)sqlite3_column_int64(rows, 4);
    uint64_t max_key = (uint64_t)sqlite3_column_int64(rows, 5);
    const char *wrong = hak_posting_cursor_open(cursor, sqlite3_column_blob(rows, 6),
                                                (size_t)sqlite3_column_bytes(rows, 6));
    int got = wrong ? -1 : 1;
    if (!wrong && (cursor->kind != p->kind || cursor->first != p->first || cursor->last != p->last))
        wrong = "it is not the posting that its row speaks of";
    uint64_t group = hak_posting_level_chunks(p->level);
    if (!wrong && p->first / group != p->last / group)
        wrong = "it is of more chunks than its level joins";
    if (!wrong && min_key != p->due_key && (min_key > p->done_to || p->due_key != 0))
        wrong = "its keys do not begin where those of the row before it end";
    while (!wrong && (got = hak_posting_cursor_next(cursor, &wrong)) == 1) {
        if (cursor->key < min_key || (max_key < HAK_POSTING_KEY_LAST && cursor->key > max_key))
            wrong = "it has keys that are not of its range";
        if (cursor->key >= p->done_to || p->done_to == 0)
            subtract_key(c, p, cursor);
    }
    if (!wrong && p->kind == HAK_POSTING_BASE)
        add_distances(c, p, &cursor->distances);
    if (wrong)
        REPORT_POSTINGS(c, HAK_CHECK_POSTING, p->id, .keys = p->kind, .text = wrong);
    p->due_key = max_key + 1;
}

/* A finding if the posting's rows end before the last key, unless runs below it are still there. */
static void report_missing_rows(struct hak_posting_check *c, const struct place *p) {
    bool is_whole = p->due_key > HAK_POSTING_KEY_LAST;
    if (is_whole || !p->id)
        return;
    struct hak_query q = hak_ask(&c->reader->db,
                                 "SELECT count(*) FROM posting_run WHERE kind = ?1 AND level < ?2"
                                 " AND first >= ?3 AND last <= ?4",
                                 checking_postings, p->kind, p->level, p->first, p->last);
    bool has_none = hak_query_next(&q) && hak_query_number(&q, 0) == 0;
    if (hak_query_end(&q) == 0 && has_none)
        REPORT_POSTINGS(c, HAK_CHECK_POSTING_ROWS, p->id, .keys = p->kind);
}

/* Checks all rows of postings in order; those of a later version are passed over. 0, or an
 * error. */
static int read_runs(struct hak_posting_check *c) {
    struct place p = {0};
    int error = 0;
    struct hak_query q = hak_ask(&c->reader->db,
                                 "SELECT kind, level, first, last, min_key, max_key, data, id FROM"
                                 " posting_run ORDER BY kind, level, first, min_key",
                                 checking_postings);
    while (!error && hak_query_next(&q)) {
        int64_t kind = (int64_t)hak_query_number(&q, 0), level = (int64_t)hak_query_number(&q, 1);
        uint64_t first = hak_query_number(&q, 2);
        if (kind < 0 || kind >= HAK_POSTING_KINDS || level < 0)
            continue; /* of a later version */
        if (!p.id || p.kind != (enum hak_posting_kind)kind || p.level != level ||
            p.first != first) {
            report_missing_rows(c, &p);
            p = (struct place){.kind = (enum hak_posting_kind)kind,
                               .level = (unsigned)level,
                               .first = first,
                               .last = hak_query_number(&q, 3)};
            error = find_done_to(c, &p);
        }
        p.id = hak_query_number(&q, 7);
        if (!error)
            check_row(c, &p, q.statement);
    }
    report_missing_rows(c, &p);
    int unread = hak_query_end(&q);
    return error ? error : unread;
}

/* The kind of keys that is wrong, HAK_POSTING_KINDS for addresses, greater for none. */
static unsigned wrong_with(const struct chunk_sums *s) {
    for (unsigned kind = 0; kind < HAK_POSTING_KINDS; kind++)
        if (s->keys[kind])
            return kind;
    return HAK_POSTING_KINDS + !(s->distances & ~s->found_distances);
}

/* Reports chunks whose sums of keys differ from their postings; neighbours with the same finding
 * are reported together. */
static void compare_sums(struct hak_posting_check *c) {
    for (uint64_t i = 0; i < c->chunks; i++) {
        unsigned wrong = wrong_with(&c->sums[i]);
        uint64_t first = c->sums[i].chunk;
        if (!first || wrong > HAK_POSTING_KINDS)
            continue;
        while (i + 1 < c->chunks && c->sums[i + 1].chunk && wrong_with(&c->sums[i + 1]) == wrong)
            i++;
        REPORT_POSTINGS(c, HAK_CHECK_POSTINGS_DIFFER, first, .other = c->sums[i].chunk,
                        .keys = wrong);
    }
}

int hak_posting_check_end(struct hak_posting_check *c) {
    if (!c->is_sound)
        return 0; /* the chunks are not counted as they lie: then no posting can be right */
    while (c->order.db && hak_query_next(&c->order)) {
        if (!c->holes)
            REPORT_POSTINGS(c, HAK_CHECK_COUNTED, hak_query_number(&c->order, 1));
        c->holes -= c->holes > 0;
    }
    int error = read_runs(c);
    if (!error && c->is_sound)
        compare_sums(c);
    return error;
}
