/* Finds, reads and writes the rows of runs of states. */
#include "store/live/run.h"

#include <stdlib.h>
#include "store/error.h"

int hak_live_find_run(const struct hak_database *db, uint32_t level, uint64_t first,
                      struct hak_live_run *out) {
    sqlite3_stmt *query;
    if (sqlite3_prepare_v2(db->connection,
                           "SELECT first_event, last_event, max_ns, has_all_ends FROM live_run"
                           " WHERE level = ?1 AND first_event >= ?2 AND is_last"
                           " ORDER BY first_event LIMIT 1",
                           -1, &query, NULL) != SQLITE_OK)
        return hak_database_fail(db, "looking for a live checkpoint");
    sqlite3_bind_int64(query, 1, level);
    sqlite3_bind_int64(query, 2, (sqlite3_int64)first);
    int result = sqlite3_step(query);
    if (result == SQLITE_ROW)
        *out = (struct hak_live_run){.first_event = (uint64_t)sqlite3_column_int64(query, 0),
                                     .last_event = (uint64_t)sqlite3_column_int64(query, 1),
                                     .max_ns = (uint64_t)sqlite3_column_int64(query, 2),
                                     .has_all_ends = sqlite3_column_int(query, 3) != 0,
                                     .level = level};
    int found = result == SQLITE_ROW    ? 1
                : result == SQLITE_DONE ? 0
                                        : hak_database_fail(db, "looking for a live checkpoint");
    sqlite3_finalize(query);
    return found;
}

static int fail_damaged(const char *path, const struct hak_live_run *run, const char *wrong) {
    return hak_store_fail(HAK_STORE_BROKEN,
                          "%s: live checkpoint of events %llu to %llu: %s; the store is damaged: "
                          "copy it again from where it was made",
                          path, (unsigned long long)run->first_event,
                          (unsigned long long)run->last_event, wrong);
}

/* Parts are numbered from 0 without a gap: what a lost one held would be missing from the answer.
 */
static int check_parts(const struct hak_database *db, const struct hak_live_run *run) {
    sqlite3_stmt *query;
    if (sqlite3_prepare_v2(db->connection,
                           "SELECT count(*) = max(part) + 1 FROM live_run"
                           " WHERE level = ?1 AND first_event = ?2",
                           -1, &query, NULL) != SQLITE_OK)
        return hak_database_fail(db, "reading a live checkpoint");
    sqlite3_bind_int64(query, 1, run->level);
    sqlite3_bind_int64(query, 2, (sqlite3_int64)run->first_event);
    int result = sqlite3_step(query);
    bool is_whole = result == SQLITE_ROW && sqlite3_column_int(query, 0) != 0;
    sqlite3_finalize(query);
    if (result != SQLITE_ROW)
        return hak_database_fail(db, "reading a live checkpoint");
    return is_whole ? 0 : fail_damaged(db->path, run, "one of its parts is not there");
}

int hak_live_cursor_open(struct hak_live_cursor *c, const struct hak_database *db,
                         const struct hak_live_run *run, uint32_t process, uint64_t from) {
    *c = (struct hak_live_cursor){.run = *run, .db = *db, .process = process, .from = from};
    c->state = malloc(HAK_LIVE_PART_STATES * sizeof *c->state);
    if (!c->state)
        return hak_store_no_memory(db->path);
    int error = check_parts(db, run);
    if (error)
        hak_live_cursor_close(c);
    return error;
}

/* No statement stays open between parts: the writer commits between them. */
static int next_part(struct hak_live_cursor *c) {
    sqlite3_stmt *row;
    c->at = c->count = 0;
    if (sqlite3_prepare_v2(c->db.connection,
                           "SELECT part, data FROM live_run WHERE level = ?1 AND first_event = ?2"
                           " AND part >= ?5 AND (?3 = 0 OR (min_process <= ?3 AND"
                           "  (max_process > ?3 OR (max_process = ?3 AND max_base >= ?4))))"
                           " ORDER BY part LIMIT 1",
                           -1, &row, NULL) != SQLITE_OK)
        return hak_database_fail(&c->db, "reading a live checkpoint");
    sqlite3_bind_int64(row, 1, c->run.level);
    sqlite3_bind_int64(row, 2, (sqlite3_int64)c->run.first_event);
    sqlite3_bind_int64(row, 3, c->process);
    sqlite3_bind_int64(row, 4, (sqlite3_int64)c->from);
    sqlite3_bind_int64(row, 5, c->next_part);
    int result = sqlite3_step(row);
    const char *wrong = NULL;
    if (result == SQLITE_ROW) {
        c->next_part = (uint32_t)sqlite3_column_int64(row, 0) + 1;
        wrong = hak_live_part_decode(sqlite3_column_blob(row, 1),
                                     (size_t)sqlite3_column_bytes(row, 1), c->state, &c->count);
    }
    sqlite3_finalize(row);
    if (result != SQLITE_ROW)
        return result == SQLITE_DONE ? 0 : hak_database_fail(&c->db, "reading a live checkpoint");
    return wrong ? fail_damaged(c->db.path, &c->run, wrong) : 1;
}

const struct hak_live_state *hak_live_cursor_peek(struct hak_live_cursor *c, int *error) {
    *error = 0;
    while (!c->is_done) {
        for (; c->at < c->count; c->at++) {
            const struct hak_live_state *s = &c->state[c->at];
            if (!c->process || (s->process == c->process && s->base >= c->from))
                return s;
            if (s->process > c->process)
                return NULL;
        }
        int result = next_part(c);
        if (result <= 0) {
            *error = result;
            c->is_done = true;
        }
    }
    return NULL;
}

void hak_live_cursor_close(struct hak_live_cursor *c) {
    free(c->state);
    *c = (struct hak_live_cursor){0};
}

int hak_live_put_part(const struct hak_database *db, const struct hak_live_run *run, uint32_t part,
                      bool is_last, const struct hak_live_state *states, uint32_t count,
                      struct hak_buffer *scratch) {
    sqlite3_stmt *s;
    scratch->size = 0;
    if (!hak_live_part_encode(states, count, scratch))
        return hak_store_no_memory(db->path);
    if (sqlite3_prepare_v2(db->connection,
                           "INSERT INTO live_run(level, first_event, last_event, max_ns,"
                           " has_all_ends, part, is_last, min_process, min_base, max_process,"
                           " max_base, states, data)"
                           " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                           -1, &s, NULL) != SQLITE_OK)
        return hak_database_fail(db, "storing a live checkpoint");
    const struct hak_live_state none = {0}, *low = count ? states : &none,
                                *high = count ? &states[count - 1] : &none;
    sqlite3_bind_int64(s, 1, run->level);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)run->first_event);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)run->last_event);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)run->max_ns);
    sqlite3_bind_int64(s, 5, run->has_all_ends);
    sqlite3_bind_int64(s, 6, part);
    sqlite3_bind_int64(s, 7, is_last);
    sqlite3_bind_int64(s, 8, low->process);
    sqlite3_bind_int64(s, 9, (sqlite3_int64)low->base);
    sqlite3_bind_int64(s, 10, high->process);
    sqlite3_bind_int64(s, 11, (sqlite3_int64)high->base);
    sqlite3_bind_int64(s, 12, count);
    sqlite3_bind_blob64(s, 13, scratch->data, scratch->size, SQLITE_STATIC);
    int result = sqlite3_step(s);
    sqlite3_finalize(s);
    return result == SQLITE_DONE ? 0 : hak_database_fail(db, "storing a live checkpoint");
}
