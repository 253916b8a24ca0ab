/* Measures how full a heap's SuperSlabs are, for learning; advises huge pages in them. */
#include "platform/arena.h"
#include "slab/tune.h"

enum { MILLION = 1000000 };

/* Adds the SuperSlabs of a list; full ones are those used to `threshold` millionths. */
static void add(const struct hak_superslab *list, uint64_t threshold, struct hak_memory_use *use) {
    const uint64_t all_bytes = (HAK_SLABS - 1) * HAK_SLAB_BYTES;
    for (const struct hak_superslab *superslab = list; superslab; superslab = superslab->next) {
        use->superslabs++;
        use->full_superslabs += superslab->used_bytes >= all_bytes * threshold / MILLION;
        use->active_slabs += HAK_SLABS - 1 - (unsigned)__builtin_popcount(superslab->free_slabs);
        use->empty_slabs += (unsigned)__builtin_popcount(superslab->dirty_slabs);
        use->used_bytes += superslab->used_bytes;
    }
}

void hak_slab_measure(const struct hak_heap *heap, uint64_t threshold, struct hak_memory_use *use) {
    *use = (struct hak_memory_use){.slabs_purged = heap->slabs_purged,
                                   .slabs_retouched = heap->slabs_retouched};
    add(heap->room, threshold, use);
    add(heap->full, threshold, use);
    add(heap->cooled, threshold, use);
}

void hak_slab_advise_huge(const struct hak_heap *heap, bool huge) {
    struct hak_superslab *const lists[] = {heap->room, heap->full, heap->cooled};
    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++)
        for (struct hak_superslab *superslab = lists[i]; superslab; superslab = superslab->next)
            hak_arena_advise_huge(superslab, huge);
}
