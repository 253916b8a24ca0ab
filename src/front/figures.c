/* Counts what lies in SuperSlabs and caches: one walk over the registry, one over the heaps. */
#include "front/figures.h"

#include "front/thread_block.h"
#include "platform/registry.h"

static void count_cached(struct hak_figures *figures, unsigned class_index, size_t blocks) {
    figures->cached_blocks += blocks;
    figures->cached_bytes += blocks * hak_class_bytes(class_index);
    figures->free_blocks[class_index] += blocks;
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
        }
    }
}

/* Counts the cached blocks of all heaps. Hold hak_heaps_lock: a thread that ends waits for it
 * before its memory goes. */
static void count_heaps(struct hak_figures *figures) {
    for (unsigned id = HAK_SHARED_HEAP_ID; id <= HAK_HEAP_ID_MAX; id++) {
        struct hak_heap *heap = hak_heap_of((hak_owner_t)id);
        if (!heap && id > HAK_SHARED_HEAP_ID)
            break; /* ids are given out in order */
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
    figures->superslab_bytes += HAK_SUPERSLAB_BYTES;
    if (owner == HAK_OWNER_RESERVE) {
        figures->unused_bytes += HAK_SUPERSLAB_BYTES;
        return;
    }
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        unsigned class_index = superslab->class_of_slab[i];
        uint32_t used = superslab->slabs[i].used, carved = superslab->slabs[i].carved;
        if (class_index >= HAK_CLASSES) {
            figures->unused_bytes += HAK_SLAB_BYTES;
            continue;
        }
        figures->live_bytes += used * hak_class_bytes(class_index);
        figures->free_blocks[class_index] += carved > used ? carved - used : 0;
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
    figures->live_bytes -=
        figures->cached_bytes < figures->live_bytes ? figures->cached_bytes : figures->live_bytes;
}
