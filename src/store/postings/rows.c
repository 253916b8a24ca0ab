/* Lists the runs of postings and opens their rows. */
#include "store/postings/rows.h"

#include <stdlib.h>
#include "base/growing.h"
#include "store/error.h"

static const char reading[] = "reading its postings";

int hak_finder_row(struct hak_posting_reader *r, enum hak_posting_kind kind,
                   const struct hak_finder_run *run, uint64_t key, bool is_behind,
                   struct hak_finder_row *out) {
    static const char *const sql[] = {
        "SELECT min_key, max_key, data FROM posting_run WHERE kind = ?1 AND level = ?2"
        " AND first = ?3 AND min_key <= ?4 ORDER BY min_key DESC LIMIT 1",
        "SELECT min_key, max_key, data FROM posting_run WHERE kind = ?1 AND level = ?2"
        " AND first = ?3 AND min_key > ?4 ORDER BY min_key LIMIT 1"};
    key = key < HAK_POSTING_KEY_LAST ? key : HAK_POSTING_KEY_LAST;
    struct hak_query q =
        hak_ask(&r->db, sql[is_behind], reading, kind, run->level, run->first, key);
    bool found = hak_query_next(&q);
    if (found) {
        out->cursor = &r->run;
        out->min_key = hak_query_number(&q, 0);
        out->max_key = hak_query_number(&q, 1);
        found = out->max_key >= key &&
                !hak_posting_cursor_open(&r->run, sqlite3_column_blob(q.statement, 2),
                                         (size_t)sqlite3_column_bytes(q.statement, 2)) &&
                r->run.kind == kind && r->run.first == run->first && r->run.last == run->last;
    }
    int error = hak_query_end(&q);
    return error ? error : found;
}

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
    for (uint32_t i = 0; i < p->runs; i++)
        free(p->run[i].bits);
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
