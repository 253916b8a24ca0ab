/* Malloc and free through the caches of a class. */
#include "front/chain.h"

#include "front/magazine.h"
#include "front/thread_block.h"

/* Slots that are taken from the slabs at once, on the stack. */
enum { TAKEN_AT_ONCE = 64 };

/* ---- filling --------------------------------------------------------------------------------- */

static void move_to_cache(struct hak_cache *cache, base_t block) {
    hop(hak_fill_of(cache->place), block, cache->class_index);
    hak_cache_push(cache, block);
}

/* Fills the cache with up to `wanted` blocks from the slabs, lowest address on top; returns how
 * many came. */
static unsigned fill_from_slabs(struct hak_cache *cache, unsigned wanted) {
    base_t blocks[TAKEN_AT_ONCE];
    unsigned all = 0;
    while (all < wanted) {
        unsigned part = wanted - all < TAKEN_AT_ONCE ? wanted - all : TAKEN_AT_ONCE;
        unsigned taken = hak_slab_take(hak_thread.heap, cache->class_index, blocks, part);
        for (unsigned i = taken; i > 0; i--)
            move_to_cache(cache, blocks[i - 1]);
        all += taken;
        if (taken < part)
            break;
    }
    cache->refilled += all;
    return all;
}

/* Moves up to `wanted` blocks of the cache behind into this one. Returns how many. */
static unsigned fill_from_cache(struct hak_cache *cache, struct hak_cache *next, unsigned wanted) {
    unsigned moved = 0;
    for (; moved < wanted && next->count > 0; moved++) {
        base_t block = hak_cache_pop(next, hak_fill_of(cache->place));
        if (!block.p)
            break;
        move_to_cache(cache, block);
    }
    return moved;
}

static unsigned batch_of(const struct hak_cache *cache) {
    unsigned batch = cache->batch < cache->capacity ? cache->batch : cache->capacity;
    return batch ? batch : 1;
}

/* Moves up to `wanted` blocks of the list behind it into the ring, and fills the list from the
 * slabs before if it is empty, even one that holds nothing for itself (capacity 0). Returns how
 * many. */
static unsigned fill_ring(struct hak_cache *ring, struct hak_cache *list, unsigned wanted) {
    if (list->count == 0)
        (void)fill_from_slabs(list, wanted);
    return fill_from_cache(ring, list, wanted);
}

/* Fills the first cache of a chain from the next one that has blocks, else from the slabs; a ring
 * is filled in a way of its own. Returns how many. */
static unsigned fill_cache(struct hak_cache *cache, const struct hak_cache *end, unsigned wanted) {
    if (cache->place == HAK_PLACE_RING)
        return fill_ring(cache, cache + 1, wanted);
    for (struct hak_cache *next = cache + 1; next < end; next++)
        if (next->count > 0)
            return fill_from_cache(cache, next, wanted);
    return fill_from_slabs(cache, wanted);
}

unsigned hak_chain_fill(unsigned class_index, unsigned wanted) {
    struct hak_cache *first = hak_caches_of(class_index);
    unsigned free_places = first->capacity > first->count ? first->capacity - first->count : 0;
    return fill_cache(first, first + hak_plan[class_index].caches,
                      wanted < free_places ? wanted : free_places);
}

/* ---- malloc ---------------------------------------------------------------------------------- */

static enum hak_place place_of_none(unsigned class_index) {
    return hak_mid_has(class_index) ? HAK_PLACE_MID_RING : HAK_PLACE_FRONT;
}

/* A block straight from the slabs, for a class without any cache; HAK_NO_BASE without memory. */
static base_t take_single(unsigned class_index) {
    base_t block = HAK_NO_BASE;
    hak_front_tend();
    if (hak_slab_take(hak_thread.heap, class_index, &block, 1) == 1)
        hop(hak_fill_of(place_of_none(class_index)), block, class_index);
    return block;
}

/* True when a cache behind the first one holds a block. */
static bool has_blocks_behind(const struct hak_cache *first, const struct hak_cache *end) {
    for (const struct hak_cache *next = first + 1; next < end; next++)
        if (next->count > 0)
            return true;
    return false;
}

/* A block of a class with a chain of caches: fills the first one if it is empty, and pops. */
static HAK_COLD base_t take_slowly(unsigned class_index) {
    const struct hak_class_plan *plan = &hak_plan[class_index];
    if (plan->caches == 0)
        return take_single(class_index);
    struct hak_cache *first = hak_caches_of(class_index), *end = first + plan->caches;
    if (first->count == 0) {
        if (!has_blocks_behind(first, end))
            hak_front_tend();
        (void)fill_cache(first, end, batch_of(first));
    }
    return hak_cache_pop(first, HAK_MALLOC);
}

/* Takes a block of a class with a chain of caches: at once where the first of them is a stack and
 * has one, else the slow way. HAK_NO_BASE without memory. */
base_t hak_chain_take(unsigned class_index) {
    struct hak_cache *first = hak_caches_of(class_index);
    if (HAK_UNLIKELY(hak_plan[class_index].caches == 0 || first->storage != HAK_STACK ||
                     first->count == 0))
        return take_slowly(class_index);
    return first->blocks[--first->count];
}

/* ---- free ------------------------------------------------------------------------------------ */

static void give_past_cache(base_t block, unsigned class_index) {
    hop(hak_spill_of(place_of_none(class_index)), block, class_index);
    hak_slab_give(hak_thread.heap, block);
}

/* True, and reported, when the block is the cache's newest already: a double free. */
static bool refuse_second(const struct hak_cache *cache, base_t block) {
    if (HAK_LIKELY(cache->count == 0 || hak_cache_newest(cache).p != block.p))
        return false;
    hak_front_refuse_second(block);
    return true;
}

static void make_room(struct hak_cache *cache) {
    hak_front_tend();
    hak_cache_spill(cache, cache->capacity - batch_of(cache));
}

/* Puts a freed block into a cache and makes room where it is full: a list takes the block before it
 * spills, since it may be one that holds none. The only cache that is full and not the last is a
 * magazine, which is flushed. */
static void put_in_cache(struct hak_cache *cache, bool is_last, base_t block,
                         enum hak_record_kind kind) {
    if (refuse_second(cache, block) || !check_freed(block, kind, (enum hak_place)cache->place))
        return;
    bool is_list = cache->storage == HAK_LIST;
    if (hak_cache_is_full(cache) && !is_list) {
        if (!is_last)
            magazine_flush(cache->class_index);
        else
            make_room(cache);
    }
    hak_cache_push(cache, block);
    if (is_list && cache->count > cache->capacity)
        hak_cache_spill(cache, cache->capacity / 2);
}

/* Frees into the first cache of the chain that has room or is a magazine, which is flushed when it
 * is full; else into the last, which makes room; without caches into the slabs. A block that
 * check_freed refuses, or that is freed twice in a row, goes nowhere. */
static HAK_COLD void give_slowly(unsigned class_index, base_t block, enum hak_record_kind kind) {
    const struct hak_class_plan *plan = &hak_plan[class_index];
    if (plan->caches == 0) {
        if (check_freed(block, kind, place_of_none(class_index)))
            give_past_cache(block, class_index);
        return;
    }
    struct hak_cache *cache = hak_caches_of(class_index), *last = cache + plan->caches - 1;
    while (cache < last && hak_cache_is_full(cache) && cache->place != HAK_PLACE_MAGAZINE)
        cache++;
    put_in_cache(cache, cache == last, block, kind);
}

/* Puts a freed block into the first of its class's caches, if that is a stack and has room; else
 * the slow way. */
void hak_chain_give(unsigned class_index, base_t block, enum hak_record_kind kind) {
    struct hak_cache *first = hak_caches_of(class_index);
    if (HAK_UNLIKELY(hak_plan[class_index].caches == 0 || first->storage != HAK_STACK ||
                     hak_cache_is_full(first))) {
        give_slowly(class_index, block, kind);
        return;
    }
    uint32_t count = first->count;
    if (HAK_UNLIKELY(count > 0 && first->blocks[count - 1].p == block.p)) {
        hak_front_refuse_second(block);
        return;
    }
    if (!check_freed(block, kind, (enum hak_place)first->place))
        return;
    first->blocks[count] = block;
    atomic_signal_fence(memory_order_release); /* a fork may come in between: left.c */
    first->count = count + 1;
}
