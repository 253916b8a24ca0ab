/* Puts the profile's rows, and sees to it that they are those of committed chunks. */
#include "store/profile/writer.h"

#include <stdlib.h>
#include "store/profile/gather.h"
#include "store/error.h"

#define RUN_EVENTS ((uint64_t)1 << 20)

struct hak_profile_writer {
    struct hak_database db;
    struct hak_profile_gather *gather; /* NULL = the profile has ended */
    bool has_tables;
    uint64_t run_events;
    struct hak_profile_run run;     /* first 0 = none that is to be put */
    bool is_run_put;                /* in the transaction */
    uint32_t keys_stored, keys_put; /* put: in the transaction */
    struct hak_buffer blob;
};

static void stop(struct hak_profile_writer *w) {
    hak_profile_gather_free(w->gather);
    w->gather = NULL;
}

int hak_profile_writer_make(const struct hak_database *db, uint64_t last_event,
                            struct hak_profile_writer **out) {
    struct hak_profile_writer *w = *out = calloc(1, sizeof *w);
    if (!w)
        return hak_store_no_memory(db->path);
    w->db = *db;
    w->run_events = RUN_EVENTS;
    w->has_tables =
        hak_database_number(db, "SELECT count(*) FROM sqlite_master WHERE name = 'profile_run'", 0);
    if (!last_event && w->has_tables)
        w->gather = hak_profile_gather_make();
    return 0;
}

void hak_profile_writer_free(struct hak_profile_writer *w) {
    if (!w)
        return;
    stop(w);
    hak_profile_run_free(&w->run);
    hak_buffer_free(&w->blob);
    free(w);
}

void hak_profile_set_limit(struct hak_profile_writer *w, uint64_t events) {
    w->run_events = events;
}

void hak_profile_writer_process(struct hak_profile_writer *w, uint32_t process, uint32_t parent,
                                uint64_t fork_event, uint32_t session, bool has_ended) {
    if (w->gather &&
        !hak_profile_note_process(w->gather, process, parent, fork_event, session, has_ended))
        stop(w);
}

void hak_profile_writer_thread(struct hak_profile_writer *w, uint32_t thread, uint32_t number) {
    if (w->gather && !hak_profile_note_thread(w->gather, thread, number))
        stop(w);
}

/* ---- rows --------------------------------------------------------------------------------------
 */

static const char doing[] = "storing the profile";

/* All keys up to `key`, and those behind it that are there. */
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
    return hak_do(&w->db, "INSERT INTO profile_run VALUES(?, ?, ?)", doing,
                  HAK_NUMBER(w->run.first), HAK_NUMBER(w->run.last),
                  HAK_BYTES(w->blob.data, w->blob.size));
}

/* A chunk that says nothing has a row all the same: so it is seen how far the profile goes. */
static int put_ends(struct hak_profile_writer *w, uint64_t first_id) {
    const struct hak_profile_chunk *ends = hak_profile_gathered(w->gather);
    uint32_t key = 0;
    for (uint32_t i = 0; i < ends->ends; i++)
        key = ends->end[i] > key ? ends->end[i] : key;
    for (uint32_t i = 0; i < ends->exceptions; i++)
        key = ends->exception[i].key > key ? ends->exception[i].key : key;
    int error = put_keys(w, key);
    if (error)
        return error;
    w->blob.size = 0;
    if ((ends->ends || ends->exceptions || ends->origins) &&
        !hak_profile_chunk_encode(ends, &w->blob))
        return hak_store_no_memory(w->db.path);
    return hak_do(&w->db, "INSERT INTO profile_chunk VALUES(?, ?)", doing, HAK_NUMBER(first_id),
                  HAK_BYTES(w->blob.data, w->blob.size));
}

int hak_profile_put_chunk(struct hak_profile_writer *w, const struct hak_columns *c,
                          uint64_t first_id) {
    if (!w->gather)
        return 0;
    int error = put_run(w);
    if (error)
        return error;
    if (!hak_profile_gather_chunk(w->gather, c, first_id)) {
        stop(w);
        return 0;
    }
    return put_ends(w, first_id);
}

/* The run so far becomes the one that is to be put. */
static bool end_run(struct hak_profile_writer *w) {
    if (!hak_profile_gather_run(w->gather, &w->run))
        return false;
    hak_profile_begin_run(w->gather);
    return true;
}

void hak_profile_committed(struct hak_profile_writer *w) {
    uint64_t first, last;
    if (w->is_run_put)
        w->run.first = 0;
    w->is_run_put = false;
    w->keys_stored = w->keys_put;
    if (w->gather && !hak_profile_gather_keep(w->gather))
        stop(w);
    if (!w->gather || w->run.first)
        return;
    hak_profile_gathered_events(w->gather, &first, &last);
    if (last && last - first + 1 >= w->run_events && !end_run(w))
        stop(w);
}

void hak_profile_rolled_back(struct hak_profile_writer *w) {
    w->is_run_put = false;
    w->keys_put = w->keys_stored;
    if (w->gather && !hak_profile_gather_take_back(w->gather))
        stop(w);
}

int hak_profile_finish(struct hak_profile_writer *w) {
    return put_run(w);
}

int hak_profile_trim(struct hak_profile_writer *w, uint64_t end) {
    uint64_t first, last;
    bool has_run = w->run.first != 0;
    int error = put_run(w);
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
