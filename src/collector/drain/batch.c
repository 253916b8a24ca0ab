/* Orders the events of a commit: by time, and each block's records by generation. */
#include "collector/drain/batch.h"

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "base/index.h"

#define TABLE_SLOTS (2 * HAK_BATCH_MAX)
#define ROUNDS_MAX  16
#define NONE        UINT32_MAX

bool hak_batch_make(struct hak_batch *batch) {
    *batch = (struct hak_batch){0};
    bool ok = hak_columns_init(&batch->columns);
    batch->runs = malloc(HAK_BATCH_MAX * sizeof *batch->runs);
    batch->final = malloc(HAK_BATCH_MAX * sizeof *batch->final);
    batch->time = malloc(HAK_BATCH_MAX * sizeof *batch->time);
    batch->generation = malloc(HAK_BATCH_MAX * sizeof *batch->generation);
    batch->lane = malloc(HAK_BATCH_MAX * sizeof *batch->lane);
    batch->order = malloc(2 * HAK_BATCH_MAX * sizeof *batch->order);
    batch->table = malloc(TABLE_SLOTS * sizeof *batch->table);
    if (ok && batch->runs && batch->final && batch->time && batch->generation && batch->lane &&
        batch->order && batch->table) {
        hak_batch_clear(batch);
        return true;
    }
    hak_batch_free(batch);
    return false;
}

void hak_batch_free(struct hak_batch *batch) {
    hak_columns_free(&batch->columns);
    free(batch->runs);
    free(batch->final);
    free(batch->time);
    free(batch->generation);
    free(batch->lane);
    free(batch->order);
    free(batch->table);
    *batch = (struct hak_batch){0};
}

void hak_batch_clear(struct hak_batch *batch) {
    batch->count = batch->run_count = 0;
    batch->most = HAK_BATCH_MAX - HAK_BATCH_EDGE;
    batch->several_lanes = batch->has_moved = batch->is_full = false;
}

uint32_t hak_batch_add(struct hak_batch *batch, const struct hak_event *event) {
    hak_columns_put(&batch->columns, batch->count, event);
    return batch->count++;
}

/* ---- is any block's record out of order? ------------------------------------------------------
 */

static inline bool is_move(uint64_t shape) {
    return (shape & 0xff) - 1 < 63;
}

/* True when some block's record stands behind one of a later generation. Blocks are told apart by
 * base alone: processes that share addresses cost a look by the slow way, no more. */
static bool any_is_early(struct hak_batch *b) {
    const uint64_t *shape = b->columns.value[HAK_COLUMN_SHAPE];
    const uint64_t *generation = b->columns.value[HAK_COLUMN_GENERATION];
    hak_columns_number(&b->columns, HAK_COLUMN_BASE);
    const uint32_t *base = b->columns.index[HAK_COLUMN_BASE];
    memset(b->generation, 0, b->columns.distinct[HAK_COLUMN_BASE] * sizeof *b->generation);
    uint64_t early = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        uint64_t *newest = &b->generation[base[i]];
        uint64_t now = is_move(shape[i]) ? generation[i] : *newest;
        early |= hak_generation_is_before(now, *newest);
        *newest = now;
    }
    return early;
}

/* ---- reordering -------------------------------------------------------------------------------
 */

/* Empties as many slots of the table as twice the batch's events need; a batch is mostly small. */
static void clear_table(struct hak_batch *b) {
    uint32_t slots = 2;
    while (slots < 2 * b->count)
        slots *= 2;
    b->table_mask = slots - 1;
    memset(b->table, 0xff, slots * sizeof *b->table);
}

static inline uint64_t process_of(const struct hak_batch *b, uint32_t at) {
    return b->columns.value[HAK_COLUMN_ACTOR][at] >> 32;
}

/* The table's slot of a block: where the newest record of it so far is noted. */
static uint32_t *slot_of(struct hak_batch *b, uint32_t record) {
    const uint64_t *base = b->columns.value[HAK_COLUMN_BASE];
    uint64_t at = hak_index_mix(base[record], process_of(b, record)) & b->table_mask;
    for (;; at = (at + 1) & b->table_mask) {
        uint32_t seen = b->table[at];
        if (seen == NONE)
            return &b->table[at];
        if (base[seen] == base[record] && process_of(b, seen) == process_of(b, record))
            return &b->table[at];
    }
}

/* One pass in the order `order`: where a block's record stands behind a later one of the same
 * block, the later one (and what follows it in its ring) gets a time just behind. True when any
 * did. */
static bool push_back_early_ones(struct hak_batch *b, const uint32_t *order) {
    const uint64_t *shape = b->columns.value[HAK_COLUMN_SHAPE];
    const uint64_t *generation = b->columns.value[HAK_COLUMN_GENERATION];
    bool any = false;
    clear_table(b);
    for (uint32_t i = 0; i < b->count; i++) {
        uint32_t at = order[i];
        if (!is_move(shape[at]))
            continue;
        uint32_t *slot = slot_of(b, at);
        if (*slot != NONE && hak_generation_is_before(generation[at], generation[*slot])) {
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

/* Gives an event that stands before an earlier one of its own ring that one's time: times only grow
 * along a lane. Places were added in order of time, so along a lane they ascend. */
static void keep_lanes_in_order(struct hak_batch *b) {
    clear_table(b);
    for (uint32_t i = 0; i < b->count; i++) {
        uint64_t at = hak_index_mix(7, b->lane[i]) & b->table_mask;
        while (b->table[at] != NONE && b->lane[b->table[at]] != b->lane[i])
            at = (at + 1) & b->table_mask;
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
            if (right >= high || b->time[from[right - 1]] <= b->time[from[right]]) {
                memcpy(to + low, from + low, (high - low) * sizeof *to); /* they stand as due */
                continue;
            }
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

/* Copies the events' times, and notes for each event the lane of its run. */
static void note_lanes(struct hak_batch *b) {
    memcpy(b->time, b->columns.value[HAK_COLUMN_NS], b->count * sizeof *b->time);
    for (uint32_t i = 0; i < b->run_count; i++) {
        uint32_t end = i + 1 < b->run_count ? b->runs[i + 1].first : b->count;
        for (uint32_t at = b->runs[i].first; at < end; at++)
            b->lane[at] = b->runs[i].lane;
    }
}

/* Puts the events into the order: `final` tells for each where it stands now. */
static void carry_out(struct hak_batch *b, const uint32_t *order) {
    for (uint32_t i = 0; i < b->count; i++)
        b->final[order[i]] = i;
    for (int column = 0; column < HAK_COLUMN_COUNT; column++) {
        uint64_t *value = b->columns.value[column], *moved = b->columns.scratch;
        for (uint32_t i = 0; i < b->count; i++)
            moved[i] = value[order[i]];
        b->columns.value[column] = moved;
        b->columns.scratch = value;
    }
    hak_columns_begin(&b->columns, b->count); /* the numbered events stand elsewhere now */
    b->has_moved = true;
}

/* Puts moves of a block that stand in the wrong order right, in ROUNDS_MAX rounds at most: early
 * ones are pushed back, lanes kept in order, all sorted by time. */
static void mend(struct hak_batch *b) {
    uint32_t *order = b->order;
    bool moved = false;
    note_lanes(b);
    for (uint32_t i = 0; i < b->count; i++)
        order[i] = i;
    for (int round = 0; round < ROUNDS_MAX && push_back_early_ones(b, order); round++) {
        keep_lanes_in_order(b);
        order = sort_by_time(b);
        moved = true;
    }
    if (moved)
        carry_out(b, order);
}

void hak_batch_order(struct hak_batch *batch, uint64_t first_id) {
    batch->first_id = first_id;
    hak_columns_begin(&batch->columns, batch->count);
    if (batch->several_lanes && any_is_early(batch))
        mend(batch);
}
