/* Cuts and merges page runs, with lengths at both ends of free ones (boundary tags: Knuth, TAOCP
 * 2.5, algorithm C). */
#include "large/runs.h"

#include <stdatomic.h>
#include "large/held.h"
#include "large/page_bins.h"
#include "platform/platform.h"
#include "platform/tags.h"

/* Fewer resident pages than LEAST_CLEANED are not worth a call of the kernel at once. */
enum { RUNS_LOOKED_AT = 4, LEAST_CLEANED = 16 };

/* Of `dirty` resident pages among `pages` the share of a part: none only if there is none at all.
 */
static uint32_t part_of(uint32_t dirty, uint32_t part, uint32_t pages) {
    return pages ? (dirty * part + pages - 1) / pages : 0;
}

/* ---- bins ----------------------------------------------------------------------------------- */

/* Puts a free run into its bin, and notes its length in its first and last page. */
static void insert(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                   uint32_t pages, uint32_t dirty) {
    struct hak_run *run = &chunk->runs[first];
    unsigned bin = hak_page_bin(pages);
    chunk->runs[first + pages - 1].pages = pages;
    *run = (struct hak_run){.next = runs->bins[bin],
                            .chunk = chunk,
                            .pages = pages,
                            .look = runs->look,
                            .dirty = (uint16_t)dirty};
    if (run->next)
        run->next->prev = run;
    runs->bins[bin] = run;
    runs->filled |= (uint64_t)1 << bin;
    runs->dirty_pages += dirty;
}

/* Takes a free run out of its bin. */
static void remove_run(struct hak_runs *runs, struct hak_run *run) {
    unsigned bin = hak_page_bin(run->pages);
    runs->dirty_pages -= run->dirty;
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

/* With memory tags a page at each end of a chunk, which has tag 0: no access out of the chunk meets
 * memory that compares none. */
static size_t edge_bytes(void) {
    return hak_light_has_tags() ? HAK_PAGE_BYTES : 0;
}

static void unmap_pages(char *start) {
    hak_held_unmap(start - edge_bytes(), HAK_PAGE_CHUNK_BYTES + 2 * edge_bytes());
}

struct hak_page_chunk *hak_chunk_map(void) {
    size_t head_bytes = HAK_PAGES_OF(sizeof(struct hak_page_chunk));
    size_t bytes = HAK_PAGE_CHUNK_BYTES + 2 * edge_bytes();
    char *start = hak_map(bytes);
    if (!start)
        return NULL;
    hak_tags_fit(start, bytes);
    start += edge_bytes();
    struct hak_page_chunk *chunk = hak_map(head_bytes);
    if (!chunk) {
        unmap_pages(start);
        return NULL;
    }
    chunk->start = start;
    return chunk;
}

void hak_chunk_unmap(struct hak_page_chunk *chunk) {
    unmap_pages(chunk->start);
    hak_held_unmap(chunk, HAK_PAGES_OF(sizeof *chunk));
}

/* Takes the tail's resident pages out of the sum; returns how many. */
static uint32_t take_tail_dirty(struct hak_runs *runs, struct hak_page_chunk *chunk) {
    uint32_t dirty = chunk->dirty;
    runs->dirty_pages -= dirty;
    chunk->dirty = 0;
    return dirty;
}

/* Makes the newest chunk's tail a free run like others. */
static void close_tail(struct hak_runs *runs) {
    struct hak_page_chunk *chunk = runs->newest;
    runs->newest = NULL;
    if (!chunk || chunk->top == HAK_PAGES_OF_CHUNK)
        return;
    uint32_t first = chunk->top, dirty = take_tail_dirty(runs, chunk);
    chunk->top = HAK_PAGES_OF_CHUNK;
    insert(runs, chunk, first, HAK_PAGES_OF_CHUNK - first, dirty);
}

void hak_runs_add(struct hak_runs *runs, struct hak_page_chunk *chunk) {
    close_tail(runs);
    chunk->used_pages = 0;
    chunk->top = chunk->highest_top = 0;
    runs->dirty_pages += chunk->dirty;
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

/* Counts pages as used, or as no longer used where `more` is negative. */
static void count_used(struct hak_runs *runs, int32_t more) {
    uint32_t before = atomic_load_explicit(&runs->used_pages, memory_order_relaxed);
    atomic_store_explicit(&runs->used_pages, before + (uint32_t)more, memory_order_relaxed);
}

/* Marks the pages as used, of which `dirty` are resident; is_fresh if none of them was handed out
 * before. */
static struct hak_taken_run use(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                                uint32_t pages, uint32_t dirty) {
    count_used(runs, (int32_t)pages);
    if (runs->missed_pages < UINT32_MAX / 2)
        runs->missed_pages += pages > dirty ? pages - dirty : 0;
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
static struct hak_taken_run take_from_tail(struct hak_runs *runs, struct hak_page_chunk *chunk,
                                           uint32_t pages) {
    uint32_t first = chunk->top, touched = chunk->touched > first ? chunk->touched - first : 0;
    uint32_t taken = pages < touched ? pages : touched, all = take_tail_dirty(runs, chunk);
    chunk->dirty = part_of(all, touched - taken, touched);
    runs->dirty_pages += chunk->dirty;
    chunk->top += pages;
    if (chunk->highest_top < chunk->top)
        chunk->highest_top = chunk->top;
    return use(runs, chunk, first, pages, part_of(all, taken, touched));
}

/* Takes a free run out of its bin, puts what is behind its first `pages` back into one, and returns
 * how many of these are resident. */
static uint32_t split(struct hak_runs *runs, struct hak_run *run, uint32_t pages) {
    uint32_t rest = run->pages - pages, dirty = part_of(run->dirty, pages, run->pages);
    remove_run(runs, run);
    if (rest > 0) {
        uint32_t left = part_of(run->dirty, rest, run->pages);
        insert(runs, run->chunk, (uint32_t)(run - run->chunk->runs) + pages, rest, left);
    }
    return dirty;
}

struct hak_taken_run hak_runs_take(struct hak_runs *runs, uint32_t pages) {
    struct hak_run *run = find_run(runs, pages);
    struct hak_page_chunk *newest = runs->newest;
    if (!run && newest && HAK_PAGES_OF_CHUNK - newest->top >= pages)
        return take_from_tail(runs, newest, pages);
    if (!run)
        return (struct hak_taken_run){0};
    struct hak_page_chunk *chunk = run->chunk;
    uint32_t first = (uint32_t)(run - chunk->runs), dirty = split(runs, run, pages);
    struct hak_taken_run taken = use(runs, chunk, first, pages, dirty);
    taken.is_fresh |= dirty == 0;
    return taken;
}

bool hak_runs_extend(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                     uint32_t pages, uint32_t more) {
    uint32_t end = first + pages;
    if (end == HAK_PAGES_OF_CHUNK)
        return false;
    if (end == chunk->top) {
        if (HAK_PAGES_OF_CHUNK - end < more)
            return false;
        (void)take_from_tail(runs, chunk, more);
        return true;
    }
    struct hak_run *run = &chunk->runs[end];
    if (run->pages < more)
        return false;
    (void)use(runs, chunk, end, more, split(runs, run, more));
    return true;
}

/* ---- giving --------------------------------------------------------------------------------- */

struct hak_page_chunk *hak_runs_give(struct hak_runs *runs, struct hak_page_chunk *chunk,
                                     uint32_t first, uint32_t pages, uint32_t dirty) {
    uint32_t end = first + pages;
    chunk->used_pages -= pages;
    count_used(runs, -(int32_t)pages);
    if (first > 0 && chunk->runs[first - 1].pages > 0) {
        first -= chunk->runs[first - 1].pages;
        dirty += chunk->runs[first].dirty;
        remove_run(runs, &chunk->runs[first]);
    }
    if (end < chunk->top && chunk->runs[end].pages > 0) {
        struct hak_run *run = &chunk->runs[end];
        end += run->pages;
        dirty += run->dirty;
        remove_run(runs, run);
    }
    if (end < chunk->top || chunk != runs->newest) {
        if (chunk->used_pages > 0) {
            insert(runs, chunk, first, end - first, dirty);
            return NULL;
        }
    } else {
        dirty += take_tail_dirty(runs, chunk);
        chunk->top = first;
    }
    if (dirty == 0)
        chunk->touched = first;
    chunk->dirty = dirty;
    if (chunk->used_pages == 0) {
        remove_chunk(runs, chunk);
        return chunk;
    }
    runs->dirty_pages += dirty;
    return NULL;
}

void hak_runs_cut(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                  uint32_t pages, uint32_t left) {
    chunk->runs[first + left - 1].pages = 0;
    /* Something stays used. */
    (void)hak_runs_give(runs, chunk, first + left, pages - left, pages - left);
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
    uint32_t left = part_of(chunk->dirty, first - chunk->top, chunk->touched - chunk->top);
    runs->dirty_pages -= chunk->dirty - left;
    chunk->dirty = left;
    chunk->touched = first;
    return bytes;
}

/* Gives the pages of a free run to the kernel; false where they are locked. */
static bool clean_run(struct hak_runs *runs, struct hak_run *run) {
    uint32_t first = (uint32_t)(run - run->chunk->runs);
    size_t bytes = (size_t)run->pages * HAK_PAGE_BYTES;
    if (!hak_discard(hak_run_start(run->chunk, first), bytes))
        return false;
    runs->dirty_pages -= run->dirty;
    run->dirty = 0;
    return true;
}

/* A run with LEAST_CLEANED to `most` resident pages, of the first of each bin, the longest bins
 * first; NULL: none. */
static struct hak_run *find_dirty(const struct hak_runs *runs, uint32_t most) {
    for (uint64_t filled = runs->filled; filled;) {
        unsigned bin = 63 - (unsigned)__builtin_clzll(filled), looks = 0;
        for (struct hak_run *run = runs->bins[bin]; run && looks < RUNS_LOOKED_AT;
             run = run->next, looks++)
            if (run->dirty >= LEAST_CLEANED && run->dirty <= most)
                return run;
        filled &= ~((uint64_t)1 << bin);
    }
    return NULL;
}

uint32_t hak_runs_clean_one(struct hak_runs *runs, uint32_t most) {
    uint32_t tail = runs->newest ? runs->newest->dirty : 0;
    if (tail >= LEAST_CLEANED && tail <= most)
        return clean_tail(runs, true) > 0 ? tail : 0;
    struct hak_run *run = find_dirty(runs, most);
    uint32_t dirty = run ? run->dirty : 0;
    return run && clean_run(runs, run) ? dirty : 0;
}

size_t hak_runs_clean(struct hak_runs *runs, bool all, unsigned limit) {
    size_t bytes = 0;
    for (uint64_t filled = runs->filled; filled && limit; filled &= filled - 1) {
        struct hak_run *run = runs->bins[__builtin_ctzll(filled)];
        for (; run && limit; run = run->next) {
            if (run->dirty == 0 || (!all && run->look == runs->look))
                continue;
            size_t run_bytes = (size_t)run->pages * HAK_PAGE_BYTES;
            bytes += clean_run(runs, run) ? run_bytes : 0;
            limit--;
        }
    }
    runs->look++;
    return bytes + clean_tail(runs, all);
}

/* ---- what a fork left ------------------------------------------------------------------------ */

static void add_free(struct hak_runs *runs, struct hak_page_chunk *chunk, uint32_t first,
                     uint32_t end) {
    if (first < end && end - first < HAK_PAGES_OF_CHUNK)
        insert(runs, chunk, first, end - first,
               first >= chunk->touched ? 0 : (end < chunk->touched ? end : chunk->touched) - first);
}

/* Makes a chunk's free runs anew from `used_at`, which says how many pages a used run has at a
 * page, or 0. */
static void rebuild_chunk(struct hak_runs *runs, struct hak_page_chunk *chunk,
                          uint32_t (*used_at)(const struct hak_page_chunk *, uint32_t)) {
    uint32_t free_from = 0, used = 0;
    chunk->used_pages = chunk->dirty = 0;
    chunk->top = chunk->highest_top = HAK_PAGES_OF_CHUNK;
    for (uint32_t page = 0; page < HAK_PAGES_OF_CHUNK; page++)
        chunk->runs[page].pages = 0;
    for (uint32_t page = 0; page < HAK_PAGES_OF_CHUNK; page += used ? used : 1) {
        used = used_at(chunk, page);
        if (!used)
            continue;
        add_free(runs, chunk, free_from, page);
        chunk->used_pages += used;
        count_used(runs, (int32_t)used);
        free_from = page + used;
    }
    add_free(runs, chunk, free_from, HAK_PAGES_OF_CHUNK);
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
            chunk->dirty = chunk->touched;
            drop(chunk);
        }
    }
}

/* ---- looking -------------------------------------------------------------------------------- */

void hak_runs_count_free(const struct hak_runs *runs, size_t *dirty_pages, size_t *clean_pages) {
    for (unsigned bin = 0; bin < HAK_RUN_BINS; bin++)
        for (const struct hak_run *run = runs->bins[bin]; run; run = run->next) {
            *dirty_pages += run->dirty;
            *clean_pages += run->pages - run->dirty;
        }
    const struct hak_page_chunk *newest = runs->newest;
    if (!newest)
        return;
    *dirty_pages += newest->dirty;
    *clean_pages += HAK_PAGES_OF_CHUNK - newest->top - newest->dirty;
}

void hak_runs_each_free(const struct hak_runs *runs, void (*visit)(void *, size_t, void *),
                        void *context) {
    for (unsigned bin = 0; bin < HAK_RUN_BINS; bin++)
        for (const struct hak_run *run = runs->bins[bin]; run; run = run->next)
            visit(hak_run_start(run->chunk, (uint32_t)(run - run->chunk->runs)),
                  (size_t)run->pages * HAK_PAGE_BYTES, context);
    const struct hak_page_chunk *newest = runs->newest;
    if (newest && newest->top < HAK_PAGES_OF_CHUNK)
        visit(hak_run_start(newest, newest->top),
              (size_t)(HAK_PAGES_OF_CHUNK - newest->top) * HAK_PAGE_BYTES, context);
}

const char *hak_runs_verify(const struct hak_runs *runs, size_t *free_pages, size_t *used_pages) {
    size_t binned = 0, chunk_pages = 0, used = 0, tail = 0, dirty = 0;
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
            if (run->dirty > run->pages)
                return "a free page run has more resident pages than it is long";
            binned += run->pages;
            dirty += run->dirty;
        }
    }
    for (const struct hak_page_chunk *chunk = runs->chunks; chunk; chunk = chunk->next) {
        if (chunk->top != HAK_PAGES_OF_CHUNK && chunk != runs->newest)
            return "a chunk that is not the newest has a tail";
        chunk_pages += HAK_PAGES_OF_CHUNK;
        used += chunk->used_pages;
        tail += HAK_PAGES_OF_CHUNK - chunk->top;
    }
    if (runs->newest && runs->newest->dirty > HAK_PAGES_OF_CHUNK - runs->newest->top)
        return "a chunk's tail has more resident pages than it is long";
    dirty += runs->newest ? runs->newest->dirty : 0;
    if (dirty != runs->dirty_pages)
        return "the free pages that are resident are not those counted";
    if (used != atomic_load_explicit(&runs->used_pages, memory_order_relaxed))
        return "the pages in use of a shard are not those counted";
    *free_pages += binned + tail;
    *used_pages += used;
    return binned + tail + used == chunk_pages ? NULL : "pages of a shard are missing";
}
