/* Reads the profile of a capture that keeps nothing else: its peak, its runs, and the moments that
 * it can answer. */
#include "store/history/heap_inner.h"

#include <stdlib.h>
#include "base/growing.h"
#include "store/error.h"
#include "store/profile/profile.h"
#include "store/reader/inner.h"

static const char *decode(const struct hak_query *q, int column, struct hak_profile_run *run) {
    return hak_profile_run_decode(sqlite3_column_blob(q->statement, column),
                                  (size_t)sqlite3_column_bytes(q->statement, column), run);
}

/* ---- the peak ----------------------------------------------------------------------------------
 */

/* Rows of the run, whose keys are checked. NULL, or what is wrong. */
static const char *take_rows(struct hak_heap *out, const struct hak_profile_run *run,
                             const struct hak_profile_keys *keys) {
    out->row = calloc((size_t)run->rows + 1, sizeof *out->row);
    if (!out->row)
        return hak_store_memory_ended;
    for (uint32_t i = 0; i < run->rows; i++) {
        const struct hak_profile_row *w = &run->row[i];
        if (!w->key || w->key > keys->count)
            return "it names a key that is not there";
        const struct hak_profile_key *key = &keys->key[w->key - 1];
        out->row[out->rows++] = (struct hak_heap_row){.process = w->process,
                                                      .group = key->group,
                                                      .stack = key->stack,
                                                      .live = {w->came.blocks, w->came.bytes}};
    }
    return NULL;
}

int hak_heap_read_peak(struct hak_store_reader *r, struct hak_heap_peak *peak,
                       struct hak_heap *out) {
    struct hak_profile_keys keys = {0};
    struct hak_profile_run run = {0};
    *out = (struct hak_heap){0};
    *peak = (struct hak_heap_peak){0};
    struct hak_query q =
        hak_ask(&r->db, "SELECT event, ns, bytes, data FROM profile_peak", "reading its peak");
    uint64_t last = hak_database_number(&r->db, "SELECT max(last) FROM profile_run", 0);
    const char *wrong = NULL;
    int error = 0, result = 0;
    if (hak_query_next(&q)) {
        *peak = (struct hak_heap_peak){.event = hak_query_number(&q, 0),
                                       .ns = hak_query_number(&q, 1),
                                       .bytes = hak_query_number(&q, 2)};
        run.first = 1;
        run.last = peak->event;
        error = hak_heap_read_keys(r, &keys);
        wrong = error                                ? NULL
                : !peak->event || peak->event > last ? "there is no such event"
                                                     : decode(&q, 3, &run);
        if (!error && !wrong)
            wrong = take_rows(out, &run, &keys);
        result = 1;
    }
    if (wrong)
        error = hak_heap_fail_blob(r, "profile_peak", peak->event, wrong);
    int unread = hak_query_end(&q);
    hak_profile_keys_free(&keys);
    hak_profile_run_free(&run);
    return error ? error : unread ? unread : result;
}

/* ---- ends of runs ------------------------------------------------------------------------------
 */

int hak_heap_nearest(struct hak_store_reader *r, uint64_t event, uint64_t ns,
                     struct hak_heap_end *out) {
    static const char by_event[] =
        "SELECT event, ns FROM (SELECT last AS event, to_ns AS ns FROM profile_run UNION ALL"
        " SELECT 0, min(from_ns) FROM profile_run) ORDER BY abs(event - ?1) LIMIT 1";
    static const char by_time[] =
        "SELECT event, ns FROM (SELECT last AS event, to_ns AS ns FROM profile_run UNION ALL"
        " SELECT 0, min(from_ns) FROM profile_run) ORDER BY abs(ns - ?1), event LIMIT 1";
    *out = (struct hak_heap_end){0};
    struct hak_query q =
        hak_ask(&r->db, event ? by_event : by_time, "reading its runs", event ? event : ns);
    if (hak_query_next(&q))
        *out = (struct hak_heap_end){hak_query_number(&q, 0), hak_query_number(&q, 1)};
    return hak_query_end(&q);
}

/* ---- runs --------------------------------------------------------------------------------------
 */

/* Fills a step from a run, and the blocks and bytes that live, which go on from step to step; of
 * one process, or of all. */
static void fill_step(struct hak_heap_step *s, const struct hak_profile_run *run, uint32_t process,
                      uint64_t *blocks, uint64_t *bytes) {
    s->first = run->first;
    s->last = run->last;
    s->from_ns = run->tree.first_ns;
    s->to_ns = run->tree.last_ns;
    for (uint32_t i = 0; i < run->rows; i++) {
        const struct hak_profile_row *w = &run->row[i];
        if (process && w->process != process)
            continue;
        hak_amount_add(&s->came, w->came);
        hak_amount_add(&s->went, w->went);
        hak_amount_add(&s->brief, w->brief);
        *blocks += w->inherited.blocks + w->came.blocks - w->went.blocks;
        *bytes += w->inherited.bytes + w->came.bytes - w->went.bytes;
    }
    s->live = (struct hak_amount){*blocks, process ? *bytes : run->tree.live_bytes};
    s->most_bytes = run->tree.most_bytes;
    s->most_event = run->tree.most_at;
    s->most_ns = run->tree.most_ns;
    if (!process)
        return;
    s->most_bytes = s->most_event = s->most_ns = 0;
    for (uint32_t i = 0; i < run->processes; i++)
        if (run->process[i].process == process) {
            s->most_bytes = run->process[i].most_bytes;
            s->most_event = run->process[i].most_at;
            s->most_ns = run->process[i].most_ns;
        }
}

int hak_heap_read_steps(struct hak_store_reader *r, uint64_t from, uint64_t to, uint32_t process,
                        struct hak_heap_steps *out) {
    struct hak_profile_run run = {0};
    struct hak_query q = hak_ask(&r->db, "SELECT first, last, data FROM profile_run ORDER BY first",
                                 "reading its runs");
    uint64_t blocks = 0, bytes = 0;
    int error = 0;
    *out = (struct hak_heap_steps){0};
    while (!error && hak_query_next(&q)) {
        struct hak_heap_step step = {0};
        run.first = hak_query_number(&q, 0);
        run.last = hak_query_number(&q, 1);
        const char *wrong = decode(&q, 2, &run);
        if (!wrong && !run.is_alone)
            wrong = "it is a run of a capture with events";
        if (wrong) {
            error = hak_heap_fail_blob(r, "profile_run", run.first, wrong);
            break;
        }
        fill_step(&step, &run, process, &blocks, &bytes);
        if (step.last <= from)
            out->before = step.live;
        if (step.first <= from || (to && step.last > to))
            continue;
        if (!hak_growing_make_room(&out->step, out->steps, &out->room, sizeof *out->step))
            error = hak_store_no_memory(r->db.path);
        else
            out->step[out->steps++] = step;
    }
    hak_profile_run_free(&run);
    int unread = hak_query_end(&q);
    return error ? error : unread;
}

void hak_heap_free_steps(struct hak_heap_steps *steps) {
    free(steps->step);
    *steps = (struct hak_heap_steps){0};
}
