/* Adds up the events once more, and compares the sums with the stored profile. */
#include "store/check/profile.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "store/error.h"
#include "store/profile/profile.h"
#include "store/reader/inner.h"

struct hak_profile_check {
    struct hak_store_reader *reader;
    struct hak_check_findings *findings;
    struct hak_profile_keys keys; /* stored */
    struct hak_profile_gather *gather;
    uint64_t next; /* event that is gathered next; 0 = no more are */
    uint64_t end;  /* behind the last run */
    struct hak_profile_run stored, due;
    struct hak_profile_chunk chunk;
};

static void add_wrong_profile(struct hak_profile_check *k, const char *table, uint64_t id,
                              const char *wrong) {
    hak_check_add(k->findings, HAK_CHECK_PROFILE, id, .column = table, .text = wrong);
}

static const void *blob_of(const struct hak_query *q, int column, size_t *bytes) {
    *bytes = (size_t)sqlite3_column_bytes(q->statement, column);
    return sqlite3_column_blob(q->statement, column);
}

/* ---- rows --------------------------------------------------------------------------------------
 */

/* Reads the profile's keys; a broken row is a finding. 0, or an error. */
static int read_keys(struct hak_profile_check *k) {
    struct hak_query q = hak_ask(
        &k->reader->db, "SELECT id, keys, data FROM profile_key ORDER BY id", "reading keys");
    while (hak_query_next(&q)) {
        size_t bytes;
        const void *blob = blob_of(&q, 2, &bytes);
        uint32_t before = k->keys.count;
        const char *wrong = hak_query_number(&q, 0) != before + 1
                                ? "keys are missing before it"
                                : hak_profile_keys_decode(blob, bytes, &k->keys);
        if (!wrong && k->keys.count - before != hak_query_number(&q, 1))
            wrong = "it has another number of keys than it says";
        if (wrong)
            add_wrong_profile(k, "profile_key", hak_query_number(&q, 0), wrong);
        if (wrong)
            break;
    }
    return hak_query_end(&q);
}

/* Says what is wrong with the keys of a run's rows; NULL: nothing. */
static const char *check_keys(const struct hak_profile_check *k,
                              const struct hak_profile_run *run) {
    for (uint32_t i = 0; i < run->rows; i++)
        if (!run->row[i].key || run->row[i].key > k->keys.count)
            return "it names a key that is not there";
    return NULL;
}

/* Live bytes of each process at the end of a run, by its rows; its own line must say the same. */
struct live_sums {
    uint64_t *live; /* by row id */
    uint32_t room;
};

/* Adds a run to the live sums, and compares them with what the run says. Returns what is wrong, or
 * NULL. */
static const char *check_live(const struct hak_profile_run *run, struct live_sums *s) {
    for (uint32_t i = 0; i < run->rows; i++) {
        const struct hak_profile_row *w = &run->row[i];
        if (w->process >= HAK_PROFILE_ROWS_MAX)
            return "a process is impossible";
        if (!hak_growing_reach(&s->live, w->process, &s->room, sizeof *s->live))
            return hak_store_memory_ended;
        s->live[w->process] += w->inherited.bytes + w->came.bytes - w->went.bytes;
    }
    for (uint32_t i = 0; i < run->processes; i++) {
        const struct hak_profile_process *p = &run->process[i];
        if (p->process >= HAK_PROFILE_ROWS_MAX)
            return "a process is impossible";
        if (!hak_growing_reach(&s->live, p->process, &s->room, sizeof *s->live))
            return hak_store_memory_ended;
        if (s->live[p->process] != p->live_bytes)
            return "its rows add up to something else than its processes hold";
    }
    return NULL;
}

/* Checks that all runs follow each other, and compares them with each other. */
static int check_runs(struct hak_profile_check *k) {
    struct hak_query q =
        hak_ask(&k->reader->db, "SELECT first, last, data FROM profile_run ORDER BY first",
                "reading its runs");
    struct live_sums sums = {0};
    bool is_alone = k->reader->is_profile_only;
    k->end = 1;
    while (hak_query_next(&q)) {
        size_t bytes;
        const void *blob = blob_of(&q, 2, &bytes);
        k->stored.first = hak_query_number(&q, 0);
        k->stored.last = hak_query_number(&q, 1);
        const char *wrong = k->stored.first != k->end || k->stored.last < k->stored.first
                                ? "runs are missing before it"
                                : hak_profile_run_decode(blob, bytes, &k->stored);
        if (!wrong && k->stored.is_alone != is_alone)
            wrong = "it is of the other kind of captures";
        if (!wrong)
            wrong = check_keys(k, &k->stored);
        if (!wrong && is_alone)
            wrong = check_live(&k->stored, &sums);
        if (wrong)
            add_wrong_profile(k, "profile_run", k->stored.first, wrong);
        k->end = k->stored.last + 1;
    }
    free(sums.live);
    return hak_query_end(&q);
}

/* Checks the stored peak; what is wrong is a finding. 0, or an error. */
static int check_peak(struct hak_profile_check *k) {
    struct hak_query q =
        hak_ask(&k->reader->db, "SELECT event, bytes, data FROM profile_peak", "reading its peak");
    while (hak_query_next(&q)) {
        size_t bytes;
        const void *blob = blob_of(&q, 2, &bytes);
        uint64_t live = 0;
        k->stored.first = 1;
        k->stored.last = hak_query_number(&q, 0);
        const char *wrong = !k->stored.last || k->stored.last >= k->end
                                ? "there is no such event"
                                : hak_profile_run_decode(blob, bytes, &k->stored);
        if (!wrong)
            wrong = check_keys(k, &k->stored);
        for (uint32_t i = 0; i < k->stored.rows && !wrong; i++)
            live += k->stored.row[i].came.bytes;
        if (!wrong && live != hak_query_number(&q, 1))
            wrong = "its rows add up to something else";
        if (wrong)
            add_wrong_profile(k, "profile_peak", hak_query_number(&q, 0), wrong);
    }
    return hak_query_end(&q);
}

/* ---- against the events ------------------------------------------------------------------------
 */

/* Tells the gatherer of all processes and threads. 0, or an error. */
static int note_actors(struct hak_profile_check *k) {
    bool is_noted = true;
    struct hak_query q = hak_ask(
        &k->reader->db, "SELECT id, parent, fork_event, session FROM process", "reading processes");
    while (is_noted && hak_query_next(&q))
        is_noted = hak_profile_note_process(k->gather, hak_query_id(&q, 0), hak_query_id(&q, 1),
                                            hak_query_count(&q, 2), hak_query_id(&q, 3), false);
    int error = hak_query_end(&q);
    q = hak_ask(&k->reader->db, "SELECT id, number FROM thread", "reading threads");
    while (is_noted && hak_query_next(&q))
        is_noted = hak_profile_note_thread(k->gather, hak_query_id(&q, 0), hak_query_id(&q, 1));
    int unread = hak_query_end(&q);
    return error ? error : unread ? unread : is_noted ? 0 : hak_store_no_memory(k->reader->db.path);
}

int hak_profile_check_make(struct hak_store_reader *r, struct hak_check_findings *findings,
                           struct hak_profile_check **out) {
    *out = NULL;
    if (!hak_database_has_table(&r->db, "profile_run") ||
        !hak_database_number(&r->db,
                             "SELECT EXISTS (SELECT 1 FROM profile_run) +"
                             " EXISTS (SELECT 1 FROM profile_chunk)",
                             0))
        return 0;
    struct hak_profile_check *k = calloc(1, sizeof *k);
    if (!k)
        return hak_store_no_memory(r->db.path);
    k->reader = r;
    k->findings = findings;
    k->next = 1;
    k->gather = hak_profile_gather_make();
    int error = k->gather ? read_keys(k) : hak_store_no_memory(r->db.path);
    if (!error)
        error = check_runs(k);
    if (!error && r->is_profile_only)
        error = check_peak(k);
    if (!error)
        error = note_actors(k);
    if (error)
        hak_profile_check_free(k);
    else
        *out = k;
    return error;
}

void hak_profile_check_free(struct hak_profile_check *k) {
    if (!k)
        return;
    hak_profile_gather_free(k->gather);
    hak_profile_keys_free(&k->keys);
    hak_profile_run_free(&k->stored);
    hak_profile_run_free(&k->due);
    hak_profile_chunk_free(&k->chunk);
    free(k);
}

/* Compares ends, exceptions and origins of two chunks. */
static bool same_chunk(const struct hak_profile_chunk *a, const struct hak_profile_chunk *b) {
    if (a->ends != b->ends || a->exceptions != b->exceptions || a->origins != b->origins ||
        (a->ends && memcmp(a->end, b->end, a->ends * sizeof *a->end) != 0))
        return false;
    for (uint32_t i = 0; i < a->exceptions; i++)
        if (a->exception[i].at != b->exception[i].at ||
            a->exception[i].key != b->exception[i].key ||
            a->exception[i].size != b->exception[i].size ||
            a->exception[i].is_brief != b->exception[i].is_brief)
            return false;
    for (uint32_t i = 0; i < a->origins; i++)
        if (a->origin[i].process != b->origin[i].process ||
            a->origin[i].parent != b->origin[i].parent || a->origin[i].fork != b->origin[i].fork)
            return false;
    return true;
}

/* Compares all fields of two processes that are stored. */
static bool same_process(const struct hak_profile_process *a, const struct hak_profile_process *b) {
    return a->process == b->process && a->parent == b->parent && a->fork == b->fork &&
           a->first == b->first && a->inherited_bytes == b->inherited_bytes &&
           a->live_bytes == b->live_bytes && a->most_bytes == b->most_bytes &&
           a->most_at == b->most_at && a->unknown == b->unknown;
}

static bool same_sum(const struct hak_amount *a, const struct hak_amount *b) {
    return a->blocks == b->blocks && a->bytes == b->bytes;
}

/* Runs may have rows in which nothing came or went, and need not. */
static bool is_empty(const struct hak_profile_row *row) {
    return !(row->came.blocks | row->came.bytes | row->went.blocks | row->went.bytes);
}

/* The first row from `row` on that has any sum. */
static uint32_t skip_empty(const struct hak_profile_run *run, uint32_t row) {
    while (row < run->rows && is_empty(&run->row[row]))
        row++;
    return row;
}

/* True when both have the same processes and sums; rows without sums do not count. */
static bool same_run(const struct hak_profile_run *a, const struct hak_profile_run *b) {
    if (a->processes != b->processes)
        return false;
    for (uint32_t i = 0; i < a->processes; i++)
        if (!same_process(&a->process[i], &b->process[i]))
            return false;
    for (uint32_t i = 0, k = 0;; i++, k++) {
        i = skip_empty(a, i);
        k = skip_empty(b, k);
        if (i == a->rows || k == b->rows)
            return i == a->rows && k == b->rows;
        const struct hak_profile_row *x = &a->row[i], *y = &b->row[k];
        if (x->process != y->process || x->key != y->key || !same_sum(&x->came, &y->came) ||
            !same_sum(&x->went, &y->went) || !same_sum(&x->brief, &y->brief))
            return false;
    }
}

/* Compares the row of profile_chunk, where the profile goes so far, with the events. */
static int compare_chunk(struct hak_profile_check *k, uint64_t first_id) {
    struct hak_query q = hak_ask(&k->reader->db, "SELECT data FROM profile_chunk WHERE chunk = ?1",
                                 "reading the profile", first_id);
    size_t bytes = 0;
    bool is_there = hak_query_next(&q);
    const void *blob = is_there ? blob_of(&q, 0, &bytes) : NULL;
    const char *wrong = NULL;
    k->chunk.ends = k->chunk.exceptions = k->chunk.origins = 0;
    if (bytes)
        wrong = hak_profile_chunk_decode(blob, bytes, &k->chunk);
    if (is_there && !wrong && !same_chunk(&k->chunk, hak_profile_gathered(k->gather)))
        wrong = "it is not what the events say";
    if (wrong)
        add_wrong_profile(k, "profile_chunk", first_id, wrong);
    if (!is_there)
        k->next = 0; /* it ends before */
    return hak_query_end(&q);
}

/* Compares the blocks held by size class at the end of the run. */
static int compare_classes(struct hak_profile_check *k, uint64_t last) {
    if (!hak_database_has_table(&k->reader->db, "profile_class"))
        return 0;
    struct hak_query q = hak_ask(&k->reader->db,
                                 "SELECT process, class, blocks, bytes FROM profile_class"
                                 " WHERE run = ?1 AND process > 0 ORDER BY process, class",
                                 "reading what was held of each size class", last);
    uint32_t i = 0, rows = 0;
    bool is_same = true;
    for (; hak_query_next(&q); i++, rows++) {
        const struct hak_profile_class *due = i < k->due.classes ? &k->due.class_row[i] : NULL;
        is_same = is_same && due && hak_query_number(&q, 0) == due->process &&
                  hak_query_number(&q, 1) == due->class_index &&
                  hak_query_number(&q, 2) == due->live.blocks &&
                  hak_query_number(&q, 3) == due->live.bytes;
    }
    if (!rows && k->due.classes)
        add_wrong_profile(k, "profile_class", last, "all rows of the run are missing");
    else if (!is_same || rows != k->due.classes)
        add_wrong_profile(k, "profile_class", last, "it is not what the events say");
    return hak_query_end(&q);
}

/* Compares the run that ends with the chunk, where one does, with the events. */
static int compare_profile_run(struct hak_profile_check *k) {
    uint64_t first, last;
    int error = 0;
    hak_profile_gathered_events(k->gather, &first, &last);
    struct hak_query q =
        hak_ask(&k->reader->db, "SELECT data FROM profile_run WHERE first = ?1 AND last = ?2",
                "reading its runs", first, last);
    if (hak_query_next(&q)) {
        size_t bytes;
        const void *blob = blob_of(&q, 0, &bytes);
        k->stored.first = first;
        k->stored.last = last;
        bool is_read = !hak_profile_run_decode(blob, bytes, &k->stored); /* said before */
        if (!hak_profile_gather_run(k->gather, &k->due))
            k->next = 0;
        else if (is_read && !same_run(&k->stored, &k->due))
            add_wrong_profile(k, "profile_run", first, "it is not what the events say");
        if (k->next)
            error = compare_classes(k, last);
        hak_profile_begin_run(k->gather);
    }
    int unread = hak_query_end(&q);
    return error ? error : unread;
}

int hak_profile_check_chunk(struct hak_profile_check *k, struct hak_columns *c, uint64_t first_id) {
    if (!k->next)
        return 0;
    if (!c || first_id != k->next) {
        k->next = 0;
        return 0;
    }
    hak_columns_spread(c);
    k->next = first_id + c->events;
    if (!hak_profile_gather_chunk(k->gather, c, first_id))
        return hak_store_no_memory(k->reader->db.path);
    int error = compare_chunk(k, first_id);
    if (!error && !hak_profile_gather_keep(k->gather))
        error = hak_store_no_memory(k->reader->db.path);
    return error ? error : compare_profile_run(k);
}

void hak_profile_check_finish(struct hak_profile_check *k) {
    uint64_t first, last;
    if (!k || !k->next || k->reader->is_profile_only)
        return;
    hak_profile_gathered_events(k->gather, &first, &last);
    if (k->end > k->next)
        add_wrong_profile(k, "profile_run", k->end - 1,
                          "the events of the last run are not all there");
    else if (first && first < k->end)
        add_wrong_profile(k, "profile_run", first, "runs do not end where chunks do");
}
