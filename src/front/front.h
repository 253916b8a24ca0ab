/* The front: the blocks that a thread keeps at hand, so that most calls touch nothing that others
 * touch.
 *
 *   TLS (initial-exec, below 1 KiB)            block of the thread (thread_block.h)
 *   top[c] --------------------------------+   remote[16]: chunks that are being filled
 *   end[c] ------------------------------+ |   caches: NULL, or the plan's (chain.h)
 *   heap_id, heap, front                 | |   arrays:
 *                                        | +------v
 *                   | none | base | base | base | base | ..... |
 *                   + below              +-------------------^ end: last place of the array
 *
 * An array is a stack of block addresses; the blocks themselves are not touched. Below its first
 * place lies a word that is never an address, so that "empty" is what is read, and not a compare
 * with a count. top == end means full. A thread that is not set up, or a class that has other
 * fronts or none (plan.h), has top == end == &hak_no_block: it is empty and full at once, and every
 * call takes the slow path.
 *
 *   malloc   pop --empty--> hak_front_take: drain remote frees, then half an array from the slabs
 *   free     push --full--> hak_front_give: the array grows (grow.c), or its older half goes down
 *            other owner --> hak_remote_put: collected in chunks of 62, posted to the owner's heap
 *   other ways: magazine (magazine.h), chains of caches (chain.h), nothing
 *   where mid serves the class, the array is its ring, and mid the layer below (mid/mid.h)
 *
 * Ownership: all of it belongs to its thread; no lock, no atomics, no line shared with another. The
 * exceptions are the mail box in the heap (slab/heap.h) and the plan of the process.
 *
 * May call: mid, slab, platform. Description and measurements: docs/specs/fronts.md. */
#ifndef HAK_FRONT_FRONT_H
#define HAK_FRONT_FRONT_H

#include "front/plan.h"
#include "hop.h"
#include "mid/mid.h"
#include "options.h"
#include "platform/registry.h"
#include "size_class.h"
#include "slab/slab.h"

enum hak_thread_state {
    HAK_THREAD_NEW,    /* no call yet */
    HAK_THREAD_OWN,    /* has a heap */
    HAK_THREAD_SHARED, /* could get no heap: uses the shared one */
    HAK_THREAD_ENDED,  /* its heap is given back; late calls use the shared one */
};

struct hak_front;

struct hak_thread {
    base_t *top[HAK_CLASSES]; /* of each array: the block that the next malloc gets */
    base_t *end[HAK_CLASSES]; /* top when the array is full */
    uint32_t heap_id;         /* HAK_OWNER_NONE without a heap */
    uint8_t state;            /* enum hak_thread_state */
    uint8_t end_rounds;       /* how often its end was put off (entry/start.c) */
    uint16_t until_look;      /* level light: calls until one may be sampled; 0 elsewhere */
    struct hak_heap *heap;
    struct hak_heap *lent; /* the thread's own, while a nested call has none (entry/nested) */
    struct hak_front *front;
    int64_t until_point; /* level light: bytes of larger blocks until one is sampled */
};

HAK_HIDDEN extern _Thread_local struct hak_thread hak_thread
    __attribute__((tls_model("initial-exec")));

/* The word that is read from an empty array: no address. */
HAK_HIDDEN extern base_t hak_no_block;

/* Gives the calling thread a heap and its arrays, if it is new. Call before the slow functions
 * below. */
HAK_HIDDEN void hak_front_start(void);

/* Empties arrays, magazines and lists into the slabs, posts what was collected for others, gives
 * the heap back. */
HAK_HIDDEN void hak_front_end(void);

/* Empties the calling thread's caches and gives the pages of all that is free then back to the
 * kernel, also of heaps whose threads have ended. Returns the bytes of it. Any thread. */
HAK_HIDDEN size_t hak_front_trim(void);

/* In the child of a fork, on its only thread. */
HAK_HIDDEN void hak_front_after_fork(void);

/* left.c: makes an idle heap that the caller has just taken whole again where a fork left it behind
 * half-changed; to be called before anything else is done with it. */
HAK_HIDDEN void hak_front_mend(struct hak_heap *heap);

/* Refills the empty array of a class whose way is ARRAY and takes one block of it; the block has
 * made its hop to FRONT or MID_RING. HAK_NO_BASE: no memory. */
HAK_HIDDEN base_t hak_front_refill(unsigned class_index);

/* Makes room in the full array of a class whose way is ARRAY: more places if the class is hot, else
 * a batch of blocks moves to the layer below. */
HAK_HIDDEN void hak_front_spill(unsigned class_index);

/* Ends the program for a block that is free already; the debug build has reported it and goes on.
 */
HAK_HIDDEN HAK_COLD void hak_front_refuse_second(base_t block);

/* Takes one block from the shared heap, under its lock, for a thread that has none, after draining
 * what was posted to it. HAK_NO_BASE without memory. */
HAK_HIDDEN base_t hak_front_take_shared(unsigned class_index);

/* A block that belongs to heap `owner`, another than the calling thread's. */
HAK_HIDDEN void hak_remote_put(hak_owner_t owner, base_t block);

/* The newest block of the array, or HAK_NO_BASE when it is empty or off. The block below it is the
 * next one to go: its first line is asked for, since nobody may have touched it for long. */
static inline base_t hak_array_pop(unsigned class_index) {
    base_t *top = hak_thread.top[class_index];
    base_t block = *top;
    if (!hak_is_debug_build)
        HAK_IN_RESULT_REGISTER(block.p);
    if (HAK_LIKELY(block.p != NULL)) {
        hak_thread.top[class_index] = top - 1;
        if (!hak_is_debug_build)
            __builtin_prefetch(top[-1].p, 1);
    }
    return block;
}

static inline bool hak_array_is_full(unsigned class_index) {
    return hak_thread.top[class_index] == hak_thread.end[class_index];
}

/* True when `block` is the one that came last: the commonest double free, seen for two
 * instructions. Others are noticed when a full array spills. */
static inline bool hak_array_has_on_top(unsigned class_index, base_t block) {
    return hak_thread.top[class_index]->p == block.p;
}

/* Puts a block on an array that is not full. */
static inline void hak_array_push(unsigned class_index, base_t block) {
    base_t *top = hak_thread.top[class_index] + 1;
    *top = block;
    atomic_signal_fence(memory_order_release); /* a fork may come in between: left.c */
    hak_thread.top[class_index] = top;
}

/* True when the calling thread owns the SuperSlab that holds `block`: false for NULL, foreign and
 * large blocks, those of other threads, and in a thread without a heap. */
static inline bool hak_front_is_mine(base_t block) {
    return hak_registry_owner_fast(block.p) == hak_thread.heap_id;
}

/* Class of the slab that holds `block`, HAK_CLASS_NONE if it serves none. The number of its
 * SuperSlab is at hand, as hak_front_is_mine needs it. */
static inline unsigned hak_front_class_of(base_t block) {
    uintptr_t number = (uintptr_t)block.p / HAK_SUPERSLAB_BYTES;
    HAK_USE_AS_IS(number);
    const struct hak_superslab *superslab = (const void *)(number * HAK_SUPERSLAB_BYTES);
    return superslab->class_of_slab[hak_slab_index_of(block.p)];
}

#endif
