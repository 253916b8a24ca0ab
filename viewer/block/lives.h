/* `block`: every life of one block, streamed, and totals over them.
 *
 *   block.c         asks the store, decides which lives are told, exit status
 *   block_rows.c    the page: head, rows, end
 *   block_totals.c  what is counted over all lives, in memory that does not grow with them
 *   block_json.c    the document */
#ifndef HAK_VIEWER_BLOCK_LIVES_H
#define HAK_VIEWER_BLOCK_LIVES_H

#include "base/json.h"
#include "base/index.h"
#include "viewer/block/position.h"
#include "store/history/history.h"
#include "viewer/capture/capture.h"

#define TALLY_ROWS       65536 /* distinct stacks, or threads, that are told apart */
#define EXACT_LIVES      65536 /* up to here the median is exact */
#define SPAN_BUCKETS     (64 * 32)
#define STACKS_SHOWN     5
#define BLOCK_MOVES_KEPT 1000 /* of one life, in JSON */

struct tally_row {
    uint32_t key; /* stack, or thread's row */
    uint64_t births, ends;
};
struct tally {
    struct hak_index by_key;
    struct tally_row *row;
    uint32_t used, capacity;
    bool is_full; /* there are more than TALLY_ROWS, or than memory: the rest is not told apart */
};

struct block_totals {
    uint64_t lives, ended, ended_again, resizes, moves, largest_bytes;
    uint64_t shortest_ns, longest_ns;
    uint64_t *span; /* of the first EXACT_LIVES ended ones */
    uint32_t spans;
    uint64_t bucket[SPAN_BUCKETS]; /* all spans, 32 buckets for each power of two */
    struct tally stacks, threads;
};

struct block {
    struct view *view;
    struct view_position position;
    uint64_t since_ns, since_id; /* until: the position's */
    uint64_t first, last;        /* --first, --last; UINT64_MAX = not given */
    uint64_t skip;               /* --last: so many of the chosen lives are not told */
    uint64_t chosen, told;       /* lives so far */
    uint64_t first_ns;           /* of the block's events */
    struct hak_event fault;      /* the newest on this block; id 0 = none */
    struct hak_fault_words_row fault_row;
    struct hak_block_key other[VIEW_BLOCKS_MAX];
    int others; /* other blocks that covered the address at other times, newest use first */
    struct block_totals totals;
    uint64_t told_number;   /* --moves: the life of the row before */
    struct hak_event birth; /* and its birth; id 0 = not told */
    json_t *moves;          /* JSON with --moves: those before and in the life that comes next */
    uint64_t moves_left_out;
};

/* Makes empty totals. False without memory. */
bool block_totals_init(struct block_totals *totals);
void block_totals_free(struct block_totals *totals);

/* Adds a life: its ends, moves and sizes, and its threads, stack and span as far as they are
 * known. */
void block_totals_add(struct block_totals *totals, const struct hak_life_row *row);
/* Computes the median span in ns, the lower one of two; 0 where totals->spans is 0. `is_exact`
 * false: to some 3 per cent. Sorts totals->span. */
uint64_t block_totals_median(struct block_totals *totals, bool *is_exact);
/* Copies the rows with the most births and ends together, most first; returns how many (at most
 * `max`). */
int block_tally_most(const struct tally *tally, struct tally_row *out, int max);

void block_write_head(struct block *block);
void block_write_life(struct block *block, const struct hak_life_row *row);
/* Writes, for --moves, the row of one event of the life `number`. */
void block_write_event(struct block *block, const struct hak_event *e, enum hak_life_step step,
                       uint64_t number);

/* Prints the end of the answer: totals, lifetimes, threads, stacks and the fault; or that there was
 * no life. */
void block_write_end(struct block *block);

/* Begins the document with the address and the block, up to its list of lives. */
void block_write_json_head(struct block *block);

/* Writes a life as the next element of the list. */
void block_write_json_life(struct block *block, const struct hak_life_row *row);
void block_write_json_event(struct block *block, const struct hak_event *e);
/* Ends the JSON with moves, totals, fault and completeness; also after Ctrl-C, so that the document
 * is whole. */
void block_write_json_end(struct block *block);

#endif
