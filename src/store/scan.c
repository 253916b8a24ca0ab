/* Walks chunks in either order and passes by those that cannot fit. */
#include "store/scan_state.h"

#include <stdlib.h>
#include "store/watch.h"

static int fail(struct hak_scan *s, const char *doing) {
    return hak_store_fail_sqlite(s->reader->database, s->reader->path, doing);
}

static int fail_chunk(struct hak_scan *s, const char *where, const char *wrong) {
    return hak_store_fail(HAK_STORE_BROKEN,
                          "%s: chunk %llu, %s: %s; the store is damaged: copy it again from where "
                          "it was made, or read the other chunks with --since and --until",
                          s->reader->path, (unsigned long long)s->chunk_id, where, wrong);
}

static struct hak_scan *new_scan(struct hak_store_reader *r) {
    struct hak_scan *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->reader = r;
    s->hit = malloc((HAK_CHUNK_EVENTS_MAX + 1) * sizeof *s->hit);
    s->mark = calloc(HAK_CHUNK_EVENTS_MAX, 1);
    if (s->hit && s->mark && hak_columns_init(&s->columns) && hak_posting_init(&s->posting))
        return s;
    hak_scan_free(s);
    return NULL;
}

void hak_scan_free(struct hak_scan *s) {
    if (!s)
        return;
    sqlite3_finalize(s->chunks);
    sqlite3_finalize(s->data);
    sqlite3_finalize(s->posting_rows);
    hak_columns_free(&s->columns);
    hak_posting_free(&s->posting);
    free(s->blob);
    free(s->hit);
    free(s->mark);
    free(s);
}

void hak_scan_close(struct hak_scan *s) {
    if (!s)
        return;
    sqlite3_finalize(s->chunks);
    s->chunks = NULL;
    sqlite3_reset(s->data);
    sqlite3_reset(s->posting_rows);
    if (s->reader->spare_scan)
        hak_scan_free(s);
    else
        s->reader->spare_scan = s;
}

/* The chunks that their rows do not exclude. */
static const char chunk_sql[] =
    "SELECT id, events FROM chunk"
    " WHERE id > ?1 - 65536 AND id + events > ?1 AND id <= ?2"
    " AND max_ns >= ?3 AND min_ns <= ?4"
    " AND (?5 = 0 OR process = 0 OR process = ?5) AND (?6 = 0 OR thread = 0 OR thread = ?6)"
    " AND ((?7 = 0 AND ?8 = 0) OR kinds_low & ?7 OR kinds_high & ?8)"
    " AND (?9 = 0 OR classes & ?9) ORDER BY id";

static int64_t open_end(uint64_t value) {
    return value == 0 || value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static int bind_chunks(struct hak_scan *s) {
    const struct hak_filter *f = &s->limits.filter;
    char sql[sizeof chunk_sql + 8];
    sqlite3_snprintf((int)sizeof sql, sql, "%s%s", chunk_sql, s->backwards ? " DESC" : "");
    if (sqlite3_prepare_v2(s->reader->database, sql, -1, &s->chunks, NULL) != SQLITE_OK)
        return fail(s, "listing its chunks");
    uint64_t class_bit =
        f->class_index < 0 ? 0 : (uint64_t)1 << (f->class_index < 63 ? f->class_index : 63);
    sqlite3_bind_int64(s->chunks, 1, f->id_from > INT64_MAX ? INT64_MAX : (int64_t)f->id_from);
    sqlite3_bind_int64(s->chunks, 2, open_end(f->id_to));
    sqlite3_bind_int64(s->chunks, 3, f->ns_from > INT64_MAX ? INT64_MAX : (int64_t)f->ns_from);
    sqlite3_bind_int64(s->chunks, 4, open_end(f->ns_to));
    sqlite3_bind_int64(s->chunks, 5, f->process);
    sqlite3_bind_int64(s->chunks, 6, f->thread);
    sqlite3_bind_int64(s->chunks, 7, (sqlite3_int64)f->kind_mask_low);
    sqlite3_bind_int64(s->chunks, 8, (sqlite3_int64)f->kind_mask_high);
    sqlite3_bind_int64(s->chunks, 9, (sqlite3_int64)class_bit);
    return 0;
}

int hak_scan_open(struct hak_store_reader *r, const struct hak_scan_limits *limits, bool backwards,
                  struct hak_scan **out) {
    struct hak_scan *s = r->spare_scan ? r->spare_scan : new_scan(r);
    r->spare_scan = NULL;
    *out = NULL;
    if (!s)
        return hak_store_fail(HAK_STORE_INTERNAL, "%s: out of memory", r->path);
    s->limits = *limits;
    if (!s->limits.columns)
        s->limits.columns = HAK_ALL_COLUMNS;
    s->backwards = backwards;
    s->is_done = false;
    s->hits = s->at = 0;
    s->chunks_opened = 0;
    if (!r->may_keep_chunks)
        s->chunk_id = 0; /* the writer may have taken a chunk back and written another */
    int error = bind_chunks(s);
    if (error)
        hak_scan_close(s);
    else
        *out = s;
    return error;
}

static bool posting_fits(const struct hak_scan *s, enum hak_posting_kind kind) {
    const struct hak_scan_limits *l = &s->limits;
    const struct hak_posting *p = &s->posting;
    if (kind == HAK_POSTING_STACK) {
        if (l->filter.stack && !hak_posting_has(p, l->filter.stack))
            return false;
        return (!l->stacks[0] && !l->stacks[1]) ||
               (l->stacks[0] && hak_posting_has(p, l->stacks[0])) ||
               (l->stacks[1] && hak_posting_has(p, l->stacks[1]));
    }
    if (l->filter.base && !hak_posting_has(p, l->filter.base))
        return false;
    if (l->filter.address && !hak_posting_may_have_address(p, l->filter.address))
        return false;
    if (l->filter.base_to) {
        uint32_t at = hak_posting_find(p, l->filter.base_from);
        if (at == p->count || p->key[at] > l->filter.base_to)
            return false;
    }
    for (uint32_t i = 0; i < l->base_count; i++)
        if (hak_posting_has(p, l->bases[i]))
            return true;
    return l->base_count == 0;
}

/* Reads the posting of `kind` that covers the chunk: 1 there, 0 none, or an error. */
static int load_posting(struct hak_scan *s, enum hak_posting_kind kind, uint64_t chunk) {
    if (!s->posting_rows &&
        sqlite3_prepare_v2(s->reader->database,
                           "SELECT data FROM posting WHERE kind = ?1 AND first_chunk = ?2"
                           " AND level = 0",
                           -1, &s->posting_rows, NULL) != SQLITE_OK)
        return fail(s, "looking for a posting");
    sqlite3_bind_int(s->posting_rows, 1, kind);
    sqlite3_bind_int64(s->posting_rows, 2, (sqlite3_int64)chunk);
    int result = sqlite3_step(s->posting_rows);
    const char *wrong = NULL;
    if (result == SQLITE_ROW)
        wrong = hak_posting_decode(&s->posting, sqlite3_column_blob(s->posting_rows, 0),
                                   (size_t)sqlite3_column_bytes(s->posting_rows, 0));
    else if (result != SQLITE_DONE)
        return fail(s, "reading a posting");
    sqlite3_reset(s->posting_rows);
    if (wrong) {
        s->chunk_id = chunk;
        fail_chunk(s, kind == HAK_POSTING_BASE ? "posting of bases" : "posting of stacks", wrong);
        s->chunk_id = 0;
        return HAK_STORE_BROKEN;
    }
    return result == SQLITE_ROW;
}

static int postings_fit(struct hak_scan *s, uint64_t chunk) {
    const struct hak_scan_limits *l = &s->limits;
    if (l->filter.base || l->filter.address || l->filter.base_to || l->base_count) {
        int there = load_posting(s, HAK_POSTING_BASE, chunk);
        if (there <= 0 || !posting_fits(s, HAK_POSTING_BASE))
            return there < 0 ? there : 0;
    }
    if (l->filter.stack || l->stacks[0] || l->stacks[1]) {
        int there = load_posting(s, HAK_POSTING_STACK, chunk);
        if (there <= 0 || !posting_fits(s, HAK_POSTING_STACK))
            return there < 0 ? there : 0;
    }
    return 1;
}

/* Makes the chunk's blob the current one, decoded as far as `mask` says. */
static int decode(struct hak_scan *s, unsigned mask) {
    const char *wrong = hak_chunk_decode(&s->chunk, &s->columns, mask);
    if (!wrong)
        return 0;
    int error = fail_chunk(s, s->chunk.wrong_column, wrong);
    s->chunk_id = 0;
    return error;
}

static int load_chunk(struct hak_scan *s, uint64_t id, uint32_t events) {
    if (s->chunk_id == id && s->chunk.events == events)
        return 0;
    if (!s->data &&
        sqlite3_prepare_v2(s->reader->database, "SELECT data FROM chunk_data WHERE chunk = ?1", -1,
                           &s->data, NULL) != SQLITE_OK)
        return fail(s, "looking for a chunk");
    sqlite3_reset(s->data);
    sqlite3_bind_int64(s->data, 1, (sqlite3_int64)id);
    int result = sqlite3_step(s->data);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return fail(s, "reading a chunk");
    s->chunk_id = id;
    size_t bytes = result == SQLITE_ROW ? (size_t)sqlite3_column_bytes(s->data, 0) : 0;
    const char *wrong = result == SQLITE_ROW ? NULL : "it is missing";
    if (!wrong && bytes > s->blob_room) {
        uint8_t *room = realloc(s->blob, bytes);
        if (!room)
            wrong = "there is not enough memory for it";
        else
            s->blob = room, s->blob_room = bytes;
    }
    if (!wrong) {
        if (bytes)
            memcpy(s->blob, sqlite3_column_blob(s->data, 0), bytes);
        wrong = hak_chunk_open(&s->chunk, s->blob, bytes);
    }
    sqlite3_reset(s->data);
    if (!wrong && (s->chunk.first_id != id || s->chunk.events != events))
        wrong = "it is not the chunk that its row speaks of";
    if (!wrong)
        return 0;
    int error = fail_chunk(s, "header", wrong);
    s->chunk_id = 0;
    return error;
}

/* Goes on to the next chunk that has events that fit: 1, 0 at the end, or an error. */
static int next_chunk(struct hak_scan *s) {
    for (;;) {
        int result = sqlite3_step(s->chunks);
        if (result != SQLITE_ROW)
            return result == SQLITE_DONE ? 0 : fail(s, "listing its chunks");
        uint64_t id = (uint64_t)sqlite3_column_int64(s->chunks, 0);
        int64_t events = sqlite3_column_int64(s->chunks, 1);
        int stopped = hak_watch_tell(s->reader, id, s->backwards);
        if (stopped)
            return stopped;
        int fits = postings_fit(s, id);
        if (fits < 0)
            return fits;
        if (!fits)
            continue;
        if (id == 0 || events <= 0 || events > HAK_CHUNK_EVENTS_MAX) {
            s->chunk_id = id;
            int error = fail_chunk(s, "row", "it has an impossible number of events");
            s->chunk_id = 0;
            return error;
        }
        int error = load_chunk(s, id, (uint32_t)events);
        if (!error)
            error = decode(s, hak_scan_asked_columns(&s->limits));
        if (error)
            return error;
        hak_scan_pick(s);
        if (!s->hits)
            continue;
        error = decode(s, s->limits.columns);
        s->at = 0;
        s->chunks_opened++;
        return error ? error : 1;
    }
}

int hak_scan_next(struct hak_scan *s, struct hak_event *out) {
    if (s->is_done)
        return 0;
    if (s->at == s->hits) {
        int found = next_chunk(s);
        if (found <= 0) {
            s->is_done = true;
            return found;
        }
    }
    uint32_t i = s->hit[s->backwards ? s->hits - 1 - s->at : s->at];
    s->at++;
    hak_columns_get(&s->columns, i, s->chunk_id + i, out);
    if (s->limits.columns != HAK_ALL_COLUMNS)
        hak_scan_clear_unwanted(out, s->limits.columns);
    return 1;
}

uint64_t hak_scan_chunks(const struct hak_scan *s) {
    return s->chunks_opened;
}

int hak_store_scan(struct hak_store_reader *r, const struct hak_filter *filter, bool backwards,
                   hak_event_each each, void *context) {
    struct hak_scan_limits limits = {.filter = *filter};
    struct hak_scan *scan;
    struct hak_event event;
    int result = hak_scan_open(r, &limits, backwards, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, &event)) == 1) {
        result = each(context, &event);
        if (result)
            break;
    }
    hak_scan_close(scan);
    return result;
}

int hak_store_event(struct hak_store_reader *r, uint64_t id, struct hak_event *out) {
    if (!id)
        return 0;
    struct hak_scan *s = r->event_scan;
    if (r->may_keep_chunks && s && s->chunk_id && id >= s->chunk_id &&
        id - s->chunk_id < s->chunk.events) {
        hak_columns_get(&s->columns, (uint32_t)(id - s->chunk_id), id, out);
        return 1;
    }
    struct hak_scan_limits limits = hak_scan_all();
    limits.filter.id_from = limits.filter.id_to = id;
    hak_scan_close(s);
    r->event_scan = NULL;
    int result = hak_scan_open(r, &limits, false, &s);
    if (result)
        return result;
    result = hak_scan_next(s, out);
    sqlite3_finalize(s->chunks); /* ends the read transaction; the decoded chunk stays */
    s->chunks = NULL;
    s->is_done = true;
    if (result < 0)
        s->chunk_id = 0;
    r->event_scan = s;
    return result;
}

int hak_scan_postings(struct hak_store_reader *r, enum hak_posting_kind kind, uint64_t low,
                      uint64_t high,
                      int (*each)(void *context, uint64_t first_chunk, const struct hak_posting *p),
                      void *context) {
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(r->database,
                           "SELECT first_chunk, data FROM posting WHERE kind = ?1 AND"
                           " max_key >= ?2 AND min_key <= ?3 ORDER BY first_chunk",
                           -1, &rows, NULL) != SQLITE_OK)
        return hak_store_fail_sqlite(r->database, r->path, "listing its postings");
    sqlite3_bind_int(rows, 1, kind);
    sqlite3_bind_int64(rows, 2, (sqlite3_int64)low);
    sqlite3_bind_int64(rows, 3, open_end(high));
    int result = SQLITE_DONE, told = 0;
    while (!told && (result = sqlite3_step(rows)) == SQLITE_ROW) {
        uint64_t chunk = (uint64_t)sqlite3_column_int64(rows, 0);
        if ((told = hak_watch_tell(r, chunk, false)) != 0)
            break;
        const char *wrong = hak_posting_decode(&r->posting, sqlite3_column_blob(rows, 1),
                                               (size_t)sqlite3_column_bytes(rows, 1));
        if (wrong)
            told =
                hak_store_fail(HAK_STORE_BROKEN,
                               "%s: chunk %llu, posting: %s; the store is damaged: copy it again "
                               "from where it was made",
                               r->path, (unsigned long long)chunk, wrong);
        else
            told = each(context, chunk, &r->posting);
    }
    if (!told && result != SQLITE_DONE)
        told = hak_store_fail_sqlite(r->database, r->path, "reading its postings");
    sqlite3_finalize(rows);
    return told;
}
