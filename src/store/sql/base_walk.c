/* Which bases a query over blocks or lives has to go over, in batches of bounded size. */
#include <stdlib.h>
#include "store/sql/bases.h"
#include "store/reader/state.h"
#include "base/sorted.h"
#include "store/sql/tables.h"

#define LISTED_MAX ((uint32_t)1 << 16) /* more: go over all, SQLite compares */

static int make_room(struct hak_base_walk *walk, struct hak_store_reader *r) {
    walk->reader = r;
    if (!walk->bases)
        walk->bases = calloc(2 * HAK_BASES_BATCH, sizeof *walk->bases);
    return walk->bases ? 0 : hak_store_no_memory(r->db.path);
}

int hak_base_walk_all(struct hak_base_walk *walk, struct hak_store_reader *r) {
    walk->count = 0;
    walk->next_from = 1;
    walk->is_all = true;
    walk->is_done = false;
    return make_room(walk, r);
}

int hak_base_walk_add(struct hak_base_walk *walk, struct hak_store_reader *r, uint64_t base) {
    int error = make_room(walk, r);
    if (error || walk->is_all || !base)
        return error;
    uint32_t at = walk->count;
    while (at && walk->bases[at - 1] > base)
        at--;
    if (at && walk->bases[at - 1] == base)
        return 0;
    if (walk->count == LISTED_MAX)
        return hak_base_walk_all(walk, r);
    for (uint32_t i = walk->count++; i > at; i--)
        walk->bases[i] = walk->bases[i - 1];
    walk->bases[at] = base;
    return 0;
}

int hak_base_walk_of(struct hak_base_walk *walk, struct hak_store_reader *r,
                     const struct hak_filter *filter) {
    struct hak_scan_limits limits = {.filter = *filter, .columns = 1u << HAK_COLUMN_BASE};
    struct hak_scan *scan;
    struct hak_event e;
    int result = make_room(walk, r);
    if (!result)
        result = hak_scan_open(r, &limits, false, &scan);
    if (result)
        return result;
    walk->count = 0;
    while (!walk->is_all && (result = hak_scan_next(scan, &e)) == 1) {
        if (walk->count == 2 * LISTED_MAX) {
            walk->count = hak_sort_distinct(walk->bases, walk->count);
            walk->is_all = walk->count > LISTED_MAX;
        }
        if (e.base && !walk->is_all)
            walk->bases[walk->count++] = e.base;
    }
    hak_scan_close(scan);
    if (result < 0)
        return result;
    if (walk->is_all)
        return hak_base_walk_all(walk, r);
    walk->count = hak_sort_distinct(walk->bases, walk->count);
    return 0;
}

int hak_base_walk_next(struct hak_base_walk *walk, struct hak_scan_limits *limits) {
    *limits = hak_scan_all();
    if (walk->is_done || (!walk->is_all && !walk->count))
        return 0;
    if (!walk->is_all) {
        walk->is_done = true;
        limits->filter.bases = walk->bases;
        limits->filter.base_count = walk->count;
        return 1;
    }
    int error =
        hak_bases_next(walk->reader, walk->next_from, walk->bases, &walk->count, &walk->is_done);
    if (error || !walk->count)
        return error;
    limits->filter.base_from = walk->next_from;
    limits->filter.base_to = walk->bases[walk->count - 1];
    walk->next_from = limits->filter.base_to + 1;
    return 1;
}

void hak_base_walk_free(struct hak_base_walk *walk) {
    free(walk->bases);
    *walk = (struct hak_base_walk){0};
}
