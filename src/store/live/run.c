/* Finds, reads and writes the rows of runs of states. */
#include "store/live/run.h"

#include <stdlib.h>
#include "store/error.h"

/* An error: the live run is damaged. */
static int fail_damaged(const char *path, const struct hak_live_run *run, const char *wrong) {
    return hak_store_fail_wrong(
        wrong, path,
        "%s: live checkpoint of events %llu to %llu: %s; the store is damaged: "
        "copy it again from where it was made",
        path, (unsigned long long)run->first_event, (unsigned long long)run->last_event, wrong);
}

int hak_live_find_run(const struct hak_database *db, uint32_t level, uint64_t first,
                      struct hak_live_run *out) {
    struct hak_query q =
        hak_ask(db,
                "SELECT first_event, last_event, max_ns, has_all_ends FROM live_run"
                " WHERE level = ?1 AND first_event >= ?2 AND is_last ORDER BY first_event LIMIT 1",
                "looking for a live checkpoint", level, first);
    bool found = hak_query_next(&q);
    if (found)
        *out = (struct hak_live_run){.first_event = hak_query_number(&q, 0),
                                     .last_event = hak_query_number(&q, 1),
                                     .max_ns = hak_query_number(&q, 2),
                                     .has_all_ends = hak_query_number(&q, 3) != 0,
                                     .level = level};
    int error = hak_query_end(&q);
    /* The next run is looked for behind the last event. */
    bool goes_on = !found || (out->last_event >= out->first_event && out->last_event < INT64_MAX);
    return error     ? error
           : goes_on ? found
                     : fail_damaged(db->path, out, "it ends before it begins");
}

static const char reading[] = "reading a live checkpoint";

/* Parts are numbered from 0 without a gap: the blocks of a lost one would be missing from the
 * answer. */
static int check_parts(const struct hak_database *db, const struct hak_live_run *run) {
    struct hak_query q = hak_ask(db,
                                 "SELECT count(*) = max(part) + 1 FROM live_run"
                                 " WHERE level = ?1 AND first_event = ?2",
                                 reading, run->level, run->first_event);
    bool is_whole = hak_query_next(&q) && hak_query_number(&q, 0);
    int error = hak_query_end(&q);
    return error || is_whole ? error : fail_damaged(db->path, run, "one of its parts is not there");
}

int hak_live_cursor_open(struct hak_live_cursor *c, const struct hak_database *db,
                         const struct hak_live_run *run, uint32_t process) {
    *c = (struct hak_live_cursor){.run = *run, .db = *db, .process = process};
    c->state = malloc(HAK_LIVE_PART_STATES * sizeof *c->state);
    if (!c->state)
        return hak_store_no_memory(db->path);
    int error = check_parts(db, run);
    if (error)
        hak_live_cursor_close(c);
    return error;
}

/* Reads the run's next part; no query stays open between parts, as the writer commits between them.
 * 1, 0: no more, or an error. */
static int next_part(struct hak_live_cursor *c) {
    c->at = c->count = 0;
    struct hak_query q =
        hak_ask(&c->db,
                "SELECT part, data FROM live_run WHERE level = ?1 AND first_event = ?2"
                " AND part >= ?4 AND (?3 = 0 OR (min_process <= ?3 AND max_process >= ?3))"
                " ORDER BY part LIMIT 1",
                reading, c->run.level, c->run.first_event, c->process, c->next_part);
    const char *wrong = NULL;
    bool found = hak_query_next(&q);
    if (found) {
        c->next_part = hak_query_id(&q, 0) + 1;
        wrong =
            hak_live_part_decode(sqlite3_column_blob(q.statement, 1),
                                 (size_t)sqlite3_column_bytes(q.statement, 1), c->state, &c->count);
    }
    int error = hak_query_end(&q);
    return error ? error : wrong ? fail_damaged(c->db.path, &c->run, wrong) : found;
}

void hak_live_cursor_hold(struct hak_live_cursor *c, struct hak_live_state *states,
                          uint32_t count) {
    *c = (struct hak_live_cursor){.has_all = true, .state = states, .count = count};
}

const struct hak_live_state *hak_live_cursor_peek(struct hak_live_cursor *c, int *error) {
    *error = 0;
    for (;;) {
        for (; c->at < c->count; c->at++) {
            const struct hak_live_state *s = &c->state[c->at];
            if (!c->process || s->process == c->process)
                return s;
            if (s->process > c->process)
                return NULL;
        }
        int result = c->has_all ? 0 : next_part(c);
        if (result <= 0) {
            *error = result;
            c->has_all = true;
            return NULL;
        }
    }
}

void hak_live_cursor_close(struct hak_live_cursor *c) {
    free(c->state);
    *c = (struct hak_live_cursor){0};
}

int hak_live_put_part(const struct hak_database *db, const struct hak_live_run *run, uint32_t part,
                      bool is_last, struct hak_live_state *states, uint32_t count,
                      struct hak_buffer *scratch) {
    scratch->size = 0;
    if (!hak_live_part_encode(states, count, scratch))
        return hak_store_no_memory(db->path);
    const struct hak_live_state none = {0}, *low = count ? states : &none,
                                *high = count ? &states[count - 1] : &none;
    return hak_do(db,
                  "INSERT INTO live_run(level, first_event, last_event, max_ns, has_all_ends, part,"
                  " is_last, min_process, min_base, max_process, max_base, states, data)"
                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "storing a live checkpoint", HAK_NUMBER(run->level), HAK_NUMBER(run->first_event),
                  HAK_NUMBER(run->last_event), HAK_NUMBER(run->max_ns),
                  HAK_NUMBER(run->has_all_ends), HAK_NUMBER(part), HAK_NUMBER(is_last),
                  HAK_NUMBER(low->process), HAK_NUMBER(low->base), HAK_NUMBER(high->process),
                  HAK_NUMBER(high->base), HAK_NUMBER(count),
                  HAK_BYTES(scratch->data, scratch->size));
}
