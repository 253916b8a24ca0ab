/* The lazily mapped block of a thread: room for its arrays, its caches, and what the slow paths
 * need.
 *
 *   arrays | none | 64 places | none | 64 places | ...        one for each class, in the block
 *   larger[c] --> | none | as many places as the class may have |
 *                         mapped when the array of class c first grows past 64 places; only touched
 *                         pages count
 *   caches --> caches of the plan, then their places           NULL where no class has any
 *
 * It stays with the heap when the thread ends and serves the heap's next thread. For front/ only.
 */
#ifndef HAK_FRONT_THREAD_BLOCK_H
#define HAK_FRONT_THREAD_BLOCK_H

#include "front/chain.h"
#include "front/front.h"
#include "front/remote.h"

/* Every so many slow paths a thread flushes partial chunks and looks at what is not used. */
#define HAK_TEND_EVERY 16

/* The array of one class. */
struct hak_array {
    base_t *bottom;    /* the word below its first place */
    base_t *larger;    /* room for more than HAK_ARRAY_PLACES, NULL until it is needed */
    base_t *idle_top;  /* its top at the last look at what is not used */
    uint32_t refilled; /* blocks that came from the layer below, and */
    uint32_t spilled;  /* that went to it, since the thread began */
    uint16_t capacity; /* places that it has now; 0 = the class has no array */
    uint16_t start;    /* what it shrinks to: the plan's capacity */
    uint16_t limit;    /* what it may grow to */
    uint16_t batch;    /* 0 = half the capacity */
    uint16_t left;     /* blocks in it when a fork left its thread behind */
    uint16_t turns;    /* refills after a spill, in this period */
    bool has_spilled;  /* since the last refill */
    uint8_t idle;      /* looks in a row at which its top had not moved */
};

struct hak_front {
    uint64_t slow_paths;   /* taken, of all threads that had the heap, for what is done at times */
    uint32_t plan_version; /* of the plan that the arrays follow */
    uint32_t purged;       /* the last purge from outside that the thread served */
    uint64_t decayed_at;   /* ticks of the last look at what is not used any more */
    unsigned next_emptied; /* the class whose array spill_remains looks at next */
    size_t grown_bytes;    /* of the blocks by which arrays may hold more than at the start */
    struct hak_cache *caches;
    struct hak_mid *mid; /* overflow lists of the mid layer, NULL until the first block */
    void *learner;       /* learn/'s own, NULL at first */
    struct hak_array array[HAK_CLASSES];
    base_t places[HAK_CLASSES * (HAK_ARRAY_PLACES + 1)];
};

/* Blocks that the calling thread collects for others; NULL before its first such free. */
static inline struct hak_remote *hak_own_remote(void) {
    return hak_thread.heap ? hak_thread.heap->remote : NULL;
}

/* The calling thread's caches of a class, first to last. */
static inline struct hak_cache *hak_caches_of(unsigned class_index) {
    return hak_thread.front->caches + hak_plan[class_index].first_cache;
}

/* The word below the first place of the array's room in the block. */
static inline base_t *hak_array_small_room(struct hak_front *front, unsigned class_index) {
    return front->places + class_index * (HAK_ARRAY_PLACES + 1);
}

/* The word below the first place of the array that `top` lies in: of any thread, at any moment.
 * NULL when it lies in none. */
HAK_HIDDEN base_t *hak_array_bottom_of(struct hak_front *front, unsigned class_index,
                                       const base_t *top);

/* True when the class has an array in this thread, which has a heap. */
static inline bool hak_array_is_on(unsigned class_index) {
    return hak_thread.front->array[class_index].capacity != 0;
}

/* Blocks in the calling thread's array. */
static inline unsigned hak_array_count(unsigned class_index) {
    const struct hak_array *array = &hak_thread.front->array[class_index];
    return array->capacity ? (unsigned)(hak_thread.top[class_index] - array->bottom) : 0;
}

/* Blocks that a refill or a spill moves. */
static inline unsigned hak_array_batch(const struct hak_array *array) {
    unsigned batch = array->batch ? array->batch : array->capacity / 2u;
    return batch ? batch : 1;
}

/* array.c: sets up the calling thread's arrays by the plan, all empty. */
HAK_HIDDEN void hak_arrays_start(void);
/* array.c: refills an empty array with up to `wanted` blocks. Returns how many. */
HAK_HIDDEN unsigned hak_array_fill(unsigned class_index, unsigned wanted);
/* array.c: moves the `count` oldest blocks of an array into the slabs. */
HAK_HIDDEN void hak_array_spill(unsigned class_index, unsigned count);
/* array.c: moves `count` blocks from the bottom of a full array onto mid's list where mid serves
 * the class, else as hak_array_spill does. */
HAK_HIDDEN void hak_array_overflow(unsigned class_index, unsigned count);
/* array.c: moves what lies in SuperSlabs that are to go into the slabs (struct hak_staying). */
HAK_HIDDEN void hak_array_spill_draining(unsigned class_index, const struct hak_staying *staying);

/* grow.c: sets the capacity of the calling thread's array; blocks that do not fit spill. False: no
 * memory for larger room, or it would have too many bytes. */
HAK_HIDDEN bool hak_array_resize(unsigned class_index, unsigned capacity);
/* grow.c: takes over what hak_plan_set changed. */
HAK_HIDDEN void hak_arrays_follow_plan(void);
/* grow.c: doubles the places of a hot class's full array; false: it stays as it is. */
HAK_HIDDEN bool hak_array_grow(unsigned class_index);
/* grow.c: shrinks, at the end of a period, the arrays of classes that were cold in it. */
HAK_HIDDEN void hak_arrays_end_period(void);

/* mail.c: takes what other threads posted to this thread's heap, and what waits, into the slabs. */
HAK_HIDDEN void hak_remote_drain(void);
/* remote.c: posts the chunks of the calling thread that are being filled. */
HAK_HIDDEN void hak_remote_flush(void);
/* remote.c: posts the chunks that a thread which a fork left behind had not posted yet, after what
 * it was draining. */
HAK_HIDDEN void hak_remote_flush_left(struct hak_heap *heap);
/* mail.c: blocks that such a thread was draining or had sorted go into the slabs. */
HAK_HIDDEN void hak_mail_drain_left(struct hak_heap *heap);
/* mail.c: takes posted chunks in when there are many, and sorts them, now and then. */
HAK_HIDDEN void hak_mail_tend(void);
/* decay.c: moves all that the thread holds, for itself and for others, into slabs and mailboxes. */
HAK_HIDDEN void hak_front_empty(void);
/* decay.c: takes in what others freed, releases empty SuperSlabs, and gives the pages of free slabs
 * back. Returns these bytes. */
HAK_HIDDEN size_t hak_front_trim_heap(struct hak_heap *heap);
/* decay.c: on slow paths, every now and then, moves blocks that were not used for a while down a
 * layer, posts others' blocks and takes over a new plan. */
HAK_HIDDEN void hak_front_decay(void);
/* decay.c: both, which each slow path does. */
HAK_HIDDEN void hak_front_tend(void);

#endif
