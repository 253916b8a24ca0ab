/* Keeps a store below its disk cap: the oldest chunks go, and it is said how many events went. */
#include "store/writer/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNKS_AT_A_TIME 4

static int64_t query_number(struct hak_store_writer *w, const char *sql) {
    sqlite3_stmt *query;
    int64_t number = -1;
    if (sqlite3_prepare_v2(w->db.connection, sql, -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        number = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return number;
}

uint64_t hak_store_used_bytes(struct hak_store_writer *w) {
    int64_t pages = query_number(w, "PRAGMA page_count");
    int64_t spare = query_number(w, "PRAGMA freelist_count");
    int64_t used = (pages - spare) * query_number(w, "PRAGMA page_size");
    return used > 0 ? (uint64_t)used : 0;
}

void hak_store_keep_log_below(struct hak_store_writer *w, uint64_t bytes) {
    char sql[80];
    snprintf(sql, sizeof sql, "PRAGMA wal_autocheckpoint=%" PRIu64, bytes / 4096 + 1);
    sqlite3_exec(w->db.connection, sql, NULL, NULL, NULL);
}

/* Drops the chunks before the one that is `end`. */
static int drop_before(struct hak_store_writer *w, int64_t end) {
    char sql[400];
    snprintf(sql, sizeof sql,
             "DELETE FROM chunk_data WHERE chunk < %" PRId64 ";"
             "DELETE FROM chunk WHERE id < %" PRId64 ";",
             end, end);
    if (sqlite3_exec(w->db.connection, sql, NULL, NULL, NULL) != SQLITE_OK)
        return hak_database_fail(&w->db, "dropping its oldest events");
    int error = hak_posting_trim(w->postings, (uint64_t)end);
    return error ? error : hak_live_trim(w->live, (uint64_t)end);
}

int hak_store_trim(struct hak_store_writer *w, uint64_t max_bytes, uint64_t *events_dropped) {
    int error = 0;
    int64_t first = query_number(w, "SELECT min(id) FROM chunk");
    *events_dropped = 0;
    bool is_own = !w->in_transaction;
    if (hak_store_used_bytes(w) <= max_bytes)
        return 0;
    if (is_own && (error = hak_store_begin(w)) != 0)
        return error;
    int64_t kept = first;
    while (!error && hak_store_used_bytes(w) > max_bytes) {
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT id FROM chunk ORDER BY id LIMIT 1 OFFSET %d",
                 CHUNKS_AT_A_TIME);
        int64_t next = query_number(w, sql);
        if (next < 0)
            next = query_number(w, "SELECT max(id) FROM chunk");
        if (next <= kept)
            break; /* the newest chunk stays */
        error = drop_before(w, next);
        kept = next;
    }
    if (!error && kept > first) {
        char value[32];
        snprintf(value, sizeof value, "%" PRId64, kept - 1); /* ids start at 1 and have no gaps */
        error = hak_store_put_meta(w, "trimmed_events", value);
        *events_dropped = (uint64_t)(kept - first);
    }
    if (is_own)
        error = error ? (hak_store_rollback(w), error) : hak_store_commit(w);
    return error;
}
