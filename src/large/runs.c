/* Cuts and merges page runs, with lengths at both ends of free ones (boundary tags: Knuth, TAOCP
 * 2.5, algorithm C). */
#include "large/runs.h"

#include <stdatomic.h>
#include "large/held.h"
#include "large/page_bins.h"
#include "platform/platform.h"

enum { RUNS_LOOKED_AT = 4 };

/* ---- bins ----------------------------------------------------------------------------------- */

/* Puts a free run into its bin, and notes its length in its first and last page. */
static void insert(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                   uint32_t pages, bool is_clean) {
    struct hak_run *run = &chunk->runs[first];
    unsigned bin = hak_page_bin(pages);
    chunk->runs[first + pages - 1].pages = pages;
    *run = (struct hak_run){.next = runs->bins[bin],
                            .chunk = chunk,
                            .pages = pages,
                            .look = runs->look,
                            .is_clean = is_clean};
    if (run->next)
        run->next->prev = run;
    runs->bins[bin] = run;
    runs->filled |= (uint64_t)1 << bin;
}

/* Takes a free run out of its bin. */
static void remove_run(struct hak_runs *runs, struct hak_run *run) {
    unsigned bin = hak_page_bin(run->pages);
    if (run->next)
        run->next->prev = run->prev;
    if (run->prev)
        run->prev->next = run->next;
    else
        runs->bins[bin] = run->next;
    if (!runs->bins[bin])
        runs->filled &= ~((uint64_t)1 << bin);
}

/* A free run of at least `pages`: one of the first of its own bin, or any of a greater one. */
static struct hak_run *find_run(const struct hak_runs *runs, uint32_t pages) {
    unsigned bin = hak_page_bin(pages), looks = 0;
    if (bin >= HAK_RUN_BINS)
        return NULL;
    for (struct hak_run *run = runs->bins[bin]; run && looks < RUNS_LOOKED_AT;
         run = run->next, looks++)
        if (run->pages >= pages)
            return run;
    uint64_t above = bin + 1 < HAK_RUN_BINS ? runs->filled >> (bin + 1) << (bin + 1) : 0;
    return above ? runs->bins[__builtin_ctzll(above)] : NULL;
}

/* ---- chunks --------------------------------------------------------------------------------- */

struct hak_page_chunk *hak_chunk_map(void) {
    size_t head_bytes = HAK_PAGES_OF(sizeof(struct hak_page_chunk));
    char *start = hak_map(HAK_PAGE_CHUNK_BYTES);
    if (!start)
        return NULL;
    struct hak_page_chunk *chunk = hak_map(head_bytes);
    if (!chunk) {
        hak_held_unmap(start, HAK_PAGE_CHUNK_BYTES);
        return NULL;
    }
    chunk->start = start;
    return chunk;
}

void hak_chunk_unmap(struct hak_page_chunk *chunk) {
    hak_held_unmap(chunk->start, HAK_PAGE_CHUNK_BYTES);
    hak_held_unmap(chunk, HAK_PAGES_OF(sizeof *chunk));
}

/* Makes the newest chunk's tail a free run like others. */
static void close_tail(struct hak_runs *runs) {
    struct hak_page_chunk *chunk = runs->newest;
    runs->newest = NULL;
    if (!chunk || chunk->top == HAK_CHUNK_PAGES)
        return;
    uint32_t first = chunk->top;
    chunk->top = HAK_CHUNK_PAGES;
    insert(runs, chunk, first, HAK_CHUNK_PAGES - first, first >= chunk->touched);
}

void hak_runs_add(struct hak_runs *runs, struct hak_page_chunk *chunk) {
    close_tail(runs);
    chunk->used_pages = 0;
    chunk->top = chunk->highest_top = 0;
    chunk->prev = NULL;
    chunk->next = runs->chunks;
    if (chunk->next)
        chunk->next->prev = chunk;
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    runs->chunks = runs->newest = chunk;
}

/* Takes the chunk out of the list of chunks. */
static void remove_chunk(struct hak_runs *runs, struct hak_page_chunk *chunk) {
    if (chunk->next)
        chunk->next->prev = chunk->prev;
    if (chunk->prev)
        chunk->prev->next = chunk->next;
    else
        runs->chunks = chunk->next;
    atomic_signal_fence(memory_order_release);
    if (runs->newest == chunk)
        runs->newest = NULL;
}

/* ---- taking --------------------------------------------------------------------------------- */

/* Marks the pages as used; is_fresh if none of them was handed out before. */
static struct hak_taken_run use(struct hak_page_chunk *chunk, uint32_t first, uint32_t pages) {
    bool is_fresh = first >= chunk->touched;
    chunk->runs[first].pages = 0;
    chunk->runs[first + pages - 1].pages = 0;
    chunk->used_pages += pages;
    if (chunk->touched < first + pages)
        chunk->touched = first + pages;
    atomic_signal_fence(memory_order_release);
    return (struct hak_taken_run){chunk, first, is_fresh};
}

/* Takes pages from the end of the chunk, above all runs. The caller has seen that they are there.
 */
static struct hak_taken_run take_from_tail(struct hak_page_chunk *chunk, uint32_t pages) {
    uint32_t first = chunk->top;
    chunk->top += pages;
    if (chunk->highest_top < chunk->top)
        chunk->highest_top = chunk->top;
    return use(chunk, first, pages);
}

struct hak_taken_run hak_runs_take(struct hak_runs *runs, uint32_t pages) {
    struct hak_run *run = find_run(runs, pages);
    struct hak_page_chunk *newest = runs->newest;
    if (!run && newest && HAK_CHUNK_PAGES - newest->top >= pages)
        return take_from_tail(newest, pages);
    if (!run)
        return (struct hak_taken_run){0};
    struct hak_page_chunk *chunk = run->chunk;
    uint32_t first = (uint32_t)(run - chunk->runs), rest = run->pages - pages;
    bool is_clean = run->is_clean;
    remove_run(runs, run);
    if (rest > 0)
        insert(runs, chunk, first + pages, rest, is_clean);
    struct hak_taken_run taken = use(chunk, first, pages);
    taken.is_fresh |= is_clean;
    return taken;
}

bool hak_runs_extend(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                     uint32_t pages, uint32_t more) {
    uint32_t end = first + pages;
    if (end == HAK_CHUNK_PAGES)
        return false;
    if (end == chunk->top) {
        if (HAK_CHUNK_PAGES - end < more)
            return false;
        (void)take_from_tail(chunk, more);
        return true;
    }
    struct hak_run *run = &chunk->runs[end];
    if (run->pages < more)
        return false;
    uint32_t rest = run->pages - more;
    bool is_clean = run->is_clean;
    remove_run(runs, run);
    if (rest > 0)
        insert(runs, chunk, end + more, rest, is_clean);
    (void)use(chunk, end, more);
    return true;
}

/* ---- giving --------------------------------------------------------------------------------- */

struct hak_page_chunk *hak_runs_give(struct hak_runs *runs, struct hak_page_chunk *chunk,
                                     uint32_t first, uint32_t pages) {
    uint32_t end = first + pages;
    chunk->used_pages -= pages;
    if (first > 0 && chunk->runs[first - 1].pages > 0) {
        first -= chunk->runs[first - 1].pages;
        remove_run(runs, &chunk->runs[first]);
    }
    if (end < chunk->top && chunk->runs[end].pages > 0) {
        struct hak_run *run = &chunk->runs[end];
        end += run->pages;
        remove_run(runs, run);
    }
    if (chunk->used_pages == 0) {
        remove_chunk(runs, chunk);
        return chunk;
    }
    if (end == chunk->top && chunk == runs->newest)
        chunk->top = first;
    else
        insert(runs, chunk, first, end - first, false);
    return NULL;
}

void hak_runs_cut(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                  uint32_t pages, uint32_t left) {
    chunk->runs[first + left - 1].pages = 0;
    (void)hak_runs_give(runs, chunk, first + left, pages - left); /* something stays used */
}

/* Gives the pages of the tail that were not used since the last call, or all of them, to the
 * kernel; returns their bytes. */
static size_t clean_tail(struct hak_runs *runs, bool all) {
    struct hak_page_chunk *chunk = runs->newest;
    if (!chunk)
        return 0;
    uint32_t first = all || chunk->highest_top < chunk->top ? chunk->top : chunk->highest_top;
    chunk->highest_top = chunk->top;
    if (first >= chunk->touched)
        return 0;
    size_t bytes = (size_t)(chunk->touched - first) * HAK_PAGE_BYTES;
    if (!hak_discard(hak_run_start(chunk, first), bytes))
        return 0;
    chunk->touched = first;
    return bytes;
}

size_t hak_runs_clean(struct hak_runs *runs, bool all, unsigned limit) {
    size_t bytes = 0;
    for (uint64_t filled = runs->filled; filled && limit; filled &= filled - 1) {
        struct hak_run *run = runs->bins[__builtin_ctzll(filled)];
        for (; run && limit; run = run->next) {
            if (run->is_clean || (!all && run->look == runs->look))
                continue;
            size_t run_bytes = (size_t)run->pages * HAK_PAGE_BYTES;
            uint32_t first = (uint32_t)(run - run->chunk->runs);
            run->is_clean = hak_discard(hak_run_start(run->chunk, first), run_bytes);
            bytes += run->is_clean ? run_bytes : 0;
            limit--;
        }
    }
    runs->look++;
    return bytes + clean_tail(runs, all);
}

/* ---- what a fork left ------------------------------------------------------------------------ */

static void add_free(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                     uint32_t end) {
    if (first < end && end - first < HAK_CHUNK_PAGES)
        insert(runs, chunk, first, end - first, first >= chunk->touched);
}

/* Makes a chunk's free runs anew from `used_at`, which says how many pages a used run has at a
 * page, or 0. */
static void rebuild_chunk(struct hak_runs *runs, struct hak_page_chunk *chunk,
                          uint32_t (*used_at)(const struct hak_page_chunk *, uint32_t)) {
    uint32_t free_from = 0, used = 0;
    chunk->used_pages = 0;
    chunk->top = chunk->highest_top = HAK_CHUNK_PAGES;
    for (uint32_t page = 0; page < HAK_CHUNK_PAGES; page++)
        chunk->runs[page].pages = 0;
    for (uint32_t page = 0; page < HAK_CHUNK_PAGES; page += used ? used : 1) {
        used = used_at(chunk, page);
        if (!used)
            continue;
        add_free(runs, chunk, free_from, page);
        chunk->used_pages += used;
        free_from = page + used;
    }
    add_free(runs, chunk, free_from, HAK_CHUNK_PAGES);
}

void hak_runs_rebuild(struct hak_runs *runs,
                      uint32_t (*used_at)(const struct hak_page_chunk *, uint32_t),
                      void (*drop)(struct hak_page_chunk *)) {
    struct hak_page_chunk *prev = NULL, *next;
    struct hak_page_chunk *first = runs->chunks;
    *runs = (struct hak_runs){.chunks = first, .look = runs->look};
    for (struct hak_page_chunk *chunk = first; chunk; prev = chunk, chunk = chunk->next)
        chunk->prev = prev;
    for (struct hak_page_chunk *chunk = first; chunk; chunk = next) {
        next = chunk->next;
        rebuild_chunk(runs, chunk, used_at);
        if (chunk->used_pages == 0) {
            remove_chunk(runs, chunk);
            drop(chunk);
        }
    }
}

/* ---- looking -------------------------------------------------------------------------------- */

void hak_runs_count_free(const struct hak_runs *runs, size_t *dirty_pages, size_t *clean_pages) {
    for (unsigned bin = 0; bin < HAK_RUN_BINS; bin++)
        for (const struct hak_run *run = runs->bins[bin]; run; run = run->next)
            *(run->is_clean ? clean_pages : dirty_pages) += run->pages;
    const struct hak_page_chunk *newest = runs->newest;
    if (!newest)
        return;
    uint32_t touched = newest->touched > newest->top ? newest->touched : newest->top;
    *dirty_pages += touched - newest->top;
    *clean_pages += HAK_CHUNK_PAGES - touched;
}

void hak_runs_each_free(const struct hak_runs *runs, void (*visit)(void *, size_t, void *),
                        void *context) {
    for (unsigned bin = 0; bin < HAK_RUN_BINS; bin++)
        for (const struct hak_run *run = runs->bins[bin]; run; run = run->next)
            visit(hak_run_start(run->chunk, (uint32_t)(run - run->chunk->runs)),
                  (size_t)run->pages * HAK_PAGE_BYTES, context);
    const struct hak_page_chunk *newest = runs->newest;
    if (newest && newest->top < HAK_CHUNK_PAGES)
        visit(hak_run_start(newest, newest->top),
              (size_t)(HAK_CHUNK_PAGES - newest->top) * HAK_PAGE_BYTES, context);
}

const char *hak_runs_verify(const struct hak_runs *runs, size_t *free_pages, size_t *used_pages) {
    size_t binned = 0, chunk_pages = 0, used = 0, tail = 0;
    for (unsigned bin = 0; bin < HAK_RUN_BINS; bin++) {
        if ((runs->bins[bin] != NULL) != (runs->filled >> bin & 1))
            return "a bin of page runs and its bit differ";
        for (const struct hak_run *run = runs->bins[bin]; run; run = run->next) {
            uint32_t first = (uint32_t)(run - run->chunk->runs);
            if (hak_page_bin(run->pages) != bin ||
                run->chunk->runs[first + run->pages - 1].pages != run->pages)
                return "a free page run's ends differ";
            if (run->next && run->next->prev != run)
                return "a bin of page runs is not linked both ways";
            binned += run->pages;
        }
    }
    for (const struct hak_page_chunk *chunk = runs->chunks; chunk; chunk = chunk->next) {
        if (chunk->top != HAK_CHUNK_PAGES && chunk != runs->newest)
            return "a chunk that is not the newest has a tail";
        chunk_pages += HAK_CHUNK_PAGES;
        used += chunk->used_pages;
        tail += HAK_CHUNK_PAGES - chunk->top;
    }
    *free_pages += binned + tail;
    *used_pages += used;
    return binned + tail + used == chunk_pages ? NULL : "pages of a shard are missing";
}
