/* Orders the events of a commit: by time, and each block's records by generation. */
#include "collector/batch.h"

#include <stdlib.h>
#include <string.h>
#include "store/index.h"

#define TABLE_SLOTS (2 * HAK_BATCH_MAX)
#define ROUNDS_MAX  16
#define NONE        UINT32_MAX

bool hak_batch_make(struct hak_batch *batch) {
    *batch = (struct hak_batch){0};
    batch->events = malloc(HAK_BATCH_MAX * sizeof *batch->events);
    batch->sorted = malloc(HAK_BATCH_MAX * sizeof *batch->sorted);
    batch->time = malloc(HAK_BATCH_MAX * sizeof *batch->time);
    batch->lane = malloc(HAK_BATCH_MAX * sizeof *batch->lane);
    batch->final = malloc(HAK_BATCH_MAX * sizeof *batch->final);
    batch->order = malloc(2 * HAK_BATCH_MAX * sizeof *batch->order);
    batch->table = malloc(TABLE_SLOTS * sizeof *batch->table);
    if (batch->events && batch->sorted && batch->time && batch->lane && batch->final &&
        batch->order && batch->table)
        return true;
    hak_batch_free(batch);
    return false;
}

void hak_batch_free(struct hak_batch *batch) {
    free(batch->events);
    free(batch->sorted);
    free(batch->time);
    free(batch->lane);
    free(batch->final);
    free(batch->order);
    free(batch->table);
    *batch = (struct hak_batch){0};
}

void hak_batch_clear(struct hak_batch *batch) {
    batch->count = 0;
    batch->several_lanes = false;
}

uint32_t hak_batch_add(struct hak_batch *batch, const struct hak_event *event, uint32_t lane) {
    uint32_t place = batch->count++;
    batch->events[place] = *event;
    batch->time[place] = event->ns;
    batch->lane[place] = lane;
    batch->final[place] = place;
    if (lane != batch->lane[0])
        batch->several_lanes = true;
    return place;
}

/* The table's slot of a block: where the newest record of it so far is noted. */
static uint32_t *slot_of(struct hak_batch *b, const struct hak_event *e) {
    uint64_t at = hak_index_mix(e->base, e->process) & (TABLE_SLOTS - 1);
    for (;; at = (at + 1) & (TABLE_SLOTS - 1)) {
        uint32_t seen = b->table[at];
        if (seen == NONE)
            return &b->table[at];
        if (b->events[seen].base == e->base && b->events[seen].process == e->process)
            return &b->table[at];
    }
}

/* One pass in the order `order`: where a block's record stands behind a later one of the same
 * block, the later one (and what follows it in its ring) gets a time just behind. True when any
 * did. */
static bool push_back_early_ones(struct hak_batch *b, const uint32_t *order) {
    bool any = false;
    memset(b->table, 0xff, TABLE_SLOTS * sizeof *b->table);
    for (uint32_t i = 0; i < b->count; i++) {
        uint32_t at = order[i];
        const struct hak_event *e = &b->events[at];
        if (!hak_event_is_move(e))
            continue;
        uint32_t *slot = slot_of(b, e);
        if (*slot != NONE && b->events[*slot].generation > e->generation) {
            if (b->time[*slot] <= b->time[at] && b->lane[*slot] != b->lane[at]) {
                b->time[*slot] = b->time[at] + 1;
                any = true;
            }
            continue;
        }
        *slot = at;
    }
    return any;
}

/* No record may stand before an earlier one of its own ring: times only grow along a lane. Places
 * were added in order of time, so along a lane they ascend. */
static void keep_lanes_in_order(struct hak_batch *b) {
    memset(b->table, 0xff, TABLE_SLOTS * sizeof *b->table);
    for (uint32_t i = 0; i < b->count; i++) {
        uint64_t at = hak_index_mix(7, b->lane[i]) & (TABLE_SLOTS - 1);
        while (b->table[at] != NONE && b->lane[b->table[at]] != b->lane[i])
            at = (at + 1) & (TABLE_SLOTS - 1);
        if (b->table[at] != NONE && b->time[b->table[at]] > b->time[i])
            b->time[i] = b->time[b->table[at]];
        b->table[at] = i;
    }
}

/* Stable merge sort of places by time; `order` has room for twice the count. */
static uint32_t *sort_by_time(struct hak_batch *b) {
    uint32_t *from = b->order, *to = b->order + HAK_BATCH_MAX, n = b->count;
    for (uint32_t i = 0; i < n; i++)
        from[i] = i;
    for (uint32_t width = 1; width < n; width *= 2) {
        for (uint32_t low = 0; low < n; low += 2 * width) {
            uint32_t middle = low + width < n ? low + width : n;
            uint32_t high = low + 2 * width < n ? low + 2 * width : n;
            uint32_t left = low, right = middle;
            for (uint32_t k = low; k < high; k++) {
                bool take_left =
                    left < middle && (right >= high || b->time[from[left]] <= b->time[from[right]]);
                to[k] = from[take_left ? left++ : right++];
            }
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

void hak_batch_order(struct hak_batch *batch, uint64_t first_id) {
    if (batch->several_lanes) {
        for (uint32_t i = 0; i < batch->count; i++)
            batch->order[i] = i;
        uint32_t *order = batch->order;
        bool moved = false;
        for (int round = 0; round < ROUNDS_MAX && push_back_early_ones(batch, order); round++) {
            keep_lanes_in_order(batch);
            order = sort_by_time(batch);
            moved = true;
        }
        if (moved) {
            for (uint32_t i = 0; i < batch->count; i++) {
                batch->sorted[i] = batch->events[order[i]];
                batch->final[order[i]] = i;
            }
            struct hak_event *swap = batch->events;
            batch->events = batch->sorted;
            batch->sorted = swap;
        }
    }
    for (uint32_t i = 0; i < batch->count; i++)
        batch->events[i].id = first_id + i;
}
