/* Totals over the lives of a block, however many there are. */
#include "viewer/block/lives.h"

#include <stdlib.h>
#include <string.h>

bool block_totals_init(struct block_totals *totals) {
    memset(totals, 0, sizeof *totals);
    totals->shortest_ns = UINT64_MAX;
    totals->span = malloc(EXACT_LIVES * sizeof *totals->span);
    totals->stacks.row = calloc(2 * TALLY_ROWS, sizeof *totals->stacks.row);
    totals->threads.row = calloc(2 * TALLY_ROWS, sizeof *totals->threads.row);
    if (totals->span && totals->stacks.row && totals->threads.row)
        return true;
    block_totals_free(totals);
    return false;
}

void block_totals_free(struct block_totals *totals) {
    free(totals->span);
    free(totals->stacks.row);
    free(totals->threads.row);
    totals->span = NULL;
    totals->stacks.row = totals->threads.row = NULL;
}

/* The row of `key`; NULL for 0, and for new ones when it is full. */
static struct tally_row *find_or_add_tally_row(struct tally *tally, uint32_t key) {
    uint32_t at = key * 0x9e3779b1u % (2 * TALLY_ROWS);
    if (key == 0)
        return NULL;
    while (tally->row[at].key != 0 && tally->row[at].key != key)
        at = (at + 1) % (2 * TALLY_ROWS);
    if (tally->row[at].key == key)
        return &tally->row[at];
    if (tally->used == TALLY_ROWS) {
        tally->is_full = true;
        return NULL;
    }
    tally->used++;
    tally->row[at].key = key;
    return &tally->row[at];
}

static void count(struct tally *tally, uint32_t key, uint64_t births, uint64_t ends) {
    struct tally_row *row = find_or_add_tally_row(tally, key);
    if (row) {
        row->births += births;
        row->ends += ends;
    }
}

/* Log-linear: spans below 32 ns exactly, then 32 buckets for each power of two. */
static unsigned bucket_of(uint64_t ns) {
    if (ns < 32)
        return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns);
    return (power - 4) * 32 + (unsigned)(ns >> (power - 5) & 31);
}

static uint64_t bucket_middle(unsigned bucket) {
    if (bucket < 32)
        return bucket;
    unsigned power = bucket / 32 + 4;
    uint64_t low = (uint64_t)(32 + bucket % 32) << (power - 5);
    return low + ((uint64_t)1 << (power - 5)) / 2;
}

static void add_span(struct block_totals *totals, uint64_t ns) {
    if (totals->spans < EXACT_LIVES)
        totals->span[totals->spans++] = ns;
    totals->bucket[bucket_of(ns)]++;
    totals->shortest_ns = ns < totals->shortest_ns ? ns : totals->shortest_ns;
    totals->longest_ns = ns > totals->longest_ns ? ns : totals->longest_ns;
}

void block_totals_add(struct block_totals *totals, const struct hak_life_row *row) {
    totals->lives++;
    totals->ended_again += row->again.id != 0;
    totals->resizes += row->life.resizes;
    totals->moves += row->moves_before;
    if (row->life.largest_size > totals->largest_bytes)
        totals->largest_bytes = row->life.largest_size;
    if (row->life.birth.id != 0) {
        count(&totals->stacks, row->life.birth.stack, 1, 0);
        count(&totals->threads, row->life.birth.thread, 1, 0);
    }
    if (row->end.id != 0) {
        totals->ended++;
        count(&totals->threads, row->end.thread, 0, 1);
    }
    if (row->life.birth.id != 0 && row->end.id != 0)
        add_span(totals, row->end.ns > row->life.birth.ns ? row->end.ns - row->life.birth.ns : 0);
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t block_totals_median(struct block_totals *totals, bool *is_exact) {
    uint64_t all = 0, below = 0;
    for (unsigned i = 0; i < SPAN_BUCKETS; i++)
        all += totals->bucket[i];
    *is_exact = all == totals->spans;
    if (all == 0)
        return 0;
    if (*is_exact) {
        qsort(totals->span, totals->spans, sizeof *totals->span, compare);
        return totals->span[(totals->spans - 1) / 2];
    }
    for (unsigned i = 0; i < SPAN_BUCKETS; i++) {
        below += totals->bucket[i];
        if (below > (all - 1) / 2)
            return bucket_middle(i);
    }
    return 0;
}

int block_tally_most(const struct tally *tally, struct tally_row *out, int max) {
    int kept = 0;
    for (uint32_t i = 0; i < 2 * TALLY_ROWS; i++) {
        struct tally_row row = tally->row[i];
        int at = kept;
        if (row.key == 0)
            continue;
        while (at > 0 && (out[at - 1].births + out[at - 1].ends < row.births + row.ends ||
                          (out[at - 1].births + out[at - 1].ends == row.births + row.ends &&
                           out[at - 1].key > row.key)))
            at--;
        if (at == max)
            continue;
        kept += kept < max;
        memmove(&out[at + 1], &out[at], (size_t)(kept - 1 - at) * sizeof *out);
        out[at] = row;
    }
    return kept;
}
