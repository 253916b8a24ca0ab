/* The front's part in a thread's life: its heap and caches at the start, all of them empty at the
 * end, and what malloc_trim gives back. */
#include "front/thread_block.h"

#include "front/prewarm.h"

/* Maps a thread's arrays and, where the plan has any, its caches. NULL without memory. */
static struct hak_front *make_front(void) {
    const size_t bytes = HAK_PAGES_OF(sizeof(struct hak_front));
    struct hak_front *front =
        hak_is_debug_build || hak_is_light_build ? hak_map_joined(bytes) : hak_map(bytes);
    if (front && hak_plan_cache_count) {
        front->caches = hak_map(hak_caches_bytes());
        if (!front->caches) {
            hak_unmap(front, bytes);
            return NULL;
        }
        hak_caches_make(front->caches);
    }
    return front;
}

/* Also drains chunks that were posted in the meantime. */
static void release(struct hak_heap *heap) {
    hak_heap_release(heap);
    hak_remote_after_release(heap->id);
}

void hak_front_start(void) {
    struct hak_thread *thread = &hak_thread;
    if (thread->state != HAK_THREAD_NEW)
        return;
    hak_plan_start();
    thread->state = HAK_THREAD_SHARED;
    struct hak_heap *heap = hak_heap_acquire();
    if (!heap)
        return;
    hak_front_mend(heap);
    if (!heap->front_block)
        heap->front_block = make_front();
    if (!heap->front_block) {
        release(heap);
        return;
    }
    thread->heap = heap;
    thread->front = heap->front_block;
    hak_slab_precharge(heap);
    hak_arrays_start();
    thread->heap_id = heap->id;
    atomic_store_explicit(&heap->thread, thread, memory_order_release);
    thread->state = HAK_THREAD_OWN;
    hak_prewarm_first_thread();
}

base_t hak_front_take_shared(unsigned class_index) {
    base_t block = HAK_NO_BASE;
    enum hak_record_kind kind = hak_mid_has(class_index) ? HAK_MID_REFILL : HAK_FRONT_REFILL;
    hak_lock(&hak_shared_heap_lock);
    struct hak_heap *heap = hak_shared_heap();
    if (heap) {
        hak_front_mend(heap);
        hak_remote_drain_heap(heap);
        if (hak_slab_take(heap, class_index, &block, 1) == 1)
            hop(kind, block, class_index);
    }
    hak_unlock(&hak_shared_heap_lock);
    return block;
}

/* The thread has no heap from now on: its arrays are off, and `state` says why. */
static void forget_heap(enum hak_thread_state state) {
    struct hak_thread *thread = &hak_thread;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        thread->top[c] = thread->end[c] = &hak_no_block;
    thread->heap_id = HAK_OWNER_NONE;
    thread->heap = NULL;
    thread->front = NULL;
    thread->state = (uint8_t)state;
}

void hak_front_end(void) {
    struct hak_heap *heap = hak_thread.heap;
    if (heap) {
        heap->is_closing = true;
        hak_front_empty();
    }
    forget_heap(HAK_THREAD_ENDED);
    if (heap) {
        atomic_store_explicit(&heap->thread, NULL, memory_order_relaxed);
        hak_slab_trim(heap);
        while (heap->is_purging) /* perhaps nobody goes on */
            (void)hak_slab_give_back_some(heap);
        release(heap);
    }
}

/* hak_front_trim_heap of the heap that threads without their own share, after repair if a fork left
 * it half-changed. */
static size_t trim_shared(void) {
    size_t bytes = 0;
    hak_lock(&hak_shared_heap_lock);
    struct hak_heap *heap = hak_heap_of(HAK_SHARED_HEAP_ID);
    if (heap) {
        hak_front_mend(heap);
        bytes = hak_front_trim_heap(heap);
    }
    hak_unlock(&hak_shared_heap_lock);
    return bytes;
}

size_t hak_front_trim(void) {
    size_t bytes = trim_shared();
    if (hak_thread.heap) {
        hak_front_empty();
        bytes += hak_front_trim_heap(hak_thread.heap);
    }
    for (unsigned id = HAK_SHARED_HEAP_ID + 1; id <= HAK_HEAP_ID_MAX; id++) {
        if (!hak_heap_of((hak_owner_t)id))
            break;
        struct hak_heap *idle = hak_heap_help((hak_owner_t)id);
        if (!idle)
            continue;
        hak_front_mend(idle);
        bytes += hak_front_trim_heap(idle);
        release(idle);
    }
    return bytes;
}
