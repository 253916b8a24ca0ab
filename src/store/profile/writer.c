/* Writes the profile's rows, and only those of committed chunks. */
#include "store/profile/writer.h"

#include <stdlib.h>
#include "base/growing.h"
#include "store/profile/gather.h"
#include "store/error.h"

#define RUN_EVENTS  ((uint64_t)1 << 20)
#define BEGIN_AFTER ((uint64_t)32 << 20) /* events: a shorter log is read as fast as its runs */
#define STEP_CHUNKS 2                    /* read back for each one that comes */

/* Of a profile that stands alone. */
#define RUN_NS    ((uint64_t)1000000000)
#define LEVELS    12
#define JOINED    16 /* the oldest runs of a level that become one of the next */
#define LEVEL_MAX 32 /* runs of a level, then those are joined */

struct hak_profile_writer {
    struct hak_database db;
    struct hak_profile_gather *gather; /* NULL = it has not begun */
    bool has_tables, is_over;
    bool has_classes;  /* table profile_class: earlier versions made none */
    bool is_ahead;     /* more than a chunk of the transaction is gathered */
    bool is_caught_up; /* all chunks so far are */
    uint64_t next;     /* event that is gathered next */
    uint64_t run_events, begin_after;
    bool is_alone; /* nothing else is kept */
    uint64_t run_ns;
    struct written {
        uint32_t level_runs[LEVELS];
        uint64_t peak;              /* its event */
    } written, committed;           /* written: also what this transaction did */
    struct hak_profile_run run;     /* first 0 = none that is to be put */
    bool is_run_put;                /* in the transaction */
    uint32_t keys_stored, keys_put; /* put: in the transaction */
    struct hak_buffer blob;
};

/* Forgets all that was gathered, to begin anew with the first chunk. */
static void forget(struct hak_profile_writer *w) {
    hak_profile_gather_free(w->gather);
    w->gather = NULL;
    w->run.first = 0;
    w->keys_put = w->keys_stored = 0;
    w->is_run_put = w->is_ahead = w->is_caught_up = false;
}

static void stop(struct hak_profile_writer *w) {
    forget(w);
    w->is_over = true;
}

int hak_profile_writer_make(const struct hak_database *db, struct hak_profile_writer **out) {
    struct hak_profile_writer *w = *out = calloc(1, sizeof *w);
    if (!w)
        return hak_store_no_memory(db->path);
    w->db = *db;
    w->run_events = RUN_EVENTS;
    w->begin_after = BEGIN_AFTER;
    w->has_tables = hak_database_has_table(db, "profile_run");
    w->has_classes = hak_database_has_table(db, "profile_class");
    w->is_over = !w->has_tables;
    return 0;
}

void hak_profile_writer_free(struct hak_profile_writer *w) {
    if (!w)
        return;
    forget(w);
    hak_profile_run_free(&w->run);
    hak_buffer_free(&w->blob);
    free(w);
}

void hak_profile_stand_alone(struct hak_profile_writer *w) {
    w->is_alone = true;
    w->run_ns = RUN_NS;
    w->run_events = UINT64_MAX;
}

bool hak_profile_is_over(const struct hak_profile_writer *w) {
    return w->is_alone && w->is_over;
}

void hak_profile_set_limits(struct hak_profile_writer *w, uint64_t after, uint64_t events) {
    w->begin_after = after;
    w->run_events = events;
}

void hak_profile_writer_process(struct hak_profile_writer *w, uint32_t process, uint32_t parent,
                                uint64_t fork_event, uint32_t session, bool has_ended) {
    /* An ended process may have events that are not gathered yet. */
    if (w->gather && !hak_profile_note_process(w->gather, process, parent, fork_event, session,
                                               has_ended && w->is_caught_up))
        stop(w);
}

void hak_profile_writer_thread(struct hak_profile_writer *w, uint32_t thread, uint32_t number) {
    if (w->gather && !hak_profile_note_thread(w->gather, thread, number))
        stop(w);
}

/* ---- rows --------------------------------------------------------------------------------------
 */

static const char doing[] = "storing the profile";

/* Stores all keys up to `key`, and those behind it that are there; nothing if they are stored. 0,
 * or an error. */
static int put_keys(struct hak_profile_writer *w, uint32_t key) {
    const struct hak_profile_keys *keys = hak_profile_gathered_keys(w->gather);
    uint32_t from = w->keys_put;
    if (key <= from)
        return 0;
    w->blob.size = 0;
    if (!hak_profile_keys_encode(keys->key + from, keys->count - from, &w->blob))
        return hak_store_no_memory(w->db.path);
    w->keys_put = keys->count;
    return hak_do(&w->db, "INSERT INTO profile_key VALUES(?, ?, ?)", doing, HAK_NUMBER(from + 1),
                  HAK_NUMBER(keys->count - from), HAK_BYTES(w->blob.data, w->blob.size));
}

/* Stores a run of a level, encoded in w->blob. 0, or an error. */
static int insert_run(struct hak_profile_writer *w, const struct hak_profile_run *run,
                      uint32_t level) {
    w->written.level_runs[level]++;
    return hak_do(&w->db,
                  "INSERT INTO profile_run(first, last, data, level, from_ns, to_ns)"
                  " VALUES(?, ?, ?, ?, ?, ?)",
                  doing, HAK_NUMBER(run->first), HAK_NUMBER(run->last),
                  HAK_BYTES(w->blob.data, w->blob.size), HAK_NUMBER(level),
                  HAK_NUMBER(run->tree.first_ns), HAK_NUMBER(run->tree.last_ns));
}

/* Writes the rows live at the peak, where that is a new one. 0, or an error. */
static int put_peak(struct hak_profile_writer *w) {
    const struct hak_profile_peak *peak = hak_profile_gathered_peak(w->gather);
    struct hak_profile_run held = {.first = 1, .last = peak->event};
    if (!peak->event || peak->event == w->written.peak)
        return 0;
    for (uint32_t i = 1; i < peak->rows; i++) {
        const struct hak_profile_row *row = &peak->row[i];
        if (!row->came.blocks && !row->came.bytes)
            continue;
        if (!hak_growing_make_room(&held.row, held.rows, &held.row_room, sizeof *held.row)) {
            hak_profile_run_free(&held);
            return hak_store_no_memory(w->db.path);
        }
        held.row[held.rows++] =
            (struct hak_profile_row){.process = row->process, .key = row->key, .came = row->came};
    }
    hak_profile_run_sort(&held);
    w->blob.size = 0;
    bool is_coded = hak_profile_run_encode(&held, &w->blob);
    hak_profile_run_free(&held);
    if (!is_coded)
        return hak_store_no_memory(w->db.path);
    w->written.peak = peak->event;
    return hak_do(&w->db, "INSERT OR REPLACE INTO profile_peak VALUES(1, ?, ?, ?, ?)", doing,
                  HAK_NUMBER(peak->event), HAK_NUMBER(peak->ns), HAK_NUMBER(peak->bytes),
                  HAK_BYTES(w->blob.data, w->blob.size));
}

/* Joins the oldest runs of a level, which has enough of them, to one of the next. 0, or an
 * error. */
static int join_level(struct hak_profile_writer *w, uint32_t level) {
    struct hak_profile_run joined = {0}, next = {0};
    struct hak_query q = hak_ask(&w->db,
                                 "SELECT first, last, data FROM profile_run WHERE level = ?1"
                                 " ORDER BY first LIMIT ?2",
                                 "joining its profile", level, JOINED);
    bool has_memory = true;
    const char *wrong = NULL;
    while (!wrong && has_memory && hak_query_next(&q)) {
        struct hak_profile_run *to = joined.first ? &next : &joined;
        to->first = hak_query_number(&q, 0);
        to->last = hak_query_number(&q, 1);
        wrong = hak_profile_run_decode(sqlite3_column_blob(q.statement, 2),
                                       (size_t)sqlite3_column_bytes(q.statement, 2), to);
        if (!wrong && to == &next)
            has_memory = hak_profile_run_join(&joined, &next);
    }
    int error = hak_query_end(&q);
    w->blob.size = 0;
    if (!error && wrong == hak_store_memory_ended)
        error = hak_store_no_memory(w->db.path);
    if (!error && !wrong && (!has_memory || !hak_profile_run_encode(&joined, &w->blob)))
        error = hak_store_no_memory(w->db.path);
    if (!error && !wrong)
        error = hak_do(&w->db, "DELETE FROM profile_run WHERE first >= ? AND last <= ?", doing,
                       HAK_NUMBER(joined.first), HAK_NUMBER(joined.last));
    if (!error && !wrong)
        error = insert_run(w, &joined, level + 1);
    w->written.level_runs[level] -= JOINED; /* damaged ones are left, too: readers say so */
    hak_profile_run_free(&joined);
    hak_profile_run_free(&next);
    return error;
}

/* Stores the run, which is in w->blob, joins old runs of levels that have too many, and stores the
 * peak. 0, or an error. */
static int put_alone(struct hak_profile_writer *w) {
    int error = insert_run(w, &w->run, 0);
    for (uint32_t level = 0; level + 1 < LEVELS && !error; level++)
        if (w->written.level_runs[level] >= LEVEL_MAX)
            error = join_level(w, level);
    return error ? error : put_peak(w);
}

/* Stores what the process held in a class at this event. */
static int put_class(struct hak_profile_writer *w, uint32_t process, uint64_t event,
                     uint32_t class_index, const struct hak_amount *live) {
    return hak_do(&w->db, "INSERT OR REPLACE INTO profile_class VALUES(?, ?, ?, ?, ?)", doing,
                  HAK_NUMBER(process), HAK_NUMBER(event), HAK_NUMBER(class_index),
                  HAK_NUMBER(live->blocks), HAK_NUMBER(live->bytes));
}

/* Stores the finished run and its keys, if that has not been done. 0, or an error. */
static int put_run(struct hak_profile_writer *w) {
    if (!w->run.first || w->is_run_put || !w->gather)
        return 0;
    int error = put_keys(w, hak_profile_gathered_keys(w->gather)->count);
    if (error)
        return error;
    w->blob.size = 0;
    if (!hak_profile_run_encode(&w->run, &w->blob))
        return hak_store_no_memory(w->db.path);
    w->is_run_put = true;
    if (w->is_alone)
        return put_alone(w);
    error = hak_do(&w->db, "INSERT INTO profile_run(first, last, data) VALUES(?, ?, ?)", doing,
                   HAK_NUMBER(w->run.first), HAK_NUMBER(w->run.last),
                   HAK_BYTES(w->blob.data, w->blob.size));
    for (uint32_t i = 0; i < w->run.classes && w->has_classes && !error; i++) {
        const struct hak_profile_class *row = &w->run.class_row[i];
        error = put_class(w, row->process, w->run.last, row->class_index, &row->live);
    }
    return error;
}

/* Stores what the gathered chunk ended, with its keys. A chunk with nothing to say has a row all
 * the same: it shows how far the profile goes. 0, or an error. */
static int put_ends(struct hak_profile_writer *w, uint64_t first_id) {
    const struct hak_profile_chunk *ends = hak_profile_gathered(w->gather);
    uint32_t key = 0;
    for (uint32_t i = 0; i < ends->ends; i++)
        key = ends->end[i] > key ? ends->end[i] : key;
    for (uint32_t i = 0; i < ends->exceptions; i++)
        key = ends->exception[i].key > key ? ends->exception[i].key : key;
    int error = put_keys(w, key);
    if (!error && w->has_classes && hak_profile_has_other_class(w->gather))
        error = put_class(w, 0, first_id, 0, &(struct hak_amount){0});
    if (error)
        return error;
    w->blob.size = 0;
    if ((ends->ends || ends->exceptions || ends->origins) &&
        !hak_profile_chunk_encode(ends, &w->blob))
        return hak_store_no_memory(w->db.path);
    return hak_do(&w->db, "INSERT INTO profile_chunk VALUES(?, ?)", doing, HAK_NUMBER(first_id),
                  HAK_BYTES(w->blob.data, w->blob.size));
}

/* ---- chunk by chunk ----------------------------------------------------------------------------
 */

/* Takes the processes and threads that the store has already. 0, or an error. */
static int read_known_actors(struct hak_profile_writer *w) {
    struct hak_query q =
        hak_ask(&w->db, "SELECT id, parent, fork_event, session FROM process", "reading processes");
    while (w->gather && hak_query_next(&q))
        hak_profile_writer_process(w, hak_query_id(&q, 0), hak_query_id(&q, 1),
                                   hak_query_count(&q, 2), hak_query_id(&q, 3), false);
    int error = hak_query_end(&q);
    if (error)
        return error;
    q = hak_ask(&w->db, "SELECT id, number FROM thread", "reading threads");
    while (w->gather && hak_query_next(&q))
        hak_profile_writer_thread(w, hak_query_id(&q, 0), hak_query_id(&q, 1));
    return hak_query_end(&q);
}

/* Begins with the first event, which must be there, or stops the profile. The rows of an earlier
 * worker go. 0, or an error. */
static int start(struct hak_profile_writer *w, uint64_t first_id) {
    uint64_t first = hak_database_number(&w->db, "SELECT id FROM chunk ORDER BY id LIMIT 1", 0);
    w->next = 1;
    w->is_ahead = !w->is_alone; /* which has nothing to begin anew with, nor to delete */
    if (first != 1 && first_id != 1)
        stop(w);
    else
        w->gather = hak_profile_gather_make();
    if (!w->gather)
        return 0;
    if (w->is_alone) {
        hak_profile_gather_hold(w->gather);
        return read_known_actors(w);
    }
    int error = hak_database_run(
        &w->db, "DELETE FROM profile_key; DELETE FROM profile_chunk; DELETE FROM profile_run",
        doing);
    if (!error && w->has_classes)
        error = hak_database_run(&w->db, "DELETE FROM profile_class", doing);
    return error ? error : read_known_actors(w);
}

/* Stores a finished run, then gathers the chunk. Without memory, the profile stops. 0, or an
 * error. */
static int add_chunk(struct hak_profile_writer *w, const struct hak_columns *c, uint64_t id) {
    int error = put_run(w);
    if (error)
        return error;
    w->next = id + c->events;
    if (hak_profile_gather_chunk(w->gather, c, id))
        return w->is_alone ? 0 : put_ends(w, id);
    stop(w);
    return 0;
}

/* Makes the run so far the one that is to be put, and begins the next one. False without memory. */
static bool end_run(struct hak_profile_writer *w) {
    if (!hak_profile_gather_run(w->gather, &w->run))
        return false;
    hak_profile_begin_run(w->gather);
    return true;
}

/* Keeps the gathered chunk; a run that is long enough ends. */
static void keep(struct hak_profile_writer *w) {
    uint64_t first, last;
    if (w->gather && !hak_profile_gather_keep(w->gather))
        stop(w);
    if (!w->gather || w->run.first)
        return;
    hak_profile_gathered_events(w->gather, &first, &last);
    bool is_long = last && (last - first + 1 >= w->run_events ||
                            (w->is_alone && hak_profile_gathered_ns(w->gather) >= w->run_ns));
    if (is_long && !end_run(w))
        stop(w);
}

/* Adds a chunk that was stored before; nothing of this transaction can be taken back then. One that
 * is damaged stops the profile. 0, or an error. */
static int add_stored(struct hak_profile_writer *w, const struct hak_query *row,
                      struct hak_columns *c) {
    struct hak_chunk chunk;
    uint64_t id = hak_query_number(row, 0);
    const char *wrong = hak_chunk_open(&chunk, sqlite3_column_blob(row->statement, 1),
                                       (size_t)sqlite3_column_bytes(row->statement, 1));
    if (!wrong)
        wrong = hak_chunk_decode(&chunk, c, HAK_ALL_COLUMNS);
    if (wrong == hak_store_memory_ended)
        return hak_store_no_memory(w->db.path);
    if (wrong || id != w->next) {
        stop(w); /* `check` reports it */
        return 0;
    }
    hak_columns_spread(c);
    w->is_ahead = true;
    int error = add_chunk(w, c, id);
    if (error || !w->gather)
        return error;
    keep(w);
    error = put_run(w);
    w->run.first = 0;
    w->is_run_put = false;
    return error;
}

/* Gathers at most `chunks` chunks that are stored already, before event `end`. 0, or an error. */
static int catch_up(struct hak_profile_writer *w, uint64_t end, uint64_t chunks) {
    struct hak_columns columns;
    if (!hak_columns_init(&columns))
        return hak_store_no_memory(w->db.path);
    struct hak_query q =
        hak_ask(&w->db,
                "SELECT chunk, data FROM chunk_data WHERE chunk >= ?1 AND chunk < ?2"
                " ORDER BY chunk LIMIT ?3",
                "reading chunks for the profile", w->next, end, chunks);
    int error = 0;
    while (!error && w->gather && hak_query_next(&q))
        error = add_stored(w, &q, &columns);
    int unread = hak_query_end(&q);
    hak_columns_free(&columns);
    return error ? error : unread;
}

int hak_profile_catch_up(struct hak_profile_writer *w, uint64_t end) {
    int error = w->gather || w->is_over ? 0 : start(w, 0);
    return !error && w->gather && w->next < end ? catch_up(w, end, INT64_MAX) : error;
}

int hak_profile_put_chunk(struct hak_profile_writer *w, const struct hak_columns *c,
                          uint64_t first_id) {
    if (w->is_over || (!w->is_alone && !w->gather && first_id + c->events <= w->begin_after))
        return 0;
    int error = w->gather ? 0 : start(w, first_id);
    if (!error && w->gather && w->next < first_id)
        error = catch_up(w, first_id, STEP_CHUNKS);
    if (error || !w->gather || w->next != first_id)
        return error;
    w->is_caught_up = true;
    return add_chunk(w, c, first_id);
}

void hak_profile_committed(struct hak_profile_writer *w) {
    if (w->is_run_put)
        w->run.first = 0;
    w->is_run_put = w->is_ahead = false;
    w->keys_stored = w->keys_put;
    w->committed = w->written;
    keep(w);
}

void hak_profile_rolled_back(struct hak_profile_writer *w) {
    w->is_run_put = false;
    w->keys_put = w->keys_stored;
    w->written = w->committed;
    if (!w->gather)
        return;
    uint64_t first = hak_profile_chunk_first(w->gather);
    bool is_back = !w->is_ahead && hak_profile_gather_take_back(w->gather);
    if (!is_back && w->is_alone)
        stop(w); /* there are no events to begin anew with */
    else if (!is_back)
        forget(w);
    else if (first)
        w->next = first;
}

int hak_profile_finish(struct hak_profile_writer *w) {
    uint64_t first, last;
    int error = put_run(w);
    if (error || !w->is_alone || !w->gather || !hak_profile_is_kept(w->gather))
        return error;
    hak_profile_gathered_events(w->gather, &first, &last);
    if (last && !end_run(w))
        stop(w);
    w->is_run_put = false;
    return last ? put_run(w) : 0;
}

int hak_profile_trim(struct hak_profile_writer *w, uint64_t end) {
    uint64_t first, last;
    int error = hak_profile_catch_up(w, end);
    bool has_run = w->run.first != 0;
    if (!error)
        error = put_run(w);
    if (!error && !has_run && w->gather && hak_profile_is_kept(w->gather)) {
        hak_profile_gathered_events(w->gather, &first, &last);
        if (last && first < end && !end_run(w))
            stop(w);
        error = put_run(w);
    }
    return error || !w->has_tables ? error
                                   : hak_do(&w->db, "DELETE FROM profile_chunk WHERE chunk < ?",
                                            "dropping its oldest events", HAK_NUMBER(end));
}
