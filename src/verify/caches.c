/* Checks blocks that lie in a cache or on their way to their owner: each is a slot of the right
 * class that is out of its slab, and lies in one place only. */
#include "verify/verify.h"

#include "check.h"
#include "front/thread_block.h"
#include "guard/locate/locate.h"

/* ---- one block ------------------------------------------------------------------------------- */

const char *hak_verify_place(unsigned place) {
    static const char *const names[HAK_PLACE_COUNT] = {
#define PLACE(name, number, text, sentence) [number] = text,
#include "hops.def"
    };
    return place < HAK_PLACE_COUNT && names[place] ? names[place] : "no place";
}

/* Facts of a visit: the cache that is visited. */
struct cache_visit {
    struct hak_verify *v;
    hak_owner_t owner; /* whose blocks they must be; HAK_OWNER_NOBODY: each chunk says it */
    struct hak_verify_where where; /* in whose cache they lie, and the cache, for people */
    unsigned class_index;          /* of the cache; HAK_CLASS_NONE: blocks of any class */
    enum hak_place place;
    size_t visited;
};

static void set_place(struct cache_visit *visit, enum hak_place place) {
    visit->place = place;
    visit->where.cache = hak_verify_place(place);
}

/* Compares a block of a cache with its slab, and marks it as seen, since it may lie in one cache
 * only. */
static void verify_cached_block(const struct cache_visit *visit, base_t block) {
    struct hak_verify *v = visit->v;
    struct hak_verify_where where = visit->where;
    struct hak_verify_slot at;
    where.block = block;
    if (!hak_verify_locate(v, block, &at)) {
        hak_verify_wrong(v, &where, HAK_VERIFY_STRAY_BLOCK);
        return;
    }
    where.superslab = at.entry->superslab;
    where.slab = at.slab_index;
    if (visit->owner != HAK_OWNER_NOBODY)
        hak_verify_same(v, &where, HAK_VERIFY_BLOCK_OWNER, at.entry->owner, visit->owner);
    if (visit->class_index != HAK_CLASS_NONE)
        hak_verify_same(v, &where, "class of the block", at.class_index, visit->class_index);
    if (at.slab->class_index != at.class_index)
        return; /* told already */
    if (at.slot >= at.slab->carved)
        hak_verify_wrong(v, &where, "was never handed out by its slab");
    else if (hak_verify_is_free(at.slab, at.slot))
        hak_verify_wrong(v, &where, "is free in its slab, too");
    else if (!hak_verify_see(&at))
        hak_verify_wrong(v, &where, "lies in another cache, too, or twice in this one");
    else if (hak_is_debug_build && at.entry->superslab->slots) {
        const struct hak_slot *slot = hak_states_of(at.entry->superslab, at.slab_index) +
                                      hak_first_state(at.class_index) + at.slot;
        if (slot->place != visit->place)
            hak_verify_words(v, &where, HAK_VERIFY_SLOT_STATE, hak_verify_place(slot->place),
                             hak_verify_place(visit->place));
    }
}

/* ---- caches of a thread ---------------------------------------------------------------------- */

/* Compares a thread's array with its bounds, then each of its blocks. */
static void verify_array(struct cache_visit *visit, const struct hak_thread *thread,
                         struct hak_front *front) {
    unsigned c = visit->class_index;
    const base_t *top = __atomic_load_n(&thread->top[c], __ATOMIC_RELAXED);
    const base_t *end = __atomic_load_n(&thread->end[c], __ATOMIC_RELAXED);
    unsigned capacity = front->array[c].capacity;
    if (capacity == 0)
        return;
    const base_t *bottom = hak_array_bottom_of(front, c, top);
    if (!bottom || bottom != front->array[c].bottom || top > end || end > bottom + capacity) {
        hak_verify_differs(visit->v, &visit->where, HAK_VERIFY_ARRAY_BLOCKS,
                           bottom ? (uint64_t)(top - bottom) : UINT64_MAX, capacity);
        return;
    }
    if (bottom->p)
        hak_verify_wrong(visit->v, &visit->where, "the word below the array holds an address");
    for (const base_t *place = bottom + 1; place <= top; place++)
        verify_cached_block(visit, *place);
}

/* Compares a stack's or ring's counts, then each of its blocks. */
static void verify_places(struct cache_visit *visit, const struct hak_cache *cache) {
    if (cache->count > cache->capacity || cache->capacity > cache->room) {
        hak_verify_differs(visit->v, &visit->where, HAK_VERIFY_CACHE_BLOCKS, cache->count,
                           cache->capacity);
        return;
    }
    for (uint32_t i = 0; i < cache->count; i++)
        verify_cached_block(
            visit, cache->blocks[cache->storage == HAK_RING ? hak_ring_place(cache, i) : i]);
}

/* Checks the blocks of a linked cache, and that they are as many as it counts; a link is read only
 * where a slab of ours is known to be. */
static void verify_cache_list(struct cache_visit *visit, const struct hak_cache *list) {
    uint32_t length = 0;
    base_t block = list->head;
    while (block.p && length < list->count) {
        verify_cached_block(visit, block);
        length++;
        if (!hak_verify_find(visit->v, block.p))
            break;
        block = base_from(*check_link_of(block));
    }
    hak_verify_same(visit->v, &visit->where, HAK_VERIFY_LIST_BLOCKS, length, list->count);
    if (length == list->count && block.p)
        hak_verify_wrong(visit->v, &visit->where, HAK_VERIFY_LIST_GOES_ON);
}

static void visit_mid(base_t block, void *context) {
    struct cache_visit *visit = context;
    verify_cached_block(visit, block);
    visit->visited++;
}

/* Compares the blocks on mid's list of the class, and their number. */
static void verify_mid(struct cache_visit *visit, const struct hak_mid *mid) {
    visit->visited = 0;
    size_t count = hak_mid_each(mid, visit->class_index, visit_mid, visit);
    hak_verify_same(visit->v, &visit->where, HAK_VERIFY_LIST_BLOCKS, visit->visited, count);
}

/* Compares the blocks in a chunk, all of one owner and class. */
static void verify_chunk(struct cache_visit *visit, const struct hak_chunk *chunk) {
    if (chunk->count > HAK_CHUNK_BLOCKS) {
        hak_verify_differs(visit->v, &visit->where, "blocks in a chunk (at most)", chunk->count,
                           HAK_CHUNK_BLOCKS);
        return;
    }
    visit->owner = (hak_owner_t)chunk->owner;
    visit->class_index = chunk->class_index;
    for (uint32_t i = 0; i < chunk->count; i++)
        verify_cached_block(visit, chunk->blocks[i]);
}

/* Checks the chunks of a list and returns how many blocks they have. A circle is seen as R. P.
 * Brent does it ("An improved Monte Carlo factorization algorithm", 1980): by meeting again the
 * chunk that was the 1st, 2nd, 4th, 8th, ... */
static size_t verify_posted(struct cache_visit *visit, const struct hak_chunk *first) {
    const struct hak_chunk *met = NULL;
    size_t length = 0, power = 1, blocks = 0;
    for (const struct hak_chunk *chunk = first; chunk; chunk = chunk->next) {
        if (chunk == met) {
            hak_verify_wrong(visit->v, &visit->where, "the chunks run in a circle");
            return blocks;
        }
        if (++length == power) {
            met = chunk;
            power *= 2;
        }
        hak_verify_same(visit->v, &visit->where, "owner named by a chunk", chunk->owner,
                        visit->where.heap);
        verify_chunk(visit, chunk);
        blocks += chunk->count;
    }
    return blocks;
}

/* Checks the mail of a class: its count, and that all chunks are of that class. */
static void verify_mail(struct cache_visit *visit, const struct hak_heap *heap,
                        unsigned class_index) {
    const struct hak_chunk *first = heap->mail[class_index].chunks;
    hak_verify_same(visit->v, &visit->where, "blocks", heap->mail[class_index].blocks,
                    verify_posted(visit, first));
    if (first)
        hak_verify_same(visit->v, &visit->where, "class named by a chunk", first->class_index,
                        class_index);
}

/* Checks the chunks that the thread has not posted yet. Chunks are never unmapped: what a slot
 * names can be read. */
static void verify_remote(struct cache_visit *visit, const struct hak_remote *remote) {
    for (unsigned i = 0; remote && i < HAK_REMOTE_SLOTS; i++) {
        const struct hak_chunk *chunk = __atomic_load_n(&remote->slots[i], __ATOMIC_RELAXED);
        if (chunk)
            verify_chunk(visit, chunk);
    }
}

const struct hak_thread *hak_verify_thread_of(struct hak_heap *heap) {
    const struct hak_thread *thread = atomic_load_explicit(&heap->thread, memory_order_acquire);
    if (atomic_load_explicit(&heap->state, memory_order_relaxed) != HAK_HEAP_OWNED || !thread)
        return NULL;
    /* One that went without its end (a raw exit) has left its heap owned. */
    return hak_is_mapped(thread) && hak_is_mapped(thread + 1) ? thread : NULL;
}

void hak_verify_caches(struct hak_verify *v, struct hak_heap *heap) {
    struct hak_front *front = heap->front_block;
    const struct hak_thread *thread = hak_verify_thread_of(heap);
    struct cache_visit visit = {.v = v, .owner = heap->id, .where.heap = heap->id};
    for (unsigned c = 0; front && c < HAK_CLASSES; c++) {
        visit.class_index = c;
        set_place(&visit, hak_mid_has(c) ? HAK_PLACE_MID_RING : HAK_PLACE_FRONT);
        if (thread)
            verify_array(&visit, thread, front);
        set_place(&visit, HAK_PLACE_MID_LIFO);
        verify_mid(&visit, front->mid);
    }
    for (unsigned i = 0; front && front->caches && i < hak_plan_cache_count; i++) {
        const struct hak_cache *cache = &front->caches[i];
        visit.class_index = cache->class_index;
        set_place(&visit, (enum hak_place)cache->place);
        if (cache->storage == HAK_LIST)
            verify_cache_list(&visit, cache);
        else
            verify_places(&visit, cache);
    }
    visit.class_index = HAK_CLASS_NONE;
    visit.place = HAK_PLACE_REMOTE;
    visit.where.cache = "mail box";
    (void)verify_posted(&visit, atomic_load_explicit(&heap->posted, memory_order_acquire));
    visit.where.cache = "mail that is being drained";
    (void)verify_posted(&visit, heap->draining);
    visit.where.cache = "mail that waits for its class";
    size_t mail_bytes = 0;
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        verify_mail(&visit, heap, c);
        mail_bytes += heap->mail[c].blocks * hak_class_bytes(c);
    }
    hak_verify_same(v, &visit.where, "bytes", heap->mail_bytes, mail_bytes);
    visit.where.cache = "chunk to be posted by";
    verify_remote(&visit, heap->remote);
}
