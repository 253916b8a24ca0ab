/* Gives the pages of free slabs back to the kernel: all of them when asked to, else by and by. */
#include "slab/lists.h"

/* Free slabs that keep their pages however long they are not needed. */
enum { KEPT_SLABS = 4 };

/* Gives back the pages of at most `most` slabs, neighbours together. Returns of how many. */
static unsigned purge_superslab(struct hak_heap *heap, struct hak_superslab *superslab,
                                unsigned most) {
    unsigned purged = 0;
    while (superslab->dirty_slabs && purged < most) {
        uint32_t dirty = superslab->dirty_slabs;
        unsigned first = (unsigned)__builtin_ctz(dirty), count = 0;
        while (first + count < HAK_SLABS && (dirty >> (first + count) & 1) && purged < most) {
            count++;
            purged++;
        }
        (void)hak_discard((char *)superslab + first * HAK_SLAB_BYTES, count * HAK_SLAB_BYTES);
        set_dirty(heap, superslab, dirty & ~(((1u << count) - 1) << first));
    }
    return purged;
}

size_t hak_slab_purge(struct hak_heap *heap, unsigned keep) {
    size_t bytes = 0;
    for (struct hak_superslab *superslab = heap->room; superslab && heap->dirty_slabs > keep;
         superslab = superslab->next)
        bytes += purge_superslab(heap, superslab, heap->dirty_slabs - keep) * HAK_SLAB_BYTES;
    return bytes;
}

void hak_slab_decay(struct hak_heap *heap) {
    if (heap->dirty_slabs_low > KEPT_SLABS)
        (void)hak_slab_purge(heap, heap->dirty_slabs - (heap->dirty_slabs_low - KEPT_SLABS));
    heap->dirty_slabs_low = heap->dirty_slabs;
}
