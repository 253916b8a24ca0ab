/* One commit: cut, transaction, COMMIT, and only then the tails move; and the full disk. */
#include "collector/worker/worker.h"

#define RETRY_NS    1000000000u
#define COUNT_NS    500000000u
#define RESERVE_MIN ((uint64_t)4 << 20) /* below the disk cap */
#define RESERVE_MAX ((uint64_t)64 << 20)
#define STEP_MIN    ((uint64_t)1 << 20) /* dropped at a time */
#define STEP_MAX    ((uint64_t)8 << 20)

/* Whether there is anything to commit: events, rows, nodes, losses, snapshots or frames. */
static bool is_anything(const struct hak_worker *w) {
    for (uint32_t i = 0; i < w->client_count; i++)
        if (hak_node_map_is_dirty(w->clients[i]))
            return true;
    return w->batch.count || w->capture.rows.dirty.count ||
           w->capture.rows.nodes_stored < w->capture.rows.node_count ||
           w->capture.rows.losses.count || w->capture.rows.suppressed.count || w->snapshots.count ||
           hak_resolve_is_dirty(&w->capture.resolve);
}

/* Puts all that waits into the store in one transaction. 0, or an error; it is rolled back then. */
static int put_all(struct hak_worker *w) {
    int error = hak_store_begin(w->capture.writer);
    if (error)
        return error;
    hak_batch_order(&w->batch, hak_store_last_event(w->capture.writer) + 1);
    error = hak_drain_settle(&w->drain, w->capture.writer);
    if (error == 0)
        error = hak_rows_flush(&w->capture.rows, w->capture.writer);
    for (uint32_t i = 0; i < w->client_count && error == 0; i++)
        error = hak_node_map_put(w->clients[i], &w->capture.rows, w->capture.writer);
    if (error == 0 && w->batch.count)
        error = hak_store_put_columns(w->capture.writer, &w->batch.columns);
    if (error == 0)
        error = hak_snapshots_put(&w->snapshots, w->capture.writer);
    if (error == 0)
        error = hak_resolve_flush(&w->capture.resolve, w->capture.writer);
    if (error == 0)
        error = hak_cut_put_cursors(&w->cut, w->capture.writer);
    if (error == 0)
        error = hak_store_commit(w->capture.writer);
    if (error)
        hak_store_rollback(w->capture.writer);
    return error;
}

/* Notes which records of the rings are in the batch, which is not stored. */
static void lose_records(struct hak_client *c) {
    for (uint32_t i = 0; i < c->rings_high; i++)
        hak_client_lose(&c->rings[i], c->rings[i].stored, c->rings[i].position);
}

/* Counts the events of the batch, which will not be stored, for each thread, to be told when it
 * goes; all that waits is taken back. */
static void lose_batch(struct hak_worker *w, const char *reason) {
    hak_rows_rolled_back(&w->capture.rows);
    for (uint32_t i = 0; i < w->client_count; i++) {
        hak_node_map_lose(w->clients[i]);
        w->clients[i]->last_fault_event = 0;
        lose_records(w->clients[i]);
    }
    hak_drain_forget_pending(&w->drain);
    hak_snapshots_rolled_back(&w->snapshots, w->capture.writer != NULL);
    const uint64_t *actor = w->batch.columns.value[HAK_COLUMN_ACTOR];
    const uint64_t *ns = w->batch.columns.value[HAK_COLUMN_NS];
    for (uint32_t i = 0; i < w->batch.count;) {
        uint32_t end = i + 1;
        while (end < w->batch.count && actor[end] >> 32 == actor[i] >> 32)
            end++;
        hak_rows_add_loss(&w->capture.rows, (uint32_t)(actor[i] >> 32), 0, ns[i], ns[end - 1],
                          end - i, reason);
        i = end;
    }
}

/* Says that the store takes no more, once for a capture: a disk that is full may be so again and
 * again. */
static void tell_trouble(struct hak_worker *w) {
    if (!w->trouble_said)
        hak_say("%s; the capture stays as it is, what comes from now on is counted as lost until "
                "there is room",
                hak_store_message());
    w->trouble_said = true;
}

static uint64_t clip(uint64_t value, uint64_t low, uint64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* Keeps the file and its log below the cap together: drops the oldest chunks when the used part
 * comes near it, a few at a time, so that no commit waits long for it; their room is used again
 * before the file grows. The reserve is for the log, and for one commit. */
static void keep_below_cap(struct hak_worker *w) {
    uint64_t cap = w->max_bytes, dropped = 0;
    if (cap == 0)
        return;
    uint64_t reserve = clip(cap / 4, RESERVE_MIN, RESERVE_MAX);
    uint64_t limit = cap > reserve ? cap - reserve : 0;
    if (hak_store_used_bytes(w->capture.writer) <= limit)
        return;
    uint64_t step = clip(cap / 64, STEP_MIN, STEP_MAX);
    if (hak_store_trim(w->capture.writer, limit > step ? limit - step : 0, &dropped) != 0)
        tell_trouble(w);
}

/* Stores the batch and all that waits. False: there is no store or it is in trouble, and the batch
 * is counted as lost. */
static bool store(struct hak_worker *w, uint64_t now) {
    if (!w->capture.writer) {
        lose_batch(w, "no store");
        return false;
    }
    if (now < w->trouble_until_ns && !w->finish_wanted) {
        lose_batch(w, hak_store_profile_is_over(w->capture.writer) ? HAK_LOSS_STORE_FAILED
                                                                   : HAK_LOSS_DISK_FULL);
        return false;
    }
    int error = put_all(w);
    if (error) {
        tell_trouble(w);
        w->trouble_until_ns = now + RETRY_NS;
        lose_batch(w, error == HAK_STORE_FULL ? HAK_LOSS_DISK_FULL : HAK_LOSS_STORE_FAILED);
        return false;
    }
    hak_rows_committed(&w->capture.rows);
    for (uint32_t i = 0; i < w->client_count; i++)
        hak_node_map_committed(w->clients[i]);
    hak_drain_forget_pending(&w->drain);
    hak_snapshots_committed(&w->snapshots);
    hak_resolve_committed(&w->capture.resolve);
    hak_made_code_mark(&w->capture.resolve.made, w->capture.rows.node_count, now);
    w->commits++;
    keep_below_cap(w);
    return true;
}

bool hak_worker_commit(struct hak_worker *worker) {
    return hak_worker_commit_until(worker, hak_cut_now());
}

bool hak_worker_commit_until(struct hak_worker *worker, struct hak_cut_moment moment) {
    uint64_t now = hak_time_ns();
    hak_batch_clear(&worker->batch);
    hak_cut_fill(&worker->cut, worker->clients, worker->client_count, &worker->drain,
                 worker->bell.epoll, worker->capture.start_ns, moment);
    for (uint32_t i = 0; i < worker->client_count; i++) {
        const struct hak_client *c = worker->clients[i];
        hak_snapshots_take(&worker->snapshots, worker->clients[i], &worker->capture.rows, now,
                           c->is_file ? hak_clock_ns(&c->clock, c->file_end_ticks)
                                      : now - worker->capture.start_ns);
    }
    if (now - worker->last_count_ns >= COUNT_NS) {
        worker->last_count_ns = now;
        for (uint32_t i = 0; i < worker->client_count; i++) {
            hak_client_copy_counters(worker->clients[i], &worker->capture.rows);
            hak_names_read(worker->clients[i], &worker->capture.rows);
        }
    }
    worker->last_cut_ns = now;
    if (is_anything(worker))
        store(worker, now);
    hak_leaks_settle(&worker->findings, &worker->capture);
    hak_cut_stored(&worker->cut, worker->clients, worker->client_count);
    for (uint32_t i = 0; i < worker->client_count; i++)
        hak_client_release(worker->clients[i], &worker->capture.rows);
    return worker->cut.more;
}
