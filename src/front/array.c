/* The array front's slow side: set-up and end of a thread, refill from the slabs, spill into them.
 */
#include "front/front.h"

#include "front/thread_block.h"

/* A tenth of a second at usual clock rates: how long what is not used stays where it is. */
#define DECAY_TICKS ((uint64_t)1 << 28)

base_t hak_no_block = {NULL};

/* Every class starts empty and full at once, so that the first call takes the slow path. */
_Thread_local struct hak_thread hak_thread = {
    .heap_id = HAK_OWNER_NONE,
    .top = {[0 ... HAK_CLASSES - 1] = &hak_no_block},
    .end = {[0 ... HAK_CLASSES - 1] = &hak_no_block},
};

static void set_up_arrays(struct hak_front *front) {
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        if (hak_front_has_magazine(c))
            continue;
        hak_thread.top[c] = hak_array_bottom(front, c);
        hak_thread.end[c] = hak_thread.top[c] + hak_array_capacity(c);
    }
}

static struct hak_front *make_front(void) {
    struct hak_front *front = hak_map(HAK_PAGES_OF(sizeof(struct hak_front)));
    if (front && hak_options.magazine_enable == HAK_MAGAZINE_ON) {
        front->magazines = hak_magazines_make();
        if (!front->magazines) {
            hak_unmap(front, HAK_PAGES_OF(sizeof(struct hak_front)));
            return NULL;
        }
    }
    return front;
}

void hak_front_start(void) {
    struct hak_thread *thread = &hak_thread;
    if (thread->state != HAK_THREAD_NEW)
        return;
    thread->state = HAK_THREAD_SHARED;
    struct hak_heap *heap = hak_heap_acquire();
    if (!heap)
        return;
    hak_front_mend(heap);
    if (!heap->front_block)
        heap->front_block = make_front();
    if (!heap->front_block) {
        hak_heap_release(heap);
        return;
    }
    thread->heap = heap;
    thread->front = heap->front_block;
    hak_slab_precharge(heap);
    set_up_arrays(thread->front);
    thread->heap_id = heap->id;
    atomic_store_explicit(&heap->thread, thread, memory_order_release);
    thread->state = HAK_THREAD_OWN;
}

static base_t move_to_front(base_t block, unsigned class_index) {
    hop(HAK_FRONT_REFILL, block, class_index);
    return block;
}

base_t hak_front_refill(unsigned class_index) {
    hak_remote_tend();
    if (hak_remote_fill(class_index) > 0)
        return hak_array_pop(class_index);
    base_t blocks[HAK_ARRAY_PLACES / 2];
    unsigned wanted = hak_array_capacity(class_index) / 2;
    unsigned taken = hak_slab_take_some(hak_thread.heap, class_index, blocks, wanted);
    /* Lowest address on top. */
    while (taken > 0)
        hak_array_push(class_index, move_to_front(blocks[--taken], class_index));
    return hak_array_pop(class_index);
}

static void move_to_slab(const base_t *blocks, unsigned count, unsigned class_index) {
    for (unsigned i = 0; i < count; i++)
        hop(HAK_FRONT_SPILL, blocks[i], class_index);
    hak_slab_give_all(hak_thread.heap, blocks, count);
}

/* Moves the `count` oldest blocks of an array into the slabs. */
static void spill(unsigned class_index, unsigned count) {
    base_t *first = hak_array_bottom(hak_thread.front, class_index) + 1;
    move_to_slab(first, count, class_index);
    size_t kept = (size_t)(hak_thread.top[class_index] + 1 - first) - count;
    __builtin_memmove(first, first + count, kept * sizeof *first);
    hak_thread.top[class_index] -= count;
}

void hak_front_spill(unsigned class_index) {
    hak_remote_tend();
    if (hak_array_is_full(class_index))
        spill(class_index, hak_array_capacity(class_index) / 2);
}

static unsigned count_blocks(unsigned class_index) {
    return (unsigned)(hak_thread.top[class_index] -
                      hak_array_bottom(hak_thread.front, class_index));
}

/* Half of each array whose top is where it was at the last look: nobody uses the class. Not where
 * moves are recorded: there they are to be the same in each run. */
static void decay_arrays(struct hak_front *front) {
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        if (!hak_array_is_on(c))
            continue;
        if (front->idle_top[c] == hak_thread.top[c])
            spill(c, (count_blocks(c) + 1) / 2);
        front->idle_top[c] = hak_thread.top[c];
    }
}

void hak_front_decay(void) {
    struct hak_front *front = hak_thread.front;
    if (++front->slow_paths % HAK_TEND_EVERY != 0)
        return;
    hak_remote_flush();
    uint64_t now = hak_ticks();
    if (now - front->decayed_at >= DECAY_TICKS) {
        front->decayed_at = now;
        if (!hak_is_debug_build)
            decay_arrays(front);
    }
    hak_slab_decay(hak_thread.heap); /* last: slabs that were freed just now count */
}

base_t hak_front_take_shared(unsigned class_index) {
    base_t block = HAK_NO_BASE;
    hak_lock(&hak_shared_heap_lock);
    struct hak_heap *heap = hak_shared_heap();
    if (heap) {
        hak_remote_drain_heap(heap);
        if (hak_slab_take(heap, class_index, &block, 1) == 1)
            (void)move_to_front(block, class_index);
    }
    hak_unlock(&hak_shared_heap_lock);
    return block;
}

static void forget_heap(enum hak_thread_state state) {
    struct hak_thread *thread = &hak_thread;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        thread->top[c] = thread->end[c] = &hak_no_block;
    thread->heap_id = HAK_OWNER_NONE;
    thread->heap = NULL;
    thread->front = NULL;
    thread->state = (uint8_t)state;
}

static void empty_caches(void) {
    hak_remote_flush();
    hak_remote_drain();
    if (hak_thread.front->magazines)
        hak_magazines_empty();
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        if (hak_array_is_on(c))
            spill(c, count_blocks(c));
}

void hak_front_end(void) {
    struct hak_heap *heap = hak_thread.heap;
    if (heap)
        empty_caches();
    forget_heap(HAK_THREAD_ENDED);
    if (heap) {
        atomic_store_explicit(&heap->thread, NULL, memory_order_relaxed);
        hak_slab_trim(heap);
        hak_heap_release(heap);
        hak_remote_after_release(heap->id);
    }
}

static size_t trim_heap(struct hak_heap *heap) {
    hak_remote_drain_heap(heap);
    hak_slab_trim(heap);
    return hak_slab_purge(heap, 0);
}

size_t hak_front_trim(void) {
    size_t bytes = 0;
    if (hak_thread.heap) {
        empty_caches();
        bytes += trim_heap(hak_thread.heap);
    }
    for (unsigned id = HAK_SHARED_HEAP_ID + 1; id <= HAK_HEAP_ID_MAX; id++) {
        if (!hak_heap_of((hak_owner_t)id))
            break;
        struct hak_heap *idle = hak_heap_help((hak_owner_t)id);
        if (!idle)
            continue;
        hak_front_mend(idle);
        bytes += trim_heap(idle);
        hak_heap_release(idle);
        hak_remote_after_release(idle->id);
    }
    return bytes;
}
