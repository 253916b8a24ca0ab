/* The rule by which events become lives, and the lineage of a process. */
#include "store/history/life.h"

#include <stdlib.h>
#include "hop.h"
#include "store/reader/inner.h"
#include "trace/record.h"

enum { DOUBLE_FREE_CODE = 202 }; /* faults.def */

static enum hak_life_step end(struct hak_life_state *state, const struct hak_event *e) {
    if (!(e->flags & HAK_RECORD_ILLEGAL)) {
        if (!state->is_open)
            state->user = e->address;
        state->exists = true;
        state->is_open = false;
        return HAK_LIFE_ENDED;
    }
    bool is_again = state->exists && !state->is_open && e->address == state->user;
    return is_again ? HAK_LIFE_ENDED_AGAIN : HAK_LIFE_NOTHING;
}

enum hak_life_step hak_life_next(struct hak_life_state *state, const struct hak_event *e) {
    bool is_illegal = (e->flags & HAK_RECORD_ILLEGAL) != 0;
    switch (e->kind) {
    case HAK_MALLOC:
    case HAK_REALLOC:
        if (is_illegal) /* realloc of what is no live block */
            return end(state, e);
        if (e->kind == HAK_REALLOC && e->place == HAK_PLACE_LIVE) {
            *state = (struct hak_life_state){true, true, e->address};
            return HAK_LIFE_RESIZED;
        }
        *state = (struct hak_life_state){true, true, e->address};
        return HAK_LIFE_BORN;
    case HAK_FREE:
    case HAK_REALLOC_FROM:
        return end(state, e);
    case HAK_FAULT:
        return (uint32_t)e->size == DOUBLE_FREE_CODE && state->exists && !state->is_open
                   ? HAK_LIFE_ENDED_AGAIN
                   : HAK_LIFE_NOTHING;
    default:
        return HAK_LIFE_NOTHING;
    }
}

int hak_lineage_load(struct hak_store_reader *r, uint32_t process, struct hak_lineage *out) {
    uint64_t id_to = UINT64_MAX, ns_to = UINT64_MAX;
    *out = (struct hak_lineage){0};
    while (process && out->count < HAK_LINEAGE_MAX) {
        out->link[out->count].process = process;
        out->link[out->count].id_to = id_to;
        out->link[out->count++].ns_to = ns_to;
        uint64_t
            row[3]; /* an exec'd image inherits nothing: the parent must be of the same session */
        int found = hak_database_numbers(&r->db,
                                         "SELECT p.parent, p.fork_event, p.start_ns FROM process p"
                                         " JOIN process q ON q.id = p.parent"
                                         " WHERE p.id = ?1 AND q.session = p.session",
                                         process, row, 3);
        if (found <= 0)
            return found;
        process = (uint32_t)row[0];
        if (row[1])
            id_to = row[1] < id_to ? row[1] : id_to;
        else
            ns_to = row[2] < ns_to ? row[2] : ns_to;
    }
    return 0;
}

bool hak_lineage_has(const struct hak_lineage *lineage, const struct hak_event *e) {
    for (int i = 0; i < lineage->count; i++)
        if (lineage->link[i].process == e->process)
            return e->id <= lineage->link[i].id_to && e->ns <= lineage->link[i].ns_to;
    return false;
}

int hak_block_each(struct hak_store_reader *r, uint64_t base, uint64_t id_to,
                   const struct hak_lineage *lineage,
                   void (*take)(void *context, const struct hak_event *event), void *context,
                   const int *stop) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan = NULL;
    struct hak_event e;
    limits.filter.base = base;
    limits.filter.id_to = id_to;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.filter.kind_mask_high = (uint64_t)1 << (HAK_FAULT - 64) | (uint64_t)1 << (HAK_POOL - 64);
    int result = hak_scan_open(r, &limits, false, &scan);
    while (!result && !(stop && *stop) && (result = hak_scan_next(scan, &e)) == 1) {
        result = 0;
        if (hak_lineage_has(lineage, &e))
            take(context, &e);
    }
    hak_scan_close(scan);
    return result;
}
