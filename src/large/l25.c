/* The shards of L2.5: the choice of one, the way around a busy one, and the chunk that is kept. */
#include "large/l25.h"

#include "hop.h"
#include "large_map/address_map.h"
#include "large_map/memory.h"
#include "large/shard.h"

enum { STRUCTS_AT_ONCE = 16, LOOK_EVERY = 16, CLEANED_AT_ONCE = 8, CLEANED_WHEN_IDLE = 64 };

static struct hak_shard first_shard;
_Atomic(struct hak_shard *) hak_l25_newest_shard = &first_shard;
static struct hak_lock growth_lock;
/* Chunks that nobody uses, the one that came last on top. A place is claimed by writing where its
 * chunk starts, before it has that, and is free again after it was taken: so that one thread may
 * ask whether a pointer lies there while others ask, too, or take and put. */
_Atomic(struct hak_page_chunk *) hak_l25_kept_chunks[HAK_L25_KEPT_CHUNKS];
static _Atomic uintptr_t kept_starts[HAK_L25_KEPT_CHUNKS];
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

static struct hak_page_chunk *take_kept_at(unsigned place) {
    struct hak_page_chunk *chunk =
        atomic_exchange_explicit(&hak_l25_kept_chunks[place], NULL, memory_order_acq_rel);
    if (chunk)
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
                     uint32_t pages) {
    chunk = hak_runs_give(&shard->runs, chunk, first, pages);
    if (chunk)
        keep_or_unmap(chunk);
}

static void give_struct(struct hak_shard *shard, struct hak_large *large) {
    large->next = shard->unused;
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    shard->unused = large;
}

/* Frees the block's pages and its struct. With the shard's lock. */
static void give_block(struct hak_shard *shard, struct hak_large *large) {
    give_run(shard, large->chunk, first_page_of(large),
             (uint32_t)(large->mapped_bytes / HAK_PAGE_BYTES));
    give_struct(shard, large);
}

/* Frees the blocks that other threads returned. With the shard's lock. */
static void take_in_returned(struct hak_shard *shard) {
    struct hak_large *large = hak_returned_take(&shard->returned), *next;
    for (; large; large = next) {
        next = large->next;
        give_block(shard, large);
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
    give_block(shard, large);
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
    for (unsigned i = 0; i < HAK_L25_KEPT_CHUNKS; i++)
        if (atomic_load_explicit(&hak_l25_kept_chunks[i], memory_order_relaxed))
            dirty += HAK_CHUNK_PAGES;
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
    for (unsigned i = 0; i < HAK_L25_KEPT_CHUNKS; i++) /* another thread's hands had its chunk */
        if (!atomic_load_explicit(&hak_l25_kept_chunks[i], memory_order_relaxed))
            atomic_store_explicit(&kept_starts[i], 0, memory_order_relaxed);
}
