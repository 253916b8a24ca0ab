/* Counts what lies in SuperSlabs and caches: one walk over the registry, one over the heaps. */
#include "front/figures.h"

#include "front/thread_block.h"
#include "platform/registry.h"

static void count_cached(struct hak_figures *figures, unsigned class_index, size_t blocks) {
    figures->cached_blocks += blocks;
    figures->cached_bytes += blocks * hak_class_bytes(class_index);
    figures->free_blocks[class_index] += blocks;
    figures->cached_of_class[class_index] += blocks;
}

/* Counts the blocks in the caches of a thread, which may be at work. */
static void count_front(struct hak_figures *figures, const struct hak_thread *thread,
                        struct hak_front *front) {
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        const base_t *top = __atomic_load_n(&thread->top[c], __ATOMIC_RELAXED);
        const base_t *bottom = hak_array_bottom_of(front, c, top);
        if (bottom)
            count_cached(figures, c, (size_t)(top - bottom));
        count_cached(figures, c, hak_mid_count(front->mid, c));
    }
    for (unsigned i = 0; front->caches && i < hak_plan_cache_count; i++)
        count_cached(figures, front->caches[i].class_index,
                     __atomic_load_n(&front->caches[i].count, __ATOMIC_RELAXED));
}

/* Counts the blocks in chunks that the thread fills for other heaps. */
static void count_remote(struct hak_figures *figures, const struct hak_remote *remote) {
    for (unsigned i = 0; i < HAK_REMOTE_SLOTS; i++) {
        /* Chunks are never unmapped, but the thread may post this one at any moment. */
        const struct hak_chunk *chunk = __atomic_load_n(&remote->slots[i], __ATOMIC_RELAXED);
        if (chunk && chunk->class_index < HAK_CLASSES) {
            figures->cached_blocks += chunk->count;
            figures->cached_bytes += chunk->count * hak_class_bytes(chunk->class_index);
            figures->cached_of_class[chunk->class_index] += chunk->count;
        }
    }
}

/* Adds what a heap's threads did so far; its memory stays when they end. */
static void count_done(struct hak_figures *figures, struct hak_heap *heap) {
    const struct hak_front *front = __atomic_load_n(&heap->front_block, __ATOMIC_ACQUIRE);
    const struct hak_remote *remote = __atomic_load_n(&heap->remote, __ATOMIC_ACQUIRE);
    if (front)
        figures->slow_paths += __atomic_load_n(&front->slow_paths, __ATOMIC_RELAXED);
    if (remote)
        figures->posted_blocks += __atomic_load_n(&remote->posted_blocks, __ATOMIC_RELAXED);
}

/* Counts the cached blocks of all heaps. Hold hak_heaps_lock: a thread that ends waits for it
 * before its memory goes. */
static void count_heaps(struct hak_figures *figures) {
    for (unsigned id = HAK_SHARED_HEAP_ID; id <= HAK_HEAP_ID_MAX; id++) {
        struct hak_heap *heap = hak_heap_of((hak_owner_t)id);
        if (!heap && id > HAK_SHARED_HEAP_ID)
            break; /* ids are given out in order */
        if (heap)
            count_done(figures, heap);
        const struct hak_thread *thread =
            heap ? atomic_load_explicit(&heap->thread, memory_order_acquire) : NULL;
        /* A thread that went without its end (exit by a system call) has left its heap owned. */
        if (thread && hak_is_mapped(thread) && hak_is_mapped(thread + 1) &&
            atomic_load_explicit(&heap->state, memory_order_relaxed) == HAK_HEAP_OWNED) {
            count_front(figures, thread, heap->front_block);
            if (heap->remote)
                count_remote(figures, heap->remote);
        }
    }
}

/* Adds a SuperSlab's slots that are out of their slabs; `live_bytes` has the cached ones in it so
 * far. */
static void count_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct hak_figures *figures = context;
    uint32_t dirty = superslab->dirty_slabs;
    figures->superslab_bytes += HAK_SUPERSLAB_BYTES;
    figures->head_bytes += HAK_PAGES_OF(sizeof *superslab);
    if (owner == HAK_OWNER_RESERVE) {
        size_t dirty_bytes = (size_t)__builtin_popcount(dirty) * HAK_SLAB_BYTES;
        figures->unused_bytes += HAK_SUPERSLAB_BYTES;
        figures->dirty_bytes += dirty_bytes;
        figures->clean_bytes += HAK_SUPERSLAB_BYTES - dirty_bytes;
        return;
    }
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        unsigned class_index = superslab->class_of_slab[i];
        uint32_t used = superslab->slabs[i].used, carved = superslab->slabs[i].carved;
        if (class_index >= HAK_CLASSES) {
            figures->unused_bytes += HAK_SLAB_BYTES;
            *(dirty >> i & 1 ? &figures->dirty_bytes : &figures->clean_bytes) += HAK_SLAB_BYTES;
            continue;
        }
        figures->slabs[class_index]++;
        figures->out_blocks[class_index] += used;
        figures->live_bytes += used * hak_class_bytes(class_index);
        figures->slab_free_blocks[class_index] += carved > used ? carved - used : 0;
    }
}

void hak_figures_take(struct hak_figures *figures) {
    *figures = (struct hak_figures){0};
    hak_lock(&hak_heaps_lock);
    count_heaps(figures);
    hak_lock(&hak_registry_lock);
    hak_registry_each(count_superslab, figures);
    hak_unlock(&hak_registry_lock);
    hak_unlock(&hak_heaps_lock);
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        figures->free_blocks[c] += figures->slab_free_blocks[c];
    figures->live_bytes -=
        figures->cached_bytes < figures->live_bytes ? figures->cached_bytes : figures->live_bytes;
}

/* ---- what was asked for ---------------------------------------------------------------------- */

struct slack {
    unsigned class_index;
    size_t bytes;
};

/* Adds the slack of a SuperSlab's slots of the class. */
static void count_slack(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct slack *slack = context;
    size_t slot_bytes = hak_class_bytes(slack->class_index);
    if (owner == HAK_OWNER_RESERVE)
        return;
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        uint32_t carved = superslab->slabs[i].carved;
        if (superslab->class_of_slab[i] != slack->class_index || carved > HAK_SLOTS_OF_SLAB)
            continue;
        const struct hak_slot *slots = superslab->slots + (i - 1) * (size_t)HAK_SLOTS_OF_SLAB;
        for (uint32_t slot = 0; slot < carved; slot++)
            if (slots[slot].place == HAK_PLACE_LIVE && slots[slot].asked_bytes < slot_bytes)
                slack->bytes += slot_bytes - slots[slot].asked_bytes;
    }
}

size_t hak_figures_slack(unsigned class_index) {
    struct slack slack = {.class_index = class_index};
    if (!hak_is_debug_build)
        return 0;
    hak_lock(&hak_registry_lock);
    hak_registry_each(count_slack, &slack);
    hak_unlock(&hak_registry_lock);
    return slack.bytes;
}
