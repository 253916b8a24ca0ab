/* Encodes runs that were added up elsewhere, and stores them with their keys and their peak. */
#include "store/profile/ready.h"

#include <stdlib.h>
#include "store/error.h"

static const char doing_ready[] = "storing a profile that was read";

/* Stores all keys. 0, or an error. */
static int put_all_keys(const struct hak_database *db, const struct hak_profile_keys *keys,
                        struct hak_buffer *blob) {
    blob->size = 0;
    if (!keys->count)
        return 0;
    if (!hak_profile_keys_encode(keys->key, keys->count, blob))
        return hak_store_no_memory(db->path);
    return hak_do(db, "INSERT INTO profile_key VALUES(?, ?, ?)", doing_ready, HAK_NUMBER(1),
                  HAK_NUMBER(keys->count), HAK_BYTES(blob->data, blob->size));
}

static int put_ready_run(const struct hak_database *db, const struct hak_profile_run *run,
                         struct hak_buffer *blob) {
    blob->size = 0;
    if (!hak_profile_run_encode(run, blob))
        return hak_store_no_memory(db->path);
    return hak_do(db,
                  "INSERT INTO profile_run(first, last, data, level, from_ns, to_ns)"
                  " VALUES(?, ?, ?, 0, ?, ?)",
                  doing_ready, HAK_NUMBER(run->first), HAK_NUMBER(run->last),
                  HAK_BYTES(blob->data, blob->size), HAK_NUMBER(run->tree.first_ns),
                  HAK_NUMBER(run->tree.last_ns));
}

/* Stores the blocks of `held`, whose allocated ones are those live then, as the peak. 0, or an
 * error. */
static int put_ready_peak(const struct hak_database *db, const struct hak_profile_run *held,
                          struct hak_buffer *blob) {
    blob->size = 0;
    if (!hak_profile_run_encode(held, blob))
        return hak_store_no_memory(db->path);
    return hak_do(db, "INSERT INTO profile_peak VALUES(1, ?, ?, ?, ?)", doing_ready,
                  HAK_NUMBER(held->last), HAK_NUMBER(held->tree.last_ns),
                  HAK_NUMBER(held->tree.live_bytes), HAK_BYTES(blob->data, blob->size));
}

/* Leaves in the run, which is joined of all so far, what is live at its end. */
static void keep_live(struct hak_profile_run *run) {
    uint32_t rows = 0;
    for (uint32_t i = 0; i < run->rows; i++) {
        struct hak_profile_row row = {.process = run->row[i].process, .key = run->row[i].key};
        row.came = run->row[i].came;
        hak_amount_take(&row.came, run->row[i].went);
        if (row.came.blocks || row.came.bytes)
            run->row[rows++] = row;
    }
    run->rows = rows;
    run->processes = 0;
    run->is_alone = false;
}

/* Joins the first `runs` runs to `held`, and keeps what is live behind them. False: no memory. */
static bool join_first(const struct hak_profile_run *run, uint32_t runs,
                       struct hak_profile_run *held) {
    *held = (struct hak_profile_run){0};
    for (uint32_t i = 0; i < runs; i++)
        if (!hak_profile_run_join(held, &run[i]))
            return false;
    held->first = 1;
    held->last = run[runs - 1].last;
    held->tree = run[runs - 1].tree;
    keep_live(held);
    return true;
}

int hak_profile_put_ready(const struct hak_database *db, const struct hak_profile_keys *keys,
                          const struct hak_profile_run *run, uint32_t runs) {
    struct hak_profile_run held;
    struct hak_buffer blob = {0};
    uint32_t most = 0;
    int error = put_all_keys(db, keys, &blob);
    for (uint32_t i = 0; i < runs && !error; i++) {
        error = put_ready_run(db, &run[i], &blob);
        if (run[i].tree.live_bytes > run[most].tree.live_bytes)
            most = i;
    }
    if (!error && runs) {
        error = join_first(run, most + 1, &held) ? put_ready_peak(db, &held, &blob)
                                                 : hak_store_no_memory(db->path);
        hak_profile_run_free(&held);
    }
    hak_buffer_free(&blob);
    return error;
}
