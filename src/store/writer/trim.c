/* Keeps a store below its disk cap: drops the oldest chunks, and tells the number of events in
 * them. */
#include "store/writer/inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNKS_AT_A_TIME 4

uint64_t hak_store_used_bytes(struct hak_store_writer *w) {
    uint64_t pages = hak_database_number(&w->db, "PRAGMA page_count", 0);
    uint64_t spare = hak_database_number(&w->db, "PRAGMA freelist_count", 0);
    return spare < pages ? (pages - spare) * hak_database_number(&w->db, "PRAGMA page_size", 0) : 0;
}

void hak_store_keep_log_below(struct hak_store_writer *w, uint64_t bytes) {
    char sql[80];
    snprintf(sql, sizeof sql, "PRAGMA wal_autocheckpoint=%" PRIu64, bytes / 4096 + 1);
    hak_database_run(&w->db, sql, "setting up the write-ahead log");
}

/* Drops the chunks before the one that is `end`, with what all tables have of them. 0, or an
 * error. */
static int drop_before(struct hak_store_writer *w, uint64_t end) {
    static const char doing[] = "dropping its oldest events";
    int error = hak_profile_trim(w->profile, end); /* which may have to read them */
    if (!error)
        error = hak_do(&w->db, "DELETE FROM chunk_data WHERE chunk < ?", doing, HAK_NUMBER(end));
    if (!error)
        error = hak_do(&w->db, "DELETE FROM chunk WHERE id < ?", doing, HAK_NUMBER(end));
    if (!error && hak_database_has_table(&w->db, "superslab"))
        error = hak_do(&w->db, "DELETE FROM superslab WHERE event < ?", doing, HAK_NUMBER(end));
    if (!error)
        error = hak_posting_trim(w->postings, end);
    return error ? error : hak_live_trim(w->live, end);
}

int hak_store_trim(struct hak_store_writer *w, uint64_t max_bytes, uint64_t *events_dropped) {
    int error = 0;
    uint64_t first = hak_database_number(&w->db, "SELECT min(id) FROM chunk", 0);
    *events_dropped = 0;
    bool is_own = !w->in_transaction;
    if (hak_store_used_bytes(w) <= max_bytes)
        return 0;
    if (is_own && (error = hak_store_begin(w)) != 0)
        return error;
    uint64_t kept = first;
    while (!error && hak_store_used_bytes(w) > max_bytes) {
        uint64_t next = hak_database_number(
            &w->db, "SELECT id FROM chunk ORDER BY id LIMIT 1 OFFSET ?1", CHUNKS_AT_A_TIME);
        if (!next)
            next = hak_database_number(&w->db, "SELECT max(id) FROM chunk", 0);
        if (next <= kept)
            break; /* the newest chunk stays */
        error = drop_before(w, next);
        kept = next;
    }
    if (!error && kept > first) {
        char value[32];
        snprintf(value, sizeof value, "%" PRIu64, kept - 1); /* ids start at 1 and have no gaps */
        error = hak_store_put_meta(w, "trimmed_events", value);
        *events_dropped = kept - first;
    }
    if (is_own)
        error = error ? (hak_store_rollback(w), error) : hak_store_commit(w);
    return error;
}
