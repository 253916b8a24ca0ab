/* The lazily mapped block of a thread: room for its arrays, and what the slow paths need.
 *
 * It stays with the heap when the thread ends and serves the heap's next thread. For front/ only.
 */
#ifndef HAK_FRONT_THREAD_BLOCK_H
#define HAK_FRONT_THREAD_BLOCK_H

#include "front/front.h"
#include "front/magazine.h"
#include "front/remote.h"

/* Every so many slow paths a thread flushes partial chunks and looks at what is not used. */
#define HAK_TEND_EVERY 16

struct hak_front {
    uint32_t slow_paths;               /* taken, for what is done every now and then */
    uint64_t decayed_at;               /* ticks of the last look at what is not used any more */
    uint16_t left_blocks[HAK_CLASSES]; /* in each array, when a fork left its thread behind */
    base_t *idle_top[HAK_CLASSES];     /* the arrays' tops at that time */
    struct hak_magazine *magazines;    /* HAK_MAGAZINE_CLASSES of them, or NULL */
    base_t arrays[HAK_CLASSES * (HAK_ARRAY_PLACES + 1)];
};

/* Places in the array of a class: HAK_ARRAY_PLACES, fewer where HAK_ARRAY_BYTES says so, at least
 * 4; an even number. */
static inline unsigned hak_array_capacity(unsigned class_index) {
    size_t by_bytes = HAK_ARRAY_BYTES / hak_class_bytes(class_index);
    if (by_bytes >= HAK_ARRAY_PLACES)
        return HAK_ARRAY_PLACES;
    return by_bytes < 4 ? 4 : (unsigned)by_bytes & ~1u;
}

/* The word below the array's first place. */
static inline base_t *hak_array_bottom(struct hak_front *front, unsigned class_index) {
    return front->arrays + class_index * (HAK_ARRAY_PLACES + 1);
}

/* mail.c: takes what other threads posted to this thread's heap, and what waits, into the slabs. */
HAK_HIDDEN void hak_remote_drain(void);
/* remote.c: posts the chunks that are being filled. */
HAK_HIDDEN void hak_remote_flush(void);
/* remote.c: the same of a thread that a fork left behind, after what it was draining. */
HAK_HIDDEN void hak_remote_flush_left(struct hak_heap *heap);
/* mail.c: what such a thread was draining or had sorted goes into the slabs. */
HAK_HIDDEN void hak_mail_drain_left(struct hak_heap *heap);
/* magazine.c: empties magazines and lists of such a thread into the slabs. */
HAK_HIDDEN void hak_magazines_empty_left(struct hak_heap *heap);
/* array.c: every now and then, on slow paths: what was not used for a while goes down a layer. */
HAK_HIDDEN void hak_front_decay(void);
/* mail.c: what each slow path does for others: sort what was posted now and then, or when it is
 * much, and what hak_front_decay does. */
HAK_HIDDEN void hak_remote_tend(void);

#endif
