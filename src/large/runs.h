/* Runs of pages, cut out of chunks of 4 MiB and merged again. Data and arithmetic of one shard of
 * the L2.5 pool; the shard's lock is held around all of it.
 *
 *   chunk    | used | free run | used | used | free run | used | ....... tail ....... |
 *            0                                                   ^ top                ^ 1,024 pages
 *   runs[]   out of line, one for each page: at the first and the last page of a free run stands
 *            its length, at both ends of a used one 0
 *   bins     free runs by length, eight bins to each doubling, one bit for each that is not empty
 *
 * A run is taken from the smallest bin where all fit, or from the tail of the newest chunk: used
 * pages come first, untouched ones last. The run that is given back is merged with its free
 * neighbours, or with the tail. Of each chunk the pages from `touched` on were never handed out and
 * are zero.
 *
 * How many pages of a free run are resident is estimated, since runs merge and are cut: a part of
 * one has its share, a run that was merged has the sum.
 *
 * Nothing is written into the pages themselves. May call: platform, large_map. */
#ifndef HAK_LARGE_RUNS_H
#define HAK_LARGE_RUNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

#define HAK_CHUNK_PAGES      1024 /* the most: as many have 4 KiB */
#define HAK_PAGE_CHUNK_BYTES ((size_t)HAK_CHUNK_PAGES * HAK_PAGE_BYTES_LEAST)
#define HAK_PAGES_OF_CHUNK   ((uint32_t)(HAK_PAGE_CHUNK_BYTES / HAK_PAGE_BYTES))
#define HAK_RUN_BINS         64 /* up to 1,023 pages; a chunk that is free as a whole is in no bin */

struct hak_page_chunk;

struct hak_run {
    struct hak_run *next; /* in its bin */
    struct hak_run *prev;
    struct hak_page_chunk *chunk;
    uint32_t pages; /* 0 unless a free run begins or ends here */
    uint16_t look;  /* of the shard, when it became free */
    uint16_t dirty; /* about so many of its pages are resident; 0: all read as zero */
};

struct hak_page_chunk {
    char *start;
    struct hak_shard *shard;            /* NULL while it is nobody's */
    struct hak_page_chunk *next, *prev; /* of the shard */
    uint32_t used_pages;
    uint32_t top;         /* the tail's first page; HAK_PAGES_OF_CHUNK: it has none */
    uint32_t highest_top; /* since the last hak_runs_clean */
    uint32_t touched;     /* pages from here on were never handed out, also for a fork's child */
    uint32_t dirty;       /* of the tail's pages, or of all while it is nobody's: as of a run */
    uint64_t kept_at;     /* ticks, when it was put aside as a whole */
    struct hak_run runs[HAK_CHUNK_PAGES];
};

/* The free pages of a shard. */
struct hak_runs {
    uint64_t filled; /* bit b: bins[b] is not empty */
    struct hak_run *bins[HAK_RUN_BINS];
    struct hak_page_chunk *chunks;
    struct hak_page_chunk *newest; /* the one with a tail, or NULL */
    uint16_t look;                 /* counts hak_runs_clean */
    uint32_t dirty_pages;          /* the sum of the runs' in bins and of the tail's */
    uint32_t missed_pages;         /* taken, and not resident; since the caller wrote it */
    _Atomic uint32_t used_pages;   /* written with the shard's lock */
};

/* A run that was cut out. `chunk` is NULL when there was none. */
struct hak_taken_run {
    struct hak_page_chunk *chunk;
    uint32_t first;
    bool is_fresh; /* never handed out before: all zero */
};

/* Takes `pages` pages, at most HAK_PAGES_OF_CHUNK, out of what the shard has; an empty run: it has
 * not so many. */
HAK_HIDDEN struct hak_taken_run hak_runs_take(struct hak_runs *runs, uint32_t pages);

/* Gives back a run, of which `dirty` pages are resident; 0: the kernel has them all. Returns its
 * chunk when nothing in it is used any more: it is the shard's no longer, and the caller's to keep
 * or to unmap. NULL otherwise. */
HAK_HIDDEN struct hak_page_chunk *hak_runs_give(struct hak_runs *runs, struct hak_page_chunk *chunk,
                                                uint32_t first, uint32_t pages, uint32_t dirty);

/* Adds an empty chunk; its whole is the tail from which is taken next. */
HAK_HIDDEN void hak_runs_add(struct hak_runs *runs, struct hak_page_chunk *chunk);

/* Makes a used run longer by `more` pages. False: they are not free. */
HAK_HIDDEN bool hak_runs_extend(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                                uint32_t pages, uint32_t more);

/* Makes a used run shorter: `left` pages of it stay, at least one. */
HAK_HIDDEN void hak_runs_cut(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                             uint32_t pages, uint32_t left);

/* Gives the pages of free runs back to the kernel: of those that were free at the last call
 * already, or of all. At most `limit` runs. Returns the bytes. */
HAK_HIDDEN size_t hak_runs_clean(struct hak_runs *runs, bool all, unsigned limit);

/* Gives the pages of one free run, or of the tail, back to the kernel: of a long one with at most
 * `most` resident pages. Returns how many these were; 0: there is none that is worth it. */
HAK_HIDDEN uint32_t hak_runs_clean_one(struct hak_runs *runs, uint32_t most);

/* Rebuilds a shard in the child of a fork, where another thread was at work in it, from the list of
 * chunks, whose forward links change by one store. `used_at` says how many pages a run in use has
 * that begins at `page`, 0 where none does; `drop` gets each chunk in which nothing is used, which
 * is the shard's no longer. */
HAK_HIDDEN void hak_runs_rebuild(struct hak_runs *runs,
                                 uint32_t (*used_at)(const struct hak_page_chunk *, uint32_t page),
                                 void (*drop)(struct hak_page_chunk *));

/* Adds the free pages to two sums: those that were handed out since their pages came, and those
 * without pages. */
HAK_HIDDEN void hak_runs_count_free(const struct hak_runs *runs, size_t *dirty_pages,
                                    size_t *clean_pages);

/* Calls `visit` for each stretch of free pages. */
HAK_HIDDEN void hak_runs_each_free(const struct hak_runs *runs,
                                   void (*visit)(void *start, size_t bytes, void *context),
                                   void *context);

/* Checks that the shard's bins, runs and chunks agree: NULL, or what does not. Adds up the free and
 * the used pages. */
HAK_HIDDEN const char *hak_runs_verify(const struct hak_runs *runs, size_t *free_pages,
                                       size_t *used_pages);

/* A new chunk out of the kernel, or NULL; and back. */
HAK_HIDDEN struct hak_page_chunk *hak_chunk_map(void);
HAK_HIDDEN void hak_chunk_unmap(struct hak_page_chunk *chunk);

static inline char *hak_run_start(const struct hak_page_chunk *chunk, uint32_t first) {
    return chunk->start + (size_t)first * HAK_PAGE_BYTES;
}

#endif
