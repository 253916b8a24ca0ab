/* Writes the postings of each chunk as runs of one chunk, and has them joined to larger ones. */
#include <stdlib.h>
#include "store/postings/state.h"

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): long statements over two lines */
static const char *const sql[HAK_POSTING_STATEMENTS] = {
    [HAK_ORDER_PUT] = "INSERT INTO chunk_order VALUES(?1, ?2)",
    [HAK_ORDER_LAST] = "SELECT number FROM chunk_order ORDER BY number DESC LIMIT 1",
    [HAK_ORDER_OLDEST] = "SELECT number FROM chunk_order WHERE chunk >= ?1 ORDER BY number LIMIT 1",
    [HAK_ORDER_DROP] = "DELETE FROM chunk_order WHERE number < ?1",
    [HAK_RUN_PUT] = "INSERT INTO posting_run VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [HAK_RUN_AT] = "SELECT min_key, max_key, data FROM posting_run WHERE kind = ?1 AND level = ?2"
                   " AND first = ?3 AND max_key >= ?4 ORDER BY min_key LIMIT 1",
    [HAK_RUN_OLDEST] = "SELECT first FROM posting_run WHERE kind = ?1 AND level = ?2"
                       " ORDER BY first LIMIT 1",
    [HAK_RUN_SOURCES] = "SELECT DISTINCT level, first, last FROM posting_run WHERE kind = ?1"
                        " AND level < ?2 AND first BETWEEN ?3 AND ?4 ORDER BY first, level DESC",
    [HAK_RUN_PROGRESS] = "SELECT first, last, max(max_key) FROM posting_run WHERE kind = ?1"
                         " AND level = ?2 AND first BETWEEN ?3 AND ?4 GROUP BY first, last"
                         " HAVING max(max_key) < ?5 ORDER BY first DESC LIMIT 1",
    [HAK_RUN_DROP] = "DELETE FROM posting_run WHERE kind = ?1 AND level = ?2 AND first = ?3"
                     " AND max_key <= ?4",
    [HAK_RUN_TRIM] = "DELETE FROM posting_run WHERE kind = ?1 AND level = ?2 AND first < ?3"
                     " AND last < ?3",
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

void hak_posting_writer_free(struct hak_posting_writer *p) {
    if (!p)
        return;
    for (int i = 0; i < HAK_POSTING_STATEMENTS; i++)
        sqlite3_finalize(p->statement[i]);
    for (int i = 0; i < HAK_RUN_KINDS; i++) {
        hak_merge_free(p->single[i]);
        hak_merge_free(p->larger[i]);
    }
    hak_buffer_free(&p->blob);
    hak_run_keys_free(&p->keys);
    hak_run_row_free(&p->row);
    free(p);
}

int hak_posting_writer_make(const struct hak_database *db, struct hak_posting_writer **out) {
    struct hak_posting_writer *p = *out = calloc(1, sizeof *p);
    if (p)
        p->db = *db;
    if (p && hak_run_keys_init(&p->keys) && hak_run_row_init(&p->row))
        return 0;
    hak_posting_writer_free(p);
    *out = NULL;
    return hak_store_no_memory(db->path);
}

sqlite3_stmt *hak_posting_query(struct hak_posting_writer *p, enum hak_posting_statement which) {
    return hak_database_keep(&p->db, &p->statement[which], sql[which],
                             "preparing to store postings");
}

int hak_posting_do(struct hak_posting_writer *p, enum hak_posting_statement which,
                   const char *doing) {
    return hak_database_run(&p->db, p->statement[which], doing);
}

/* The one number that a statement gives: 1, 0 none, or an error. */
static int ask(struct hak_posting_writer *p, sqlite3_stmt *s, uint64_t *out) {
    int result = sqlite3_step(s), found = result == SQLITE_ROW;
    *out = found ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    if (!found && result != SQLITE_DONE)
        found = hak_database_fail(&p->db, "counting its chunks");
    sqlite3_reset(s);
    return found;
}

static int find_next(struct hak_posting_writer *p) {
    uint64_t last;
    if (p->knows_next)
        return 0;
    sqlite3_stmt *s = hak_posting_query(p, HAK_ORDER_LAST);
    int found = s ? ask(p, s, &last) : HAK_STORE_INTERNAL;
    p->next = found > 0 ? last + 1 : 0;
    p->knows_next = found >= 0;
    return found < 0 ? found : 0;
}

static int put_order(struct hak_posting_writer *p, uint64_t first_id) {
    sqlite3_stmt *s = hak_posting_query(p, HAK_ORDER_PUT);
    if (!s)
        return HAK_STORE_INTERNAL;
    sqlite3_bind_int64(s, 1, (sqlite3_int64)p->next);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)first_id);
    return hak_posting_do(p, HAK_ORDER_PUT, "counting its chunks");
}

static void begin_row(struct hak_posting_writer *p, enum hak_run_kind kind) {
    hak_run_row_begin(&p->row, kind, p->next, p->next);
    if (kind == HAK_RUN_BASE)
        p->row.distances = p->keys.distances;
}

/* The run of one chunk; a chunk without a key has a row, too, which says so. */
static int put_keys(struct hak_posting_writer *p, enum hak_run_kind kind) {
    const struct hak_run_keys *k = &p->keys;
    static const struct hak_span itself;
    uint64_t min_key = 0;
    int error = 0;
    begin_row(p, kind);
    for (uint32_t i = 0; i < k->count[kind] && !error; i++) {
        if (!hak_run_row_add(&p->row, k->key[kind][i], &itself, 1,
                             kind == HAK_RUN_LARGE ? k->extent[i] : 0))
            return hak_store_no_memory(p->db.path);
        if (hak_run_row_bytes(&p->row) < hak_run_sizes.row_bytes ||
            p->row.last_key >= HAK_RUN_KEY_LAST)
            continue;
        error = hak_merge_put_row(p, &p->row, 0, min_key, false);
        min_key = p->row.last_key + 1;
        begin_row(p, kind);
    }
    return error ? error : hak_merge_put_row(p, &p->row, 0, min_key, true);
}

int hak_posting_put_chunk(struct hak_posting_writer *p, const struct hak_columns *c,
                          uint64_t first_id) {
    int error = find_next(p);
    if (error)
        return error;
    hak_run_keys_collect(&p->keys, c);
    error = put_order(p, first_id);
    for (int kind = 0; kind < HAK_RUN_KINDS && !error; kind++)
        error = put_keys(p, (enum hak_run_kind)kind);
    p->next++;
    for (int kind = 0; kind < HAK_RUN_KINDS && !error; kind++) {
        uint64_t keys =
            hak_run_sizes.keys_for_a_key * p->keys.count[kind] + hak_run_sizes.keys_at_least;
        if (p->next % HAK_RUN_FAN_OUT == 0)
            error = hak_merge_now(p, &p->single[kind], (enum hak_run_kind)kind, p->next);
        if (!error)
            error = hak_merge_go_on(p, &p->larger[kind], (enum hak_run_kind)kind, p->next, keys);
    }
    return error;
}

void hak_posting_rolled_back(struct hak_posting_writer *p) {
    for (int i = 0; i < HAK_RUN_KINDS; i++) {
        hak_merge_forget(p->single[i]);
        hak_merge_forget(p->larger[i]);
    }
    p->knows_next = false;
}

int hak_posting_trim(struct hak_posting_writer *p, uint64_t first_kept) {
    sqlite3_stmt *s = hak_posting_query(p, HAK_ORDER_OLDEST);
    uint64_t number;
    if (!s)
        return HAK_STORE_INTERNAL;
    sqlite3_bind_int64(s, 1, (sqlite3_int64)first_kept);
    int found = ask(p, s, &number);
    if (found <= 0)
        return found;
    s = hak_posting_query(p, HAK_ORDER_DROP);
    if (!s)
        return HAK_STORE_INTERNAL;
    sqlite3_bind_int64(s, 1, (sqlite3_int64)number);
    int error = hak_posting_do(p, HAK_ORDER_DROP, "dropping its oldest events");
    for (int i = 0; i < HAK_RUN_KINDS * (HAK_RUN_LEVEL_MAX + 1) && !error; i++) {
        s = hak_posting_query(p, HAK_RUN_TRIM);
        if (!s)
            return HAK_STORE_INTERNAL;
        sqlite3_bind_int(s, 1, i % HAK_RUN_KINDS);
        sqlite3_bind_int(s, 2, i / HAK_RUN_KINDS);
        sqlite3_bind_int64(s, 3, (sqlite3_int64)number);
        error = hak_posting_do(p, HAK_RUN_TRIM, "dropping its oldest events");
    }
    for (int i = 0; i < HAK_RUN_KINDS; i++)
        hak_merge_dropped(p->larger[i], number);
    return error;
}

int hak_posting_finish(struct hak_posting_writer *p) {
    int error = find_next(p);
    for (int kind = 0; kind < HAK_RUN_KINDS && !error; kind++)
        error = hak_merge_rest(p, &p->single[kind], (enum hak_run_kind)kind, p->next);
    return error;
}
