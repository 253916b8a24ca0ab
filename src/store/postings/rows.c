/* Lists the runs of postings and opens their rows. */
#include "store/postings/rows.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "store/error.h"

static const char reading[] = "reading its postings";

/* Opens a row's keys. 1, 0: broken, or of another run; or an error. */
static int open_run_row(struct hak_posting_reader *r, enum hak_posting_kind kind,
                        const struct hak_finder_run *run, const void *data, size_t bytes,
                        struct hak_finder_row *out) {
    out->cursor = &r->run;
    const char *wrong = hak_posting_cursor_open(&r->run, data, bytes);
    if (wrong == hak_store_memory_ended)
        return hak_store_no_memory(r->db.path);
    return !wrong && r->run.kind == kind && r->run.first == run->first && r->run.last == run->last;
}

int hak_finder_row(struct hak_posting_reader *r, enum hak_posting_kind kind,
                   const struct hak_finder_run *run, uint64_t key, bool is_behind,
                   struct hak_finder_row *out) {
    static const char *const sql[] = {
        "SELECT min_key, max_key, data FROM posting_run WHERE kind = ?1 AND level = ?2"
        " AND first = ?3 AND min_key <= ?4 ORDER BY min_key DESC LIMIT 1",
        "SELECT min_key, max_key, data FROM posting_run WHERE kind = ?1 AND level = ?2"
        " AND first = ?3 AND min_key > ?4 ORDER BY min_key LIMIT 1"};
    key = key < HAK_POSTING_KEY_LAST ? key : HAK_POSTING_KEY_LAST;
    if (!is_behind && run->ahead.data && run->ahead.min_key <= key && key <= run->ahead.max_key) {
        out->min_key = run->ahead.min_key;
        out->max_key = run->ahead.max_key;
        return open_run_row(r, kind, run, run->ahead.data, run->ahead.bytes, out);
    }
    struct hak_query q =
        hak_ask(&r->db, sql[is_behind], reading, kind, run->level, run->first, key);
    int found = hak_query_next(&q);
    if (found) {
        out->min_key = hak_query_number(&q, 0);
        out->max_key = hak_query_number(&q, 1);
        found = out->max_key < key
                    ? 0
                    : open_run_row(r, kind, run, sqlite3_column_blob(q.statement, 2),
                                   (size_t)sqlite3_column_bytes(q.statement, 2), out);
    }
    int error = hak_query_end(&q);
    return error ? error : found;
}

/* ---- rows of several runs at once -------------------------------------------------------------
 */

enum { AHEAD = 16 };

struct wanted {
    struct hak_finder_run *run[AHEAD];
    uint64_t id[1 + AHEAD]; /* of the rows, from 1 on, as they are bound; 0 = none */
    int count;
};

/* The id of the row in which `key` lies, 0 none. 0 or an error. */
static int find_row(struct hak_posting_reader *r, enum hak_posting_kind kind,
                    const struct hak_finder_run *run, uint64_t key, uint64_t *id) {
    static const char sql[] = "SELECT id FROM posting_run WHERE kind = ?1 AND level = ?2"
                              " AND first = ?3 AND min_key <= ?4 ORDER BY min_key DESC LIMIT 1";
    key = key < HAK_POSTING_KEY_LAST ? key : HAK_POSTING_KEY_LAST;
    struct hak_query q = hak_ask(&r->db, sql, reading, kind, run->level, run->first, key);
    *id = hak_query_next(&q) ? hak_query_number(&q, 0) : 0;
    return hak_query_end(&q);
}

/* A row larger than any is left to hak_finder_row. False: no memory. */
static bool take_ahead(struct wanted *w, const struct hak_query *q) {
    size_t bytes = (size_t)sqlite3_column_bytes(q->statement, 3);
    for (int i = 0; i < w->count; i++) {
        if (w->id[1 + i] != hak_query_number(q, 0) || w->run[i]->ahead.data || !bytes ||
            bytes > HAK_POSTING_ROW_BYTES_MAX)
            continue;
        void *data = malloc(bytes);
        if (!data)
            return false;
        memcpy(data, sqlite3_column_blob(q->statement, 3), bytes);
        w->run[i]->ahead.data = data;
        w->run[i]->ahead.bytes = bytes;
        w->run[i]->ahead.min_key = hak_query_number(q, 1);
        w->run[i]->ahead.max_key = hak_query_number(q, 2);
    }
    return true;
}

/* Reads the wanted rows in one question. 0, or an error. */
static int read_wanted(struct hak_posting_reader *r, struct wanted *w) {
    static const char sql[] =
        "SELECT id, min_key, max_key, data FROM posting_run WHERE id IN"
        " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    _Static_assert(AHEAD == 16, "their ids are listed above");
    bool has_memory = true;
    struct hak_query q = hak_ask_with(&r->db, sql, reading, w->id, AHEAD);
    while (has_memory && hak_query_next(&q))
        has_memory = take_ahead(w, &q);
    int error = hak_query_end(&q);
    return error ? error : has_memory ? 0 : hak_store_no_memory(r->db.path);
}

int hak_finder_read_ahead(struct hak_posting_reader *r, const struct hak_finder_part *p,
                          uint32_t at, uint64_t from, uint64_t to, uint64_t key, uint32_t *behind) {
    struct wanted w = {0};
    int error = 0;
    for (; at < p->runs && p->run[at].first <= to && w.count < AHEAD && !error; at++) {
        struct hak_finder_run *run = &p->run[at];
        if (run->last < from || run->is_read)
            continue;
        w.run[w.count] = run;
        error = find_row(r, p->query.kind, run, key, &w.id[1 + w.count]);
        w.count += w.id[1 + w.count] != 0;
    }
    *behind = at;
    return error || !w.count ? error : read_wanted(r, &w);
}

void hak_finder_forget_ahead(struct hak_finder_run *run) {
    free(run->ahead.data);
    run->ahead.data = NULL;
}

/* ---- runs -------------------------------------------------------------------------------------
 */

/* Inserts a run in the order of its first chunk. False without memory. */
static bool add_run(struct hak_finder_part *p, uint32_t *room, struct hak_finder_run run) {
    if (!hak_growing_make_room(&p->run, p->runs, room, sizeof *p->run))
        return false;
    uint32_t at = p->runs++;
    for (; at && p->run[at - 1].first > run.first; at--)
        p->run[at] = p->run[at - 1];
    p->run[at] = run;
    return true;
}

int hak_finder_list(struct hak_posting_reader *r, enum hak_posting_kind kind,
                    struct hak_finder_part *p) {
    static const char sql[] = "SELECT first, last FROM posting_run WHERE kind = ?1 AND level = ?2"
                              " AND first > ?3 ORDER BY first LIMIT 1";
    uint32_t room = 0;
    int error = 0;
    for (unsigned level = 0; level <= HAK_POSTING_LEVEL_MAX && !error; level++) {
        struct hak_query q = hak_ask(&r->db, sql, reading, kind, level, (uint64_t)-1);
        while (!error && hak_query_next(&q)) {
            struct hak_finder_run run = {
                .level = level, .first = hak_query_number(&q, 0), .last = hak_query_number(&q, 1)};
            if (run.first > INT64_MAX)
                break; /* damage */
            if (run.last >= run.first && run.last - run.first < HAK_POSTING_CHUNKS_MAX &&
                !add_run(p, &room, run))
                error = hak_store_no_memory(r->db.path);
            hak_query_again(&q);
            sqlite3_bind_int64(q.statement, 3, (sqlite3_int64)run.first);
        }
        int unread = hak_query_end(&q);
        error = error ? error : unread;
    }
    return error;
}

void hak_finder_free_part(struct hak_finder_part *p) {
    for (uint32_t i = 0; i < p->runs; i++) {
        free(p->run[i].bits);
        hak_finder_forget_ahead(&p->run[i]);
    }
    free(p->run);
    free(p->own_keys);
}

int hak_posting_ends(struct hak_posting_reader *r, uint64_t ends[2]) {
    int found = hak_database_numbers(&r->db,
                                     "SELECT coalesce((SELECT min(number) FROM chunk_order), 0),"
                                     " coalesce((SELECT max(number) FROM chunk_order) + 1, 0), ?1",
                                     0, ends, 2);
    if (found > 0 && ends[1] < ends[0])
        ends[1] = ends[0];
    return found < 0 ? found : 0;
}
