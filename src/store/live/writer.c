/* Makes the runs of states while the log is written, and merges them. */
#include "store/live/writer.h"

#include <stdlib.h>
#include <string.h>
#include "store/live/gather.h"
#include "store/live/merge.h"
#include "store/codec/codec.h"
#include "store/error.h"

#define BEGIN_AFTER  ((uint64_t)32 << 20) /* events: a shorter log is read as fast as its runs */
#define RUN_EVENTS   ((uint64_t)16 << 20)
#define RUN_CHUNKS   2048 /* commits of an idle program are small */
#define RUNS_A_LEVEL 16

#define LEVELS_MAX 16

#define STATES_A_STEP (2 * HAK_LIVE_PART_STATES) /* merged for each chunk that comes */
#define STEP_CHUNKS   5 /* read back for each STEP_PUTS that come: hardly felt, and they catch up */
#define STEP_PUTS     4

/* Runs of one level becoming one of the next, some parts at a time. */
struct merge {
    struct hak_live_merge in;
    struct hak_live_state part[HAK_LIVE_PART_STATES];
    uint32_t parts, count; /* written; in `part` */
};

struct hak_live_writer {
    struct hak_database db;
    struct hak_live_gather gather;
    uint64_t first_event, last_event, max_ns; /* what was gathered; first_event 0 = nothing */
    uint64_t next;                            /* event that is gathered next */
    uint32_t chunks, puts;
    bool is_started;   /* what was gathered agrees with the file up to `next` */
    bool has_all_ends; /* the gathering was lossy when the run began */

    struct merge *merge;
    struct hak_buffer scratch;
    uint64_t begin_after, run_events;
    uint32_t runs_a_level;
};

/* Gives the merge up; what it has written is dropped by the next one. */
static void stop_merge(struct hak_live_writer *l) {
    if (!l->merge)
        return;
    hak_live_merge_close(&l->merge->in);
    free(l->merge);
    l->merge = NULL;
}

int hak_live_writer_make(const struct hak_database *db, struct hak_live_writer **out) {
    struct hak_live_writer *l = *out = calloc(1, sizeof *l);
    if (!l || !hak_live_gather_init(&l->gather)) {
        free(l);
        *out = NULL;
        return hak_store_no_memory(db->path);
    }
    l->db = *db;
    l->begin_after = BEGIN_AFTER;
    l->run_events = RUN_EVENTS;
    l->runs_a_level = RUNS_A_LEVEL;
    return 0;
}

void hak_live_writer_free(struct hak_live_writer *l) {
    if (!l)
        return;
    stop_merge(l);
    hak_live_gather_free(&l->gather);
    hak_buffer_free(&l->scratch);
    free(l);
}

void hak_live_set_limits(struct hak_live_writer *l, uint64_t after, uint64_t events,
                         uint32_t runs) {
    l->begin_after = after;
    l->run_events = events;
    l->runs_a_level = runs < 2 ? 2 : runs > HAK_LIVE_RUNS_MAX ? HAK_LIVE_RUNS_MAX : runs;
}

void hak_live_rolled_back(struct hak_live_writer *l) {
    stop_merge(l);
    l->is_started = false;
}

void hak_live_note_loss(struct hak_live_writer *l) {
    l->gather.is_lossy = true;
}

/* ---- a chunk becomes states --------------------------------------------------------------------
 */

/* Applies one chunk's calls to the live states of the open run. 0, or an error without memory. */
static int add_columns(struct hak_live_writer *l, const struct hak_columns *c, uint64_t first_id,
                       uint64_t max_ns) {
    bool has_memory = hak_live_gather_chunk(&l->gather, c, first_id);
    l->max_ns = max_ns > l->max_ns ? max_ns : l->max_ns;
    if (!l->first_event) {
        l->first_event = first_id;
        l->has_all_ends = l->gather.is_lossy;
    }
    l->last_event = first_id + c->events - 1;
    l->chunks++;
    return has_memory ? 0 : hak_store_no_memory(l->db.path);
}

/* ---- a run becomes rows ------------------------------------------------------------------------
 */

/* Drops the gathered states: they are in a run, or not needed. */
static void begin_run(struct hak_live_writer *l) {
    hak_live_gather_clear(&l->gather);
    l->first_event = l->max_ns = 0;
    l->chunks = 0;
}

/* Writes the gathered states as a run, part by part; a run without any has one part, too. 0, or an
 * error. */
static int cut_run(struct hak_live_writer *l) {
    struct hak_live_run run = {.first_event = l->first_event,
                               .last_event = l->last_event,
                               .max_ns = l->max_ns,
                               .has_all_ends = l->has_all_ends};
    bool is_last = false;
    int error = hak_live_gather_sort(&l->gather) ? 0 : hak_store_no_memory(l->db.path);
    for (uint32_t part = 0; !error && !is_last; part++) {
        uint32_t from = part * HAK_LIVE_PART_STATES, left = l->gather.table.used - from;
        is_last = left <= HAK_LIVE_PART_STATES;
        error = hak_live_put_part(&l->db, &run, part, is_last, l->gather.table.state + from,
                                  is_last ? left : HAK_LIVE_PART_STATES, &l->scratch);
    }
    begin_run(l);
    return error;
}

static bool is_full(const struct hak_live_writer *l) {
    return l->last_event - l->first_event + 1 >= l->run_events || l->chunks >= RUN_CHUNKS ||
           hak_live_gather_is_full(&l->gather);
}

/* ---- runs become larger ones -------------------------------------------------------------------
 */

/* Finds out whether there are `runs_a_level` runs of a level, one behind the other, that no higher
 * run covers yet. 1 and they are opened, 0, or an error. */
static int find_merge(struct hak_live_writer *l, uint32_t level, struct hak_live_merge *m) {
    struct hak_live_run above = {0}, run[HAK_LIVE_RUNS_MAX];
    uint64_t from = 0;
    int found;
    while ((found = hak_live_find_run(&l->db, level + 1, from, &above)) == 1)
        from = above.last_event + 1;
    uint32_t count = 0;
    while (found == 0 && count < l->runs_a_level) {
        found = hak_live_find_run(&l->db, level, from, &run[count]);
        if (found <= 0)
            return found;
        if (count && run[count].first_event != from) {
            run[0] = run[count]; /* a hole: nothing before it can be merged with what follows */
            count = 0;
        }
        from = run[count].last_event + 1;
        count++;
        found = 0;
    }
    if (found < 0)
        return found;
    int error = 0;
    for (uint32_t i = 0; i < count && !error; i++)
        error = hak_live_merge_add(m, &l->db, &run[i]);
    return error ? error : 1;
}

/* Parts of a merge that was not brought to its end. */
static int drop_unfinished(struct hak_live_writer *l, const struct hak_live_run *run) {
    return hak_do(&l->db, "DELETE FROM live_run WHERE level = ? AND first_event = ?",
                  "tidying live checkpoints", HAK_NUMBER(run->level), HAK_NUMBER(run->first_event));
}

/* Begins the next merge that is due, the lowest level first; none may be. 0, or an error. */
static int start_merge(struct hak_live_writer *l) {
    int found = 0;
    l->merge = calloc(1, sizeof *l->merge);
    if (!l->merge)
        return hak_store_no_memory(l->db.path);
    for (uint32_t level = 0; level < LEVELS_MAX && found == 0; level++)
        found = find_merge(l, level, &l->merge->in);
    if (found == 1)
        found = drop_unfinished(l, &l->merge->in.run);
    else
        stop_merge(l);
    return found;
}

/* Writes one part of the merged run. 0, or an error. */
static int end_part(struct hak_live_writer *l, bool is_last) {
    struct merge *m = l->merge;
    int error =
        hak_live_put_part(&l->db, &m->in.run, m->parts++, is_last, m->part, m->count, &l->scratch);
    m->count = 0;
    return error;
}

/* Merges STATES_A_STEP states more; at the end begins the next merge. 0, or an error. */
static int go_on_merging(struct hak_live_writer *l) {
    struct merge *m = l->merge;
    struct hak_live_state s;
    int found = 1, error = 0;
    for (uint32_t i = 0;
         i < STATES_A_STEP && !error && (found = hak_live_merge_next(&m->in, &s)) == 1; i++) {
        if (m->count == HAK_LIVE_PART_STATES)
            error = end_part(l, false);
        m->part[m->count++] = s;
    }
    if (!error && found == 0) {
        error = end_part(l, true);
        stop_merge(l);
        return error ? error : start_merge(l);
    }
    return found < 0 ? found : error;
}

/* ---- the seam ----------------------------------------------------------------------------------
 */

static int number(const struct hak_live_writer *l, const char *sql, uint64_t argument,
                  uint64_t *out) {
    int found = hak_database_numbers(&l->db, sql, argument, out, 1);
    return found < 0 ? found : 0;
}

/* Finds the events behind the newest run of the file: from there on it is gathered anew. 0, or an
 * error. */
static int find_start(struct hak_live_writer *l) {
    uint64_t covered = 0, losses = 0;
    begin_run(l);
    l->last_event = 0;
    int error = number(l, "SELECT count(*), ?1 FROM loss", 0, &losses);
    if (!error)
        error = number(l,
                       "SELECT coalesce(max(last_event), 0), ?1 FROM live_run"
                       " WHERE level = 0 AND is_last",
                       0, &covered);
    l->gather.is_lossy |= losses > 0;
    l->next = covered + 1;
    l->is_started = !error;
    return error;
}

/* Applies the next chunk; a full run is written and a merge begun. 0, or an error. */
static int add_next(struct hak_live_writer *l, const struct hak_columns *c, uint64_t id,
                    uint64_t max_ns) {
    int error = add_columns(l, c, id, max_ns);
    l->next = id + c->events;
    if (!error && is_full(l)) {
        error = cut_run(l);
        if (!error && !l->merge)
            error = start_merge(l);
    }
    return error;
}

/* Decodes and applies one stored chunk. A broken one begins the run anew behind it, without an
 * error. */
static int decode_next(struct hak_live_writer *l, const struct hak_query *row,
                       struct hak_columns *columns) {
    struct hak_chunk chunk;
    uint64_t id = hak_query_number(row, 0);
    const char *wrong = hak_chunk_open(&chunk, sqlite3_column_blob(row->statement, 1),
                                       (size_t)sqlite3_column_bytes(row->statement, 1));
    if (!wrong)
        wrong = hak_chunk_decode(&chunk, columns, HAK_ALL_COLUMNS);
    if (!wrong)
        return add_next(l, columns, id, hak_query_number(row, 2));
    if (wrong == hak_store_memory_ended)
        return hak_store_no_memory(l->db.path);
    begin_run(l); /* `check` reports it; the runs begin anew behind it */
    l->next = id + 1;
    return 0;
}

/* Decodes the next few stored chunks before event `end` and applies them to the live blocks. Where
 * none lie before `end`, it goes on there. 0, or an error. */
static int gather_stored_chunks(struct hak_live_writer *l, uint64_t end) {
    struct hak_columns columns;
    int chunks = (STEP_CHUNKS + (int)(l->puts++ % STEP_PUTS)) / STEP_PUTS;
    if (!hak_columns_init(&columns))
        return hak_store_no_memory(l->db.path);
    struct hak_query q = hak_ask(&l->db,
                                 "SELECT chunk, data, max_ns FROM chunk_data JOIN chunk"
                                 " ON id = chunk WHERE chunk >= ?1 AND chunk < ?2"
                                 " ORDER BY chunk LIMIT ?3",
                                 "reading chunks for live checkpoints", l->next, end, chunks);
    int error = 0, fed = 0;
    for (; !error && hak_query_next(&q); fed++)
        error = decode_next(l, &q, &columns);
    int unread = hak_query_end(&q);
    error = error ? error : unread;
    if (!error && fed < chunks && l->next < end)
        l->next = end; /* there is nothing between */
    hak_columns_free(&columns);
    return error;
}

int hak_live_put_chunk(struct hak_live_writer *l, const struct hak_columns *c, uint64_t first_id,
                       uint64_t max_ns) {
    if (first_id + c->events <= l->begin_after)
        return 0;
    int error = l->is_started ? 0 : find_start(l);
    if (!error && l->next < first_id)
        error = gather_stored_chunks(l, first_id);
    if (!error && l->next == first_id)
        error = add_next(l, c, first_id, max_ns);
    if (!error && l->merge)
        error = go_on_merging(l);
    return error;
}

int hak_live_trim(struct hak_live_writer *l, uint64_t end) {
    uint64_t ignored;
    if (l->merge && l->merge->in.run.first_event < end)
        stop_merge(l);
    if (l->first_event && l->first_event < end)
        begin_run(l); /* the run begins anew behind what goes */
    return number(l, "DELETE FROM live_run WHERE first_event < ?1", end, &ignored);
}
