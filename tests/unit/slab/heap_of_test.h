/* Helpers for the tests of slabs: one heap, default settings, blocks taken and given by class. */
#ifndef TESTS_UNIT_SLAB_HEAP_OF_TEST_H
#define TESTS_UNIT_SLAB_HEAP_OF_TEST_H

#include "options.h"
#include "pool/pool.h"
#include "slab/slab.h"
#include "unit/suite.h"

static struct hak_heap *heap;

static inline void set_up(void) {
    hak_options_read(NULL);
    hak_registry_start(true);
    heap = hak_heap_acquire();
}

/* Exactly `count` blocks of the class. */
static inline void take(unsigned class_index, base_t *blocks, unsigned count) {
    ck_assert_uint_eq(hak_slab_take(heap, class_index, blocks, count), count);
}

/* As a slow path does. */
static inline void give(const base_t *blocks, unsigned count) {
    hak_slab_give_all(heap, blocks, count);
    (void)hak_slab_give_back_some(heap);
}

static inline void give_back_all(void) {
    while (hak_slab_give_back_some(heap)) {
    }
}

/* The slabs of a class, all of their slots taken. */
static inline void take_slabs(unsigned class_index, base_t *blocks, unsigned slabs) {
    take(class_index, blocks, slabs * hak_class_slots(class_index));
}

static inline struct hak_slab *slab_of(base_t block) {
    return &hak_superslab_of(block.p)->slabs[hak_slab_index_of(block.p)];
}

static inline unsigned count_superslabs(void) {
    const struct hak_superslab *lists[] = {heap->room, heap->full, heap->cooled};
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const struct hak_superslab *s = lists[i]; s; s = s->next)
            count++;
    return count;
}

#endif
