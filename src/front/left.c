/* Repairs the heaps and caches that a fork leaves behind: the parent's other threads are not there
 * in the child.
 *
 * A thread may be anywhere when its process forks: the child sees all that it stored up to some
 * instruction, and nothing of what came after it. So the order of stores decides what can be
 * trusted. A cache gets a block first and then counts it; a slab gets its class when all else
 * stands; a free slot is a bit. From classes, bitmaps and caches everything else is made anew.
 * Blocks that the thread had just in its hands, on the way from one to another, are lost to the
 * child: at most half an array.
 *
 *   fork    in the child: how full each array was is noted, the heap is idle and left
 *   mend    by whoever takes the heap, for a new thread or to drain it: slabs are counted and
 *           listed, then the caches are emptied into them
 *
 * Arrays are noted at once, since their tops lie in the thread's own memory, which the child may
 * use again. */
#include "front/chunks.h"
#include "front/front.h"
#include "front/thread_block.h"
#include "platform/raw_call.h"

/* A thread that ended without its destructors (a raw exit) may have taken its memory along. */
static bool can_be_read(const struct hak_thread *thread) {
    return hak_raw_readable((uintptr_t)&thread->top[0]) &&
           hak_raw_readable((uintptr_t)&thread->top[HAK_CLASSES - 1]);
}

/* Notes how many blocks each array of an ended thread's heap holds. If the thread's memory cannot
 * be read, they count as none. */
static void note_arrays(struct hak_heap *heap) {
    struct hak_front *front = heap->front_block;
    if (!front)
        return;
    const struct hak_thread *thread = atomic_load_explicit(&heap->thread, memory_order_relaxed);
    atomic_store_explicit(&heap->thread, NULL, memory_order_relaxed);
    bool is_known = thread && can_be_read(thread);
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        const base_t *top = is_known ? thread->top[c] : NULL;
        base_t *bottom = hak_array_bottom_of(front, c, top);
        front->array[c].bottom = bottom;
        front->array[c].left = bottom ? (uint16_t)(top - bottom) : 0;
    }
}

void hak_front_after_fork(void) {
    hak_chunks_after_fork();
    hak_heaps_after_fork(hak_thread.heap ? hak_thread.heap : hak_thread.lent, note_arrays);
}

/* Moves the blocks of the caches into the slabs. */
static void empty_left(struct hak_heap *heap, struct hak_front *front) {
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        for (unsigned i = 1; i <= front->array[c].left; i++)
            hak_slab_give_left(heap, front->array[c].bottom[i], c);
        front->array[c].left = 0;
    }
    hak_caches_empty_left(heap);
    hak_mid_empty_left(heap, front->mid);
}

void hak_front_mend(struct hak_heap *heap) {
    struct hak_front *front = heap->front_block;
    if (!heap->is_left)
        return;
    heap->is_left = false;
    hak_slab_rebuild(heap);
    if (hak_is_debug_build)
        hak_heap_note_adoption(heap);
    if (front)
        empty_left(heap, front);
    hak_remote_flush_left(heap);
}
