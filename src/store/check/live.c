/* Makes the runs of states again and compares. */
#include "store/check/live.h"

#include <stdlib.h>
#include "store/live/live.h"
#include "store/reader/inner.h"

#define LEVELS_MAX 16

static const struct hak_live_state no_block;

struct hak_live_check {
    struct hak_store_reader *reader;
    struct hak_check_findings *findings;
    bool has_run;   /* `run` is the next one */
    bool is_broken; /* a chunk of it cannot be read */
    struct hak_live_run run;
    struct hak_live_gather gather;
    uint64_t unsure_ns; /* runs that reach this time may lack states, unknown which */
};

/* Finds the next stored run of level 0, if there is one. */
static int next_run(struct hak_live_check *k, uint64_t from) {
    int found = hak_live_find_run(&k->reader->db, 0, from, &k->run);
    k->has_run = found == 1;
    k->is_broken = false;
    return found < 0 ? found : 0;
}

int hak_live_check_make(struct hak_store_reader *r, struct hak_check_findings *findings,
                        struct hak_live_check **out) {
    struct hak_live_check *k = calloc(1, sizeof *k);
    uint64_t loss[2] = {0};
    *out = NULL;
    if (!k || !hak_live_gather_init(&k->gather)) {
        free(k);
        return hak_store_no_memory(r->db.path);
    }
    k->reader = r;
    k->findings = findings;
    int error = hak_database_numbers(
        &r->db, "SELECT coalesce(min(from_ns), 0), count(*), ?1 FROM loss", 0, loss, 2);
    k->unsure_ns = loss[1] ? loss[0] : UINT64_MAX;
    error = error < 0 ? error : next_run(k, 1);
    if (error)
        hak_live_check_free(k);
    else
        *out = k;
    return error;
}

void hak_live_check_free(struct hak_live_check *k) {
    if (!k)
        return;
    hak_live_gather_free(&k->gather);
    free(k);
}

/* `s`: of the block that is wrong in it. */
static void add_finding(struct hak_live_check *k, const struct hak_live_run *run,
                        enum hak_check_kind kind, const struct hak_live_state *s) {
    hak_check_add(k->findings, kind, run->first_event, .other = run->last_event,
                  .level = run->level, .base = s->base, .process = s->process);
}

/* Compares the fields of two states that a reader would use. */
static bool same(const struct hak_live_state *a, const struct hak_live_state *b) {
    return a->step == b->step && a->user == b->user && a->size == b->size && a->birth == b->birth &&
           a->ns == b->ns && a->stack == b->stack && a->thread == b->thread &&
           a->class_index == b->class_index;
}

/* Compares the run with the states due, given one by one: the first difference is a finding. 0 or
 * an error. */
static int compare_states(struct hak_live_check *k, const struct hak_live_run *run,
                          int (*due)(void *context, struct hak_live_state *out), void *context) {
    struct hak_live_cursor stored;
    struct hak_live_state s;
    int error = hak_live_cursor_open(&stored, &k->reader->db, run, 0);
    for (bool is_wrong = false; !error && !is_wrong;) {
        int is_due = due(context, &s);
        const struct hak_live_state *got = hak_live_cursor_peek(&stored, &error);
        if (error == HAK_STORE_BROKEN) {
            hak_check_add(k->findings, HAK_CHECK_FILE, 0, .text = hak_store_message());
            error = 0;
            break;
        }
        if (is_due < 0 || error) {
            error = error ? error : is_due;
            break;
        }
        if (!is_due && !got)
            break;
        int order = !is_due ? 1 : !got ? -1 : hak_live_compare(&s, got);
        is_wrong = order != 0 || !same(&s, got);
        if (order < 0)
            add_finding(k, run, HAK_CHECK_LIVE_MISSING, &s);
        else if (order > 0)
            add_finding(k, run, HAK_CHECK_LIVE_UNCHANGED, got);
        else if (is_wrong)
            add_finding(k, run, HAK_CHECK_LIVE_DIFFERS, &s);
        hak_live_cursor_pass(&stored);
    }
    hak_live_cursor_close(&stored);
    return error;
}

struct made_again {
    const struct hak_live_table *table;
    uint32_t at;
};

/* Gives the next state of the run made again. 1, or 0 at the end. */
static int next_made(void *context, struct hak_live_state *out) {
    struct made_again *m = context;
    if (m->at == m->table->used)
        return 0;
    *out = m->table->state[m->at++];
    return 1;
}

/* Compares a run with the states made again, when its last chunk was added, and goes on to the next
 * run. */
static int check_whole_run(struct hak_live_check *k) {
    bool is_unsure = !k->run.has_all_ends && k->run.max_ns >= k->unsure_ns;
    int error = 0;
    if (!k->is_broken && !is_unsure) {
        struct made_again made = {.table = &k->gather.table};
        error = hak_live_gather_sort(&k->gather) ? compare_states(k, &k->run, next_made, &made)
                                                 : hak_store_no_memory(k->reader->db.path);
    }
    hak_live_gather_clear(&k->gather);
    return error ? error : next_run(k, k->run.last_event + 1);
}

int hak_live_check_chunk(struct hak_live_check *k, const struct hak_columns *c, uint64_t first_id) {
    if (!k->has_run || first_id < k->run.first_event)
        return 0;
    k->gather.is_lossy = k->run.has_all_ends;
    if (!hak_live_gather_chunk(&k->gather, c, first_id))
        return hak_store_no_memory(k->reader->db.path);
    return first_id + c->events - 1 >= k->run.last_event ? check_whole_run(k) : 0;
}

void hak_live_check_missing_chunk(struct hak_live_check *k) {
    k->is_broken = true;
}

static int next_of_merge(void *context, struct hak_live_state *out) {
    return hak_live_merge_next(context, out);
}

/* Compares a run of a higher level with those below it; 0 or an error. */
static int check_higher(struct hak_live_check *k, const struct hak_live_run *run) {
    struct hak_live_merge below = {0};
    uint64_t from = run->first_event;
    int error = 0;
    while (!error && from <= run->last_event) {
        struct hak_live_run part;
        int found = hak_live_find_run(&k->reader->db, run->level - 1, from, &part);
        if (found != 1 || part.first_event != from || part.last_event > run->last_event ||
            below.cursors == HAK_LIVE_RUNS_MAX) {
            error = found < 0 ? found : 1;
            break;
        }
        from = part.last_event + 1;
        error = hak_live_merge_add(&below, &k->reader->db, &part);
    }
    if (error == 1) {
        add_finding(k, run, HAK_CHECK_LIVE_SOURCES, &no_block);
        error = 0;
    } else if (!error) {
        error = compare_states(k, run, next_of_merge, &below);
        if (error == HAK_STORE_BROKEN) /* one below: it was told */
            error = 0;
    }
    hak_live_merge_close(&below);
    return error;
}

int hak_live_check_finish(struct hak_live_check *k) {
    int error = 0, found = 1;
    if (k->has_run && !k->is_broken)
        add_finding(k, &k->run, HAK_CHECK_LIVE_EVENTS, &no_block);
    for (uint32_t level = 1; level < LEVELS_MAX && found == 1 && !error; level++) {
        struct hak_live_run run;
        uint64_t from = 1;
        for (bool any = false;; any = true) {
            found = hak_live_find_run(&k->reader->db, level, from, &run);
            if (found != 1) {
                found = found < 0 ? found : any;
                break;
            }
            from = run.last_event + 1;
            if ((error = check_higher(k, &run)) != 0)
                break;
        }
    }
    return error ? error : found < 0 ? found : 0;
}
