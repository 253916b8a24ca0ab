/* The shards of L2.5: the choice of one, the way around a busy one, and the chunk that is kept. */
#include "large/l25.h"

#include "hop.h"
#include "large_map/address_map.h"
#include "large_map/memory.h"
#include "large/shard.h"

enum { STRUCTS_AT_ONCE = 16, LOOK_EVERY = 16, CLEANED_AT_ONCE = 8, CLEANED_WHEN_IDLE = 64 };

/* Free pages that may be resident: an eighth of those in use, at least 6 MiB. More of them is what
 * a burst leaves behind, perhaps with no call after it. Where half of what went back was missed, 1
 * MiB or more, the bound doubles, up to MOST_REGRET times; each quiet tenth of a second halves it.
 * One call gives back as many pages as become free, and others where that was allowed often enough:
 * LEAST_ALLOWED is worth a call of the kernel, and BUDGET the most. */
enum {
    LEAST_DIRTY = 1536,
    BURST_PAGES = 4096,
    DIRTY_SHARE = 8,
    LEAST_REGRETTED = 192,
    MOST_REGRET = 3,
    LEAST_ALLOWED = 64,
};
#define BUDGET HAK_PAGES_OF_CHUNK
/* The others are pages of 4 KiB: as many bytes where pages are larger. */
#define PAGES(count) ((uint32_t)(HAK_PAGE_BYTES_LEAST * (size_t)(count) / HAK_PAGE_BYTES))

static struct hak_shard first_shard;
_Atomic(struct hak_shard *) hak_l25_newest_shard = &first_shard;
static struct hak_lock growth_lock;
/* Chunks that nobody uses, the one that came last on top. A place is claimed by writing where its
 * chunk starts, before it has that, and is free again after it was taken: so that one thread may
 * ask whether a pointer lies there while others ask, too, or take and put. */
_Atomic(struct hak_page_chunk *) hak_l25_kept_chunks[HAK_L25_KEPT_CHUNKS];
static _Atomic uintptr_t kept_starts[HAK_L25_KEPT_CHUNKS];
static _Atomic uint32_t kept_dirty; /* resident pages of all of them */
static _Thread_local struct hak_shard *own_shard __attribute__((tls_model("initial-exec")));
_Thread_local uint32_t hak_l25_in_hand __attribute__((tls_model("initial-exec")));

static struct hak_shard *newest_shard_now(void) {
    return atomic_load_explicit(&hak_l25_newest_shard, memory_order_acquire);
}

unsigned hak_l25_shards(void) {
    unsigned count = 0;
    for (struct hak_shard *shard = newest_shard_now(); shard; shard = shard->next)
        count++;
    return count;
}

static uint32_t first_page_of(const struct hak_large *large) {
    return (uint32_t)((size_t)(large->base.p - large->chunk->start) / HAK_PAGE_BYTES);
}

/* ---- under the shard's lock ----------------------------------------------------------------- */

/* Puts an unused chunk into a place that is empty. False: there is none. */
static bool put_aside(struct hak_page_chunk *chunk) {
    for (unsigned i = 0; i < HAK_L25_KEPT_CHUNKS; i++) {
        uintptr_t none = 0;
        if (!atomic_load_explicit(&kept_starts[i], memory_order_relaxed) &&
            atomic_compare_exchange_strong_explicit(&kept_starts[i], &none, (uintptr_t)chunk->start,
                                                    memory_order_acq_rel, memory_order_relaxed)) {
            atomic_fetch_add_explicit(&kept_dirty, chunk->dirty, memory_order_relaxed);
            atomic_store_explicit(&hak_l25_kept_chunks[i], chunk, memory_order_release);
            return true;
        }
    }
    return false;
}

/* Keeps an empty chunk for the next shard that needs one; if all places are taken, it is unmapped.
 */
static void keep_or_unmap(struct hak_page_chunk *chunk) {
    chunk->kept_at = hak_ticks();
    chunk->shard = NULL;
    if (!put_aside(chunk))
        hak_chunk_unmap(chunk);
}

static uint32_t kept_dirty_now(void) {
    return atomic_load_explicit(&kept_dirty, memory_order_relaxed);
}

static uint32_t used_now(const struct hak_shard *shard) {
    return atomic_load_explicit(&shard->runs.used_pages, memory_order_relaxed);
}

/* Free pages of the shard, and of kept chunks, that may be resident. */
static uint32_t most_dirty(const struct hak_shard *shard) {
    uint32_t most = PAGES(LEAST_DIRTY) << shard->regret, share = used_now(shard) / DIRTY_SHARE;
    if (shard->most_used <= PAGES(BURST_PAGES) && most < PAGES(BURST_PAGES))
        most = PAGES(BURST_PAGES);
    return share > most ? share : most;
}

static uint32_t dirty_now(const struct hak_shard *shard) {
    return shard->runs.dirty_pages + kept_dirty_now();
}

/* Whether too many pages are resident with `more` that are about to be free. */
static bool is_beyond_bound(const struct hak_shard *shard, uint32_t more) {
    return !hak_is_debug_build && dirty_now(shard) + more > most_dirty(shard);
}

/* Counts pages that were given back for being too many. Where half of as many were missed since,
 * that was wrong: use swings, and the bound doubles. The further back, the less it counts. */
static void note_cleaned(struct hak_shard *shard, uint32_t pages) {
    uint32_t *missed = &shard->runs.missed_pages;
    if (shard->cleaned_pages == 0)
        *missed = 0;
    if (shard->cleaned_pages > PAGES(LEAST_REGRETTED) && *missed > shard->cleaned_pages / 2) {
        if (shard->regret < MOST_REGRET)
            shard->regret++;
        shard->cleaned_pages = *missed = 0;
    } else if (shard->cleaned_pages > PAGES(LEAST_DIRTY)) {
        shard->cleaned_pages /= 2;
        *missed /= 2;
    }
    shard->cleaned_pages += pages;
}

/* Keeps a chunk that the shard has just emptied, or unmaps it where too many of its pages are
 * resident. */
static void leave_chunk(struct hak_shard *shard, struct hak_page_chunk *chunk) {
    uint32_t dirty = chunk->dirty;
    if (dirty == 0 || !is_beyond_bound(shard, dirty)) {
        keep_or_unmap(chunk);
        return;
    }
    hak_chunk_unmap(chunk);
    note_cleaned(shard, dirty);
}

/* Gives pages that are about to be free to the kernel where too many are resident; returns how many
 * of them stay resident. Each allows, for later, that as many of others go. */
static uint32_t clean_at_bound(struct hak_shard *shard, struct hak_page_chunk *chunk,
                               uint32_t first, uint32_t pages, uint32_t *budget) {
    shard->has_many |= dirty_now(shard) + pages > (PAGES(LEAST_DIRTY) << shard->regret) / 2;
    if (HAK_LIKELY(!is_beyond_bound(shard, pages)))
        return pages;
    shard->allowed_pages += pages;
    if (shard->allowed_pages > HAK_PAGES_OF_CHUNK)
        shard->allowed_pages = HAK_PAGES_OF_CHUNK;
    if (shard->is_refused || pages > *budget)
        return pages;
    *budget -= pages;
    shard->is_refused = !hak_discard(hak_run_start(chunk, first), (size_t)pages * HAK_PAGE_BYTES);
    if (shard->is_refused)
        return pages;
    note_cleaned(shard, pages);
    return 0;
}

/* Where still too many pages are resident, since less is in use than before, a free run goes. */
static void clean_another(struct hak_shard *shard, uint32_t *budget) {
    if (HAK_LIKELY(shard->allowed_pages < PAGES(LEAST_ALLOWED)) || *budget == 0 ||
        shard->is_refused || !is_beyond_bound(shard, 0))
        return;
    uint32_t most = shard->allowed_pages, cleaned = hak_runs_clean_one(&shard->runs, most);
    shard->allowed_pages =
        most == HAK_PAGES_OF_CHUNK && !cleaned ? 0 : shard->allowed_pages - cleaned;
    *budget -= cleaned < *budget ? cleaned : *budget;
    if (cleaned)
        note_cleaned(shard, cleaned);
}

static struct hak_page_chunk *take_kept_at(unsigned place) {
    struct hak_page_chunk *chunk =
        atomic_exchange_explicit(&hak_l25_kept_chunks[place], NULL, memory_order_acq_rel);
    if (!chunk)
        return NULL;
    atomic_fetch_sub_explicit(&kept_dirty, chunk->dirty, memory_order_relaxed);
    atomic_store_explicit(&kept_starts[place], 0, memory_order_release);
    return chunk;
}

/* The kept chunk of the last place that has one, or NULL. */
static struct hak_page_chunk *take_kept(void) {
    struct hak_page_chunk *chunk = NULL;
    for (unsigned i = HAK_L25_KEPT_CHUNKS; i-- > 0 && !chunk;)
        if (atomic_load_explicit(&hak_l25_kept_chunks[i], memory_order_relaxed))
            chunk = take_kept_at(i);
    return chunk;
}

/* Gives the shard a chunk, kept or new. False without memory. */
static bool add_chunk(struct hak_shard *shard) {
    struct hak_page_chunk *chunk = take_kept();
    if (!chunk)
        chunk = hak_chunk_map();
    if (!chunk)
        return false;
    chunk->shard = shard;
    hak_runs_add(&shard->runs, chunk);
    return true;
}

/* Frees pages of a chunk; a chunk that is empty then leaves the shard. */
static void give_run(struct hak_shard *shard, struct hak_page_chunk *chunk, uint32_t first,
                     uint32_t pages, uint32_t *budget) {
    uint32_t dirty = clean_at_bound(shard, chunk, first, pages, budget);
    chunk = hak_runs_give(&shard->runs, chunk, first, pages, dirty);
    if (chunk)
        leave_chunk(shard, chunk);
    clean_another(shard, budget);
}

static void give_struct(struct hak_shard *shard, struct hak_large *large) {
    large->base = HAK_NO_BASE; /* as in hak_large_struct_give */
    large->next = shard->unused;
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    shard->unused = large;
}

/* Frees the block's pages and its struct. At most `*budget` pages go to the kernel, which is
 * lowered by them. With the shard's lock. */
static void give_block(struct hak_shard *shard, struct hak_large *large, uint32_t *budget) {
    give_run(shard, large->chunk, first_page_of(large),
             (uint32_t)(large->mapped_bytes / HAK_PAGE_BYTES), budget);
    give_struct(shard, large);
}

/* Frees the blocks that other threads returned. With the shard's lock. */
static void take_in_returned(struct hak_shard *shard) {
    struct hak_large *large = hak_returned_take(&shard->returned), *next;
    uint32_t budget = BUDGET;
    for (; large; large = next) {
        next = large->next;
        give_block(shard, large, &budget);
    }
}

/* An unused struct, or the first of STRUCTS_AT_ONCE new ones; NULL without memory. */
static struct hak_large *take_struct(struct hak_shard *shard) {
    if (!shard->unused) {
        struct hak_large *more = hak_large_memory_take(STRUCTS_AT_ONCE * sizeof *more);
        for (unsigned i = 0; more && i < STRUCTS_AT_ONCE; i++)
            give_struct(shard, &more[i]);
    }
    struct hak_large *large = shard->unused;
    if (large)
        shard->unused = large->next;
    atomic_signal_fence(memory_order_release);
    return large;
}

/* Unmaps the kept chunks that nobody wanted for a while. */
static void age_kept(uint64_t now) {
    for (unsigned i = 0; i < HAK_L25_KEPT_CHUNKS; i++) {
        struct hak_page_chunk *chunk = take_kept_at(i);
        if (chunk && (now - chunk->kept_at >= HAK_DECAY_TICKS || !put_aside(chunk)))
            hak_chunk_unmap(chunk);
    }
}

/* Gives runs that were free for a while back to the kernel, at most `limit` at once. */
static void decay(struct hak_shard *shard, unsigned limit) {
    uint64_t now = hak_ticks();
    if (now - shard->cleaned_at < HAK_DECAY_TICKS)
        return;
    shard->cleaned_at = now;
    (void)hak_runs_clean(&shard->runs, false, limit);
    age_kept(now);
    shard->most_used /= 2;
    if (!shard->has_many) {
        shard->regret = shard->regret > 0 ? shard->regret - 1 : 0;
        shard->cleaned_pages = 0;
    }
    shard->has_many = shard->is_refused = false;
}

/* ---- which shard ---------------------------------------------------------------------------- */

/* Unlocks the shard, but takes in first, and again, what others return meanwhile. */
static void release(struct hak_shard *shard) {
    do {
        take_in_returned(shard);
        hak_unlock(&shard->lock);
        atomic_thread_fence(memory_order_seq_cst);
    } while (!hak_returned_is_empty(&shard->returned) && hak_try_lock(&shard->lock));
}

/* Makes one more shard, which the caller has locked; NULL when there is no memory or another thread
 * is just making one. */
static struct hak_shard *make_shard(void) {
    if (!hak_try_lock(&growth_lock))
        return NULL;
    struct hak_shard *shard = hak_large_memory_take(sizeof *shard);
    if (shard) {
        hak_lock(&shard->lock);
        shard->next = newest_shard_now();
        atomic_store_explicit(&hak_l25_newest_shard, shard, memory_order_release);
    }
    hak_unlock(&growth_lock);
    return shard;
}

/* Locks another shard than the busy one: any that is free, else a new one; without memory it waits
 * for the busy one. */
static HAK_COLD struct hak_shard *hold_another(struct hak_shard *busy) {
    unsigned count = hak_l25_shards();
    hop_count(HAK_COUNTED_SHARD_BUSY, HAK_CLASS_NONE, count);
    for (struct hak_shard *shard = newest_shard_now(); shard; shard = shard->next) {
        if (shard == busy)
            continue;
        if (hak_try_lock(&shard->lock))
            return shard;
        hop_count(HAK_COUNTED_SHARD_BUSY, HAK_CLASS_NONE, count);
    }
    struct hak_shard *made = make_shard();
    if (made)
        return made;
    hak_lock(&busy->lock);
    return busy;
}

/* Locks the thread's shard, or another if that is busy, which is the thread's from then on. */
static struct hak_shard *hold_any(void) {
    struct hak_shard *shard = own_shard ? own_shard : &first_shard;
    if (HAK_UNLIKELY(!hak_try_lock(&shard->lock)))
        shard = hold_another(shard);
    own_shard = shard;
    return shard;
}

/* ---- the pool ------------------------------------------------------------------------------- */

/* Takes a run of pages with the shard's lock, from a new chunk if need be. NULL without memory. */
static struct hak_large *take_held(struct hak_shard *shard, uint32_t pages) {
    struct hak_large *large = take_struct(shard);
    if (!large)
        return NULL;
    struct hak_taken_run run = hak_runs_take(&shard->runs, pages);
    if (!run.chunk && add_chunk(shard))
        run = hak_runs_take(&shard->runs, pages);
    if (!run.chunk) {
        give_struct(shard, large);
        return NULL;
    }
    if (shard->most_used < used_now(shard))
        shard->most_used = used_now(shard);
    *large = (struct hak_large){.base = base_from(hak_run_start(run.chunk, run.first)),
                                .mapped_bytes = (size_t)pages * HAK_PAGE_BYTES,
                                .chunk = run.chunk,
                                .is_fresh = run.is_fresh,
                                .slot = {.place = HAK_PLACE_L25}};
    return large;
}

struct hak_large *hak_l25_take(size_t bytes) {
    struct hak_shard *shard = hold_any();
    take_in_returned(shard);
    struct hak_large *large = take_held(shard, (uint32_t)(bytes / HAK_PAGE_BYTES));
    release(shard);
    return large;
}

void hak_l25_give(struct hak_large *large) {
    struct hak_shard *shard = large->chunk->shard;
    if (HAK_UNLIKELY(!hak_try_lock(&shard->lock))) {
        hop_count(HAK_COUNTED_SHARD_BUSY, HAK_CLASS_NONE, hak_l25_shards());
        hak_returned_push(&shard->returned, large);
        atomic_thread_fence(memory_order_seq_cst);
        if (hak_try_lock(&shard->lock))
            release(shard);
        return;
    }
    uint32_t budget = BUDGET;
    give_block(shard, large, &budget);
    if (++shard->calls % LOOK_EVERY == 0)
        decay(shard, CLEANED_AT_ONCE);
    release(shard);
}

void hak_l25_tend(void) {
    for (struct hak_shard *shard = newest_shard_now(); shard; shard = shard->next) {
        if (!hak_try_lock(&shard->lock))
            continue; /* somebody works in it */
        decay(shard, CLEANED_WHEN_IDLE);
        release(shard);
    }
}

bool hak_l25_resize(struct hak_large *large, size_t bytes) {
    uint32_t first = first_page_of(large);
    uint32_t pages = (uint32_t)(large->mapped_bytes / HAK_PAGE_BYTES);
    if (bytes > HAK_L25_MAX_BYTES)
        return false;
    uint32_t wanted = (uint32_t)(bytes / HAK_PAGE_BYTES);
    struct hak_shard *shard = large->chunk->shard;
    bool fits = true;
    hak_lock(&shard->lock);
    if (wanted > pages)
        fits = hak_runs_extend(&shard->runs, large->chunk, first, pages, wanted - pages);
    else if (wanted < pages)
        hak_runs_cut(&shard->runs, large->chunk, first, pages, wanted);
    if (fits)
        large->mapped_bytes = bytes; /* before the lock is free: a fork's child believes it then */
    release(shard);
    return fits;
}

size_t hak_l25_used_bytes(void) {
    size_t pages = 0;
    for (struct hak_shard *shard = newest_shard_now(); shard; shard = shard->next)
        pages += atomic_load_explicit(&shard->runs.used_pages, memory_order_relaxed);
    return pages * HAK_PAGE_BYTES;
}

size_t hak_l25_trim(void) {
    size_t bytes = 0;
    for (struct hak_shard *shard = newest_shard_now(); shard; shard = shard->next) {
        hak_lock(&shard->lock);
        take_in_returned(shard);
        bytes += hak_runs_clean(&shard->runs, true, UINT32_MAX);
        release(shard);
    }
    struct hak_page_chunk *chunk;
    while ((chunk = take_kept()) != NULL) {
        hak_chunk_unmap(chunk);
        bytes += HAK_PAGE_CHUNK_BYTES;
    }
    return bytes;
}

/* ---- looking at all of it ------------------------------------------------------------------- */

/* Whether a kept chunk has the pointer. */
static bool is_kept_aside(const void *p) {
    for (unsigned i = 0; i < HAK_L25_KEPT_CHUNKS; i++) {
        uintptr_t start = atomic_load_explicit(&kept_starts[i], memory_order_acquire);
        if (start && (uintptr_t)p - start < HAK_PAGE_CHUNK_BYTES)
            return true;
    }
    return false;
}

/* Whether a shard's chunk has the pointer. */
static bool is_in_shard(struct hak_shard *shard, const void *p) {
    bool is_there = false;
    hak_lock(&shard->lock);
    for (struct hak_page_chunk *chunk = shard->runs.chunks; chunk; chunk = chunk->next)
        is_there |= (uintptr_t)p - (uintptr_t)chunk->start < HAK_PAGE_CHUNK_BYTES;
    release(shard);
    return is_there;
}

/* A chunk moves from a shard to the kept ones and back under that shard's lock: one that came from
 * there while the shards were looked at is found at the second look. */
bool hak_l25_covers(const void *p) {
    if (is_kept_aside(p))
        return true;
    for (struct hak_shard *shard = newest_shard_now(); shard; shard = shard->next)
        if (is_in_shard(shard, p))
            return true;
    return is_kept_aside(p);
}

void hak_l25_each_free(void (*visit)(void *, size_t, void *), void *context) {
    for (struct hak_shard *shard = newest_shard_now(); shard; shard = shard->next) {
        hak_lock(&shard->lock);
        take_in_returned(shard);
        hak_runs_each_free(&shard->runs, visit, context);
        release(shard);
    }
}

void hak_l25_count_free(size_t *dirty_bytes, size_t *clean_bytes) {
    size_t dirty = 0, clean = 0;
    for (struct hak_shard *shard = newest_shard_now(); shard; shard = shard->next) {
        hak_lock(&shard->lock);
        hak_runs_count_free(&shard->runs, &dirty, &clean);
        release(shard);
    }
    dirty += kept_dirty_now();
    *dirty_bytes += dirty * HAK_PAGE_BYTES;
    *clean_bytes += clean * HAK_PAGE_BYTES;
}

const char *hak_l25_verify(size_t *free_bytes, size_t *used_bytes) {
    const char *wrong = NULL;
    size_t free_pages = 0, used_pages = 0;
    for (struct hak_shard *shard = newest_shard_now(); shard && !wrong; shard = shard->next) {
        hak_lock(&shard->lock);
        take_in_returned(shard);
        wrong = hak_runs_verify(&shard->runs, &free_pages, &used_pages);
        for (struct hak_page_chunk *chunk = shard->runs.chunks; chunk; chunk = chunk->next)
            if (chunk->shard != shard)
                wrong = "a chunk of pages is in another shard's list";
        release(shard);
    }
    *free_bytes += free_pages * HAK_PAGE_BYTES;
    *used_bytes += used_pages * HAK_PAGE_BYTES;
    return wrong;
}

/* ---- fork ------------------------------------------------------------------------------------ */

static bool has_given_up;

static uint32_t pages_of_block_at(const struct hak_page_chunk *chunk, uint32_t page) {
    const struct hak_large *large = hak_address_map_find(hak_run_start(chunk, page));
    return large && large->chunk == chunk ? (uint32_t)(large->mapped_bytes / HAK_PAGE_BYTES) : 0;
}

/* As pages_of_block_at, but a page that is in no block counts as a used one: it may be one of what
 * this thread has in its hands. */
static uint32_t pages_in_doubt_at(const struct hak_page_chunk *chunk, uint32_t page) {
    uint32_t pages = pages_of_block_at(chunk, page);
    hop_count(HAK_COUNTED_FORK_LEFT, HAK_CLASS_NONE, pages ? 0 : HAK_PAGE_BYTES);
    return pages ? pages : 1;
}

/* Rebuilds a shard after a fork. Blocks that were returned are in the map no longer, so their pages
 * are free already. */
static void rebuild(struct hak_shard *shard) {
    struct hak_large *large = hak_returned_take(&shard->returned), *next;
    bool is_in_doubt = hak_l25_in_hand > 0;
    for (; large; large = next) {
        next = large->next;
        give_struct(shard, large);
    }
    has_given_up |= is_in_doubt;
    hak_runs_rebuild(&shard->runs, is_in_doubt ? pages_in_doubt_at : pages_of_block_at,
                     keep_or_unmap);
}

bool hak_l25_may_have_lost(void) {
    return has_given_up;
}

void hak_l25_after_fork(void) {
    (void)hak_lock_was_left(&growth_lock);
    for (struct hak_shard *shard = newest_shard_now(); shard; shard = shard->next)
        if (hak_lock_was_left(&shard->lock))
            rebuild(shard);
    uint32_t dirty = 0;
    for (unsigned i = 0; i < HAK_L25_KEPT_CHUNKS; i++) {
        const struct hak_page_chunk *chunk =
            atomic_load_explicit(&hak_l25_kept_chunks[i], memory_order_relaxed);
        dirty += chunk ? chunk->dirty : 0;
        if (!chunk) /* another thread's hands had its chunk */
            atomic_store_explicit(&kept_starts[i], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&kept_dirty, dirty, memory_order_relaxed);
}
