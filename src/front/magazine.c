/* The magazine's moves: filled from the TLS SLL or the slabs, flushed onto the TLS SLL. */
#include "front/magazine.h"

#include "front/thread_block.h"

struct hak_cache *hak_magazine_of(unsigned class_index) {
    return hak_caches_of(class_index) + hak_plan[class_index].base_cache;
}

/* Refills the empty magazine: from the list first, whose blocks are warm, then from the slabs, half
 * a magazine at a time. */
void magazine_refill(unsigned class_index) {
    struct hak_cache *magazine = hak_magazine_of(class_index);
    uint32_t wanted = magazine->batch < magazine->capacity ? magazine->batch : magazine->capacity;
    while (magazine->count < wanted) {
        base_t block = sll_pop(class_index);
        if (!block.p)
            break;
        magazine->blocks[magazine->count++] = block;
    }
    if (magazine->count)
        return;
    hak_front_tend();
    base_t *blocks = magazine->blocks;
    unsigned taken = hak_slab_take_some(hak_thread.heap, class_index, blocks, wanted);
    hop_all(HAK_MAGAZINE_FILL, blocks, taken, class_index);
    hak_reverse(blocks, taken); /* lowest address on top */
    magazine->refilled += taken;
    magazine->count = taken;
}

/* Makes room in a full magazine: moves its older half onto the TLS SLL; a list above its capacity
 * spills half of that into the slabs. */
void magazine_flush(unsigned class_index) {
    struct hak_cache *magazine = hak_magazine_of(class_index), *list = hak_sll_of(class_index);
    uint32_t moved = (magazine->count + 1) / 2;
    for (uint32_t i = 0; i < moved; i++)
        sll_push(magazine->blocks[i], class_index);
    magazine->count -= moved;
    for (uint32_t i = 0; i < magazine->count; i++)
        magazine->blocks[i] = magazine->blocks[i + moved];
    if (list->count > list->capacity)
        sll_spill(list, list->capacity / 2);
}
