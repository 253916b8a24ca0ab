/* Totals over the lives of a block, however many there are. */
#include "viewer/block/lives.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "base/sorted.h"

bool block_totals_init(struct block_totals *totals) {
    *totals = (struct block_totals){.shortest_ns = UINT64_MAX,
                                    .span = malloc(EXACT_LIVES * sizeof *totals->span)};
    return totals->span != NULL;
}

void block_totals_free(struct block_totals *totals) {
    free(totals->span);
    hak_index_free(&totals->stacks.by_key);
    hak_index_free(&totals->threads.by_key);
    free(totals->stacks.row);
    free(totals->threads.row);
    *totals = (struct block_totals){0};
}

/* The number of the new row; 0 where there is no room. */
static uint32_t add_tally_row(struct tally *tally, uint32_t key, uint64_t mixed) {
    tally->is_full |=
        tally->used == TALLY_ROWS ||
        !hak_growing_make_room(&tally->row, tally->used, &tally->capacity, sizeof *tally->row) ||
        !hak_index_add(&tally->by_key, mixed, tally->used + 1);
    if (tally->is_full)
        return 0;
    tally->row[tally->used] = (struct tally_row){.key = key};
    return ++tally->used;
}

/* Adds births and ends to the key's row; keys beyond the room are left out. */
static void count(struct tally *tally, uint32_t key, uint64_t births, uint64_t ends) {
    uint64_t mixed = hak_index_mix(key, 0), place = 0;
    uint32_t row = key ? hak_index_find(&tally->by_key, mixed, &place) : 0;
    if (key && !row)
        row = add_tally_row(tally, key, mixed);
    if (row) {
        tally->row[row - 1].births += births;
        tally->row[row - 1].ends += ends;
    }
}

/* The bucket of a span, log-linear: spans below 32 ns exactly, then 32 buckets for each power of
 * two. */
static unsigned bucket_of(uint64_t ns) {
    if (ns < 32)
        return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns);
    return (power - 4) * 32 + (unsigned)(ns >> (power - 5) & 31);
}

/* The lifetime in the middle of a bucket. */
static uint64_t bucket_middle(unsigned bucket) {
    if (bucket < 32)
        return bucket;
    unsigned power = bucket / 32 + 4;
    uint64_t low = (uint64_t)(32 + bucket % 32) << (power - 5);
    return low + ((uint64_t)1 << (power - 5)) / 2;
}

/* Adds a lifetime: exact ones up to EXACT_LIVES, all by bucket. */
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

uint64_t block_totals_median(struct block_totals *totals, bool *is_exact) {
    uint64_t all = 0, below = 0;
    for (unsigned i = 0; i < SPAN_BUCKETS; i++)
        all += totals->bucket[i];
    *is_exact = all == totals->spans;
    if (all == 0)
        return 0;
    if (*is_exact) {
        hak_sort_by_first(totals->span, totals->spans, sizeof *totals->span);
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
    for (uint32_t i = 0; i < tally->used; i++) {
        struct tally_row row = tally->row[i];
        int at = kept;
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
