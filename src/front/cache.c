/* The storage of caches: set-up, pop, and the way into the slabs. */
#include "front/cache.h"

#include "front/sll.h"
#include "front/thread_block.h"

/* ---- moves by place -------------------------------------------------------------------------- */

static const struct {
    uint8_t fill, spill;
} moves[HAK_PLACE_COUNT] = {
    [HAK_PLACE_FRONT] = {HAK_FRONT_REFILL, HAK_FRONT_SPILL},
    [HAK_PLACE_MAGAZINE] = {HAK_MAGAZINE_FILL, HAK_MAGAZINE_SPILL},
    [HAK_PLACE_SLL] = {HAK_SLL_FILL, HAK_SLL_SPILL},
    [HAK_PLACE_ULTRAHOT] = {HAK_ULTRAHOT_FILL, HAK_ULTRAHOT_SPILL},
    [HAK_PLACE_HEAPV2] = {HAK_HEAPV2_FILL, HAK_HEAPV2_SPILL},
    [HAK_PLACE_FC] = {HAK_FC_FILL, HAK_FC_SPILL},
    [HAK_PLACE_SFC] = {HAK_SFC_FILL, HAK_SFC_SPILL},
    [HAK_PLACE_SMALLMID] = {HAK_SMALLMID_FILL, HAK_SMALLMID_SPILL},
    [HAK_PLACE_RING] = {HAK_PROMOTE, HAK_RING_SPILL},
    [HAK_PLACE_MID_RING] = {HAK_MID_REFILL, HAK_MID_SPILL},
};

enum hak_record_kind hak_fill_of(unsigned place) {
    return (enum hak_record_kind)moves[place].fill;
}

enum hak_record_kind hak_spill_of(unsigned place) {
    return (enum hak_record_kind)moves[place].spill;
}

/* ---- memory ---------------------------------------------------------------------------------- */

size_t hak_caches_bytes(void) {
    size_t bytes = hak_plan_cache_count * sizeof(struct hak_cache);
    for (unsigned i = 0; i < hak_plan_cache_count; i++)
        bytes += hak_plan_caches[i].room * sizeof(base_t);
    return HAK_PAGES_OF(bytes);
}

/* Sets a new front's caches up by the plan, in memory of hak_caches_bytes(); their places lie
 * behind them. */
void hak_caches_make(struct hak_cache *caches) {
    base_t *blocks = (base_t *)(void *)(caches + hak_plan_cache_count);
    for (unsigned i = 0; i < hak_plan_cache_count; i++) {
        const struct hak_cache_plan *plan = &hak_plan_caches[i];
        caches[i] = (struct hak_cache){
            .capacity = plan->capacity,
            .batch = plan->batch,
            .room = plan->room,
            .class_index = plan->class_index,
            .place = plan->place,
            .storage = plan->storage,
            .blocks = plan->room ? blocks : NULL,
        };
        blocks += plan->room;
    }
}

/* ---- out of a cache -------------------------------------------------------------------------- */

/* Takes the head off a list. If guard finds it wrong, the whole list is dropped: HAK_NO_BASE. */
static base_t pop_list(struct hak_cache *cache, enum hak_record_kind kind) {
    base_t block = cache->head;
    if (!block.p)
        return HAK_NO_BASE;
    if (!check_list_pop(kind, (enum hak_place)cache->place, block, cache->class_index)) {
        hak_cache_drop(cache);
        return HAK_NO_BASE;
    }
    hak_cache_unlink(cache);
    return block;
}

base_t hak_cache_pop(struct hak_cache *cache, enum hak_record_kind kind) {
    if (cache->storage == HAK_LIST)
        return pop_list(cache, kind);
    if (cache->count == 0)
        return HAK_NO_BASE;
    base_t block = hak_cache_newest(cache);
    cache->count--;
    return block;
}

static void spill_to_slab(const struct hak_cache *cache, base_t block) {
    hop(hak_spill_of(cache->place), block, cache->class_index);
    hak_slab_give(hak_thread.heap, block);
}

/* Moves blocks into the slabs until `keep` are left or the list is found broken. */
static void spill_list(struct hak_cache *cache, uint32_t keep) {
    while (cache->count > keep) {
        base_t block = pop_list(cache, hak_spill_of(cache->place));
        if (!block.p)
            break;
        spill_to_slab(cache, block);
    }
}

/* Moves the oldest blocks into the slabs until `keep` are left. */
static void spill_ring(struct hak_cache *cache, uint32_t keep) {
    while (cache->count > keep) {
        base_t block = cache->blocks[cache->oldest];
        cache->count--; /* first: a place that is not counted may hold a block that lives by now */
        atomic_signal_fence(memory_order_release);
        cache->oldest = hak_ring_place(cache, 1);
        spill_to_slab(cache, block);
    }
}

/* Moves the oldest blocks into the slabs; the `keep` newest stay. */
static void spill_stack(struct hak_cache *cache, uint32_t keep) {
    if (cache->count <= keep)
        return;
    uint32_t moved = cache->count - keep;
    for (uint32_t i = 0; i < moved; i++)
        spill_to_slab(cache, cache->blocks[i]);
    __builtin_memmove(cache->blocks, cache->blocks + moved, keep * sizeof(base_t));
    cache->count = keep;
}

void hak_cache_spill(struct hak_cache *cache, uint32_t keep) {
    cache->spilled += cache->count > keep ? cache->count - keep : 0;
    if (cache->place == HAK_PLACE_SLL)
        sll_spill(cache, keep);
    else if (cache->storage == HAK_LIST)
        spill_list(cache, keep);
    else if (cache->storage == HAK_RING)
        spill_ring(cache, keep);
    else
        spill_stack(cache, keep);
}

void hak_cache_empty_left(struct hak_cache *cache, struct hak_heap *heap) {
    if (cache->storage == HAK_LIST) {
        base_t block;
        while ((block = pop_list(cache, HAK_LEFT_SPILL)).p)
            hak_slab_give_left(heap, block, cache->class_index);
    } else {
        for (uint32_t i = 0; i < cache->count && i < cache->room; i++) {
            uint32_t place = cache->storage == HAK_RING ? hak_ring_place(cache, i) : i;
            hak_slab_give_left(heap, cache->blocks[place], cache->class_index);
        }
    }
    hak_cache_drop(cache);
}

/* ---- all caches of a thread ------------------------------------------------------------------ */

void hak_caches_empty(void) {
    struct hak_cache *caches = hak_thread.front->caches;
    for (unsigned i = 0; caches && i < hak_plan_cache_count; i++)
        hak_cache_spill(&caches[i], 0);
}

void hak_caches_decay(void) {
    struct hak_cache *caches = hak_thread.front->caches;
    for (unsigned i = 0; caches && i < hak_plan_cache_count; i++) {
        struct hak_cache *cache = &caches[i];
        cache->idle = cache->idle_count == cache->count ? cache->idle + 1 : 0;
        if (cache->idle > 0)
            hak_cache_spill(cache, cache->idle > 1 ? 0 : cache->count / 2);
        cache->idle_count = cache->count;
    }
}

/* Gives the blocks in all caches of a heap that a fork left behind to the slabs. A list stands
 * behind the magazine that is flushed onto it, and comes first here: a block that was pushed and is
 * still counted in the magazine is in both, and its link is read while it is in the list. */
void hak_caches_empty_left(struct hak_heap *heap) {
    struct hak_front *front = heap->front_block;
    for (unsigned i = front->caches ? hak_plan_cache_count : 0; i-- > 0;)
        hak_cache_empty_left(&front->caches[i], heap);
}
