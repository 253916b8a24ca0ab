/* Chooses the bases that a query over blocks or lives has to go over, in batches of bounded size.
 */
#include <stdlib.h>
#include "base/sorted.h"
#include "store/postings/postings.h"
#include "store/reader/inner.h"
#include "store/sql/tables.h"

#define BATCH      ((uint32_t)1 << 19)
#define LISTED_MAX ((uint32_t)1 << 16) /* more: go over all, SQLite compares */

/* ---- all bases, from the postings -------------------------------------------------------------
 */

struct gather {
    uint64_t below; /* greater ones are left for later */
    uint64_t *base; /* 2 * BATCH of room */
    uint32_t count;
    bool left_some;
};

/* Sorts the bases and keeps the lowest BATCH; the others are left for a later batch. */
static void tidy_batch(struct gather *g) {
    g->count = hak_sort_distinct(g->base, g->count);
    if (g->count > BATCH) {
        g->count = BATCH;
        g->below = g->base[BATCH];
        g->left_some = true;
    }
}

/* Adds a base to the batch if it may be among the lowest. */
static void add_to_batch(void *context, uint64_t base) {
    struct gather *g = context;
    if (g->count == 2 * BATCH)
        tidy_batch(g);
    if (base < g->below)
        g->base[g->count++] = base;
}

/* The smallest distinct bases that were not in a batch yet: 0 or an error. */
static int fill_batch(struct hak_bases *bases) {
    struct gather g = {.below = UINT64_MAX, .base = bases->base};
    int error =
        hak_finder_bases(&bases->reader->postings, bases->next_from, &g.below, add_to_batch, &g);
    tidy_batch(&g);
    bases->count = g.count;
    bases->is_done = !g.left_some;
    return error;
}

/* ---- bases of a query --------------------------------------------------------------------------
 */

/* Makes the batch's array, once. */
static int make_room(struct hak_bases *bases, struct hak_store_reader *r) {
    bases->reader = r;
    if (!bases->base)
        bases->base = calloc(2 * BATCH, sizeof *bases->base);
    return bases->base ? 0 : hak_store_no_memory(r->db.path);
}

int hak_bases_all(struct hak_bases *bases, struct hak_store_reader *r) {
    bases->count = 0;
    bases->next_from = 1;
    bases->is_all = true;
    bases->is_done = false;
    return make_room(bases, r);
}

int hak_bases_add(struct hak_bases *bases, struct hak_store_reader *r, uint64_t base) {
    int error = make_room(bases, r);
    if (error || bases->is_all || !base)
        return error;
    return hak_add_sorted(bases->base, &bases->count, LISTED_MAX, base) ? 0
                                                                        : hak_bases_all(bases, r);
}

int hak_bases_of(struct hak_bases *bases, struct hak_store_reader *r,
                 const struct hak_filter *filter) {
    struct hak_scan_limits limits = {.filter = *filter, .columns = 1u << HAK_COLUMN_BASE};
    struct hak_scan *scan;
    struct hak_event e;
    int result = make_room(bases, r);
    if (!result)
        result = hak_scan_open(r, &limits, false, &scan);
    if (result)
        return result;
    bases->count = 0;
    while (!bases->is_all && (result = hak_scan_next(scan, &e)) == 1) {
        if (bases->count == 2 * LISTED_MAX) {
            bases->count = hak_sort_distinct(bases->base, bases->count);
            bases->is_all = bases->count > LISTED_MAX;
        }
        if (e.base && !bases->is_all)
            bases->base[bases->count++] = e.base;
    }
    hak_scan_close(scan);
    if (result < 0)
        return result;
    if (bases->is_all)
        return hak_bases_all(bases, r);
    bases->count = hak_sort_distinct(bases->base, bases->count);
    return 0;
}

int hak_bases_next(struct hak_bases *bases, struct hak_scan_limits *limits) {
    *limits = hak_scan_all();
    if (bases->is_done || (!bases->is_all && !bases->count))
        return 0;
    if (!bases->is_all) {
        bases->is_done = true;
        limits->filter.bases = bases->base;
        limits->filter.base_count = bases->count;
        return 1;
    }
    int error = fill_batch(bases);
    if (error || !bases->count)
        return error;
    limits->filter.base_from = bases->next_from;
    limits->filter.base_to = bases->base[bases->count - 1];
    bases->next_from = limits->filter.base_to + 1;
    return 1;
}

void hak_bases_free(struct hak_bases *bases) {
    free(bases->base);
    *bases = (struct hak_bases){0};
}
