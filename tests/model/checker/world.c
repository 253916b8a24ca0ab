/* The parts of scenarios, and what must hold at the end of each. */
#include "world.h"

#include <stdio.h>
#include "options.h"

uintptr_t model_thread_word(void);
uintptr_t model_thread_word(void) {
    return (uintptr_t)(model->current + 1) << 6;
}

void world_start(void) {
    hak_options_read(NULL);
    hak_registry_start(true);
    model_name(&hak_heaps_lock, "the heaps' lock");
    model_name(&hak_registry_lock, "the registry's lock");
    model_name(&hak_chunks_lock, "the chunks' lock");
    model_name(&hak_shared_heap_lock, "the shared heap's lock");
}

base_t world_take(unsigned class_index) {
    if (hak_thread.state != HAK_THREAD_OWN)
        return hak_front_take_shared(class_index);
    base_t block = hak_array_pop(class_index);
    return block.p ? block : hak_front_refill(class_index);
}

void world_give(base_t block) {
    hak_owner_t owner = hak_registry_owner(block.p);
    if (owner == HAK_OWNER_NOBODY)
        model_fail("the registry does not know a live block");
    if (owner != hak_thread.heap_id) {
        hak_remote_put(owner, block);
        return;
    }
    unsigned class_index = hak_front_class_of(block);
    if (hak_array_is_full(class_index))
        hak_front_spill(class_index);
    hak_array_push(class_index, block);
}

base_t world_blocks[THREADS_MAX][4];

void world_start_thread(void) {
    hak_front_start();
}

void world_own_four(void) {
    hak_front_start();
    for (unsigned i = 0; i < 4; i++)
        world_blocks[model->current][i] = world_take(BIG);
}

void world_take_one(void) {
    world_blocks[model->current][0] = world_take(BIG);
    if (!world_blocks[model->current][0].p)
        model_fail("no memory");
}

/* ---- at the end ------------------------------------------------------------------------------ */

static bool has_thread(const struct hak_heap *heap) {
    for (unsigned t = 0; t < THREADS_MAX; t++) {
        const struct hak_thread *hak =
            t == model->current ? &hak_thread : &model->now.threads[t].hak;
        if (hak->heap == heap)
            return true;
    }
    return heap->id == HAK_SHARED_HEAP_ID;
}

static void check_posted(const struct hak_heap *heap) {
    if (!heap->posted)
        return;
    if (heap->state != HAK_HEAP_OWNED)
        model_fail("blocks are posted to heap %u, which is idle: nobody drains them", heap->id);
    if (!has_thread(heap))
        model_fail("blocks are posted to heap %u, which is owned, but its thread is gone",
                   heap->id);
}

static void check_state(const struct hak_heap *heap) {
    if (heap->state == HAK_HEAP_OWNED && !has_thread(heap))
        model_fail("heap %u is owned and nobody has it", heap->id);
    unsigned owners = 0;
    for (unsigned t = 0; t < THREADS_MAX; t++) {
        const struct hak_thread *hak =
            t == model->current ? &hak_thread : &model->now.threads[t].hak;
        owners += hak->heap == heap;
    }
    if (owners > 1)
        model_fail("%u threads own heap %u", owners, heap->id);
}

static unsigned count_free(struct hak_slab *slab) {
    unsigned count = 0;
    for (unsigned word = 0; word < (slab->carved + 63) / 64; word++)
        count += (unsigned)__builtin_popcountll(slab->free_bits[word]);
    return count;
}

/* Slots out of one SuperSlab; its counts, lists and owners agree. */
static unsigned check_superslab(const struct hak_heap *heap, struct hak_superslab *superslab) {
    unsigned used = 0;
    size_t used_bytes = 0;
    if (!platform_is_mapped(superslab))
        model_fail("heap %u lists a SuperSlab that is unmapped", heap->id);
    if (hak_registry_owner(superslab) != heap->id || superslab->owner != heap->id)
        model_fail("heap %u lists a SuperSlab of %u (registry: %u)", heap->id, superslab->owner,
                   hak_registry_owner(superslab));
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        struct hak_slab *slab = &superslab->slabs[i];
        bool is_free = superslab->free_slabs >> i & 1;
        if (is_free != (superslab->class_of_slab[i] == HAK_CLASS_NONE))
            model_fail("slab %u is %sfree and serves class %u", i, is_free ? "" : "not ",
                       superslab->class_of_slab[i]);
        if (is_free)
            continue;
        if (slab->used != slab->carved - count_free(slab))
            model_fail("slab %u: %u used, %u carved, %u free bits", i, slab->used, slab->carved,
                       count_free(slab));
        used += slab->used;
        used_bytes += slab->used * hak_class_bytes(slab->class_index);
    }
    if (superslab->used_bytes != used_bytes ||
        hak_tier_after(superslab->tier, superslab->used_bytes) != superslab->tier)
        model_fail("a SuperSlab with %zu bytes in use counts %u and is of tier %u", used_bytes,
                   superslab->used_bytes, superslab->tier);
    return used;
}

static unsigned check_heap(const struct hak_heap *heap) {
    unsigned used = 0;
    for (struct hak_superslab *s = heap->room; s; s = s->next)
        used += check_superslab(heap, s);
    for (struct hak_superslab *s = heap->full; s; s = s->next)
        used += check_superslab(heap, s);
    for (struct hak_superslab *s = heap->cooled; s; s = s->next)
        used += check_superslab(heap, s);
    return used;
}

static void check_lock(const struct hak_lock *lock) {
    if (lock->holder)
        model_fail("%s is held at the end", report_name_of(lock));
}

static void end_thread(void) {
    if (hak_thread.state == HAK_THREAD_OWN)
        hak_front_end();
}

void world_check(unsigned live_blocks) {
    check_lock(&hak_heaps_lock);
    check_lock(&hak_registry_lock);
    check_lock(&hak_chunks_lock);
    check_lock(&hak_shared_heap_lock);
    for (hak_owner_t id = HAK_SHARED_HEAP_ID; id < 8; id++) {
        const struct hak_heap *heap = hak_heap_of(id);
        if (!heap)
            continue;
        check_posted(heap);
        check_state(heap);
        (void)check_heap(heap);
    }
    for (unsigned t = 0; t < THREADS_MAX; t++)
        model_as(t, end_thread);
    unsigned used = 0;
    for (hak_owner_t id = HAK_SHARED_HEAP_ID; id < 8; id++) {
        const struct hak_heap *heap = hak_heap_of(id);
        if (heap)
            used += check_heap(heap);
    }
    if (used != live_blocks)
        model_fail("%u blocks are out of the slabs and the program has %u: %s", used, live_blocks,
                   used > live_blocks ? "blocks are lost" : "blocks are in two hands");
    (void)hak_pool_trim();
    platform_check();
    for (char *s = SUPERSLAB_START; s < SPAN_START + SPAN_BYTES; s += HAK_SUPERSLAB_BYTES)
        if (hak_registry_owner(s) == HAK_OWNER_RESERVE)
            model_fail("a SuperSlab is in the registry as the reserve's and was not there");
}
