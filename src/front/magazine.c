/* The magazine's moves: filled from the TLS SLL or the slabs, flushed onto the TLS SLL. */
#include "front/magazine.h"

#include "check.h"
#include "front/thread_block.h"

struct hak_magazine *hak_magazine_of(unsigned class_index) {
    return &hak_thread.front->magazines[class_index];
}

struct hak_sll *hak_sll_of(unsigned class_index) {
    return &hak_magazine_of(class_index)->list;
}

bool hak_front_has_magazine(unsigned class_index) {
    const struct hak_front *front = hak_thread.front;
    return class_index < HAK_MAGAZINE_CLASSES && front && front->magazines;
}

struct hak_magazine *hak_magazines_make(void) {
    size_t capacity = hak_options.magazine_capacity;
    size_t head_bytes = HAK_MAGAZINE_CLASSES * sizeof(struct hak_magazine);
    char *start =
        hak_map(HAK_PAGES_OF(head_bytes + HAK_MAGAZINE_CLASSES * capacity * sizeof(base_t)));
    struct hak_magazine *magazines = (struct hak_magazine *)(void *)start;
    base_t *blocks = (base_t *)(void *)(start + head_bytes);
    for (unsigned c = 0; start && c < HAK_MAGAZINE_CLASSES; c++)
        magazines[c] = (struct hak_magazine){
            .capacity = (uint32_t)capacity,
            .blocks = blocks + c * capacity,
        };
    return magazines;
}

/* The list first: its blocks are warm. Then the slabs, half a magazine at a time. */
void magazine_refill(unsigned class_index) {
    struct hak_magazine *magazine = hak_magazine_of(class_index);
    uint32_t wanted = magazine->capacity / 2;
    while (magazine->count < wanted) {
        base_t block = sll_pop(class_index);
        if (!block.p)
            break;
        magazine->blocks[magazine->count++] = block;
    }
    if (magazine->count)
        return;
    hak_remote_tend();
    base_t *blocks = magazine->blocks;
    unsigned taken = hak_slab_take(hak_thread.heap, class_index, blocks, wanted);
    for (unsigned i = 0; i < taken; i++)
        hop(HAK_MAGAZINE_FILL, blocks[i], class_index);
    /* Lowest address on top. */
    for (unsigned low = 0, high = taken; low + 1 < high; low++) {
        base_t block = blocks[--high];
        blocks[high] = blocks[low];
        blocks[low] = block;
    }
    magazine->count = taken;
}

void magazine_flush(unsigned class_index) {
    struct hak_magazine *magazine = hak_magazine_of(class_index);
    uint32_t moved = (magazine->count + 1) / 2;
    for (uint32_t i = 0; i < moved; i++)
        sll_push(magazine->blocks[i], class_index);
    magazine->count -= moved;
    for (uint32_t i = 0; i < magazine->count; i++)
        magazine->blocks[i] = magazine->blocks[i + moved];
    if (magazine->list.count > hak_options.sll_capacity)
        sll_spill(class_index, (uint32_t)hak_options.sll_capacity / 2);
}

static void spill_magazine(struct hak_magazine *magazine, unsigned class_index) {
    while (magazine->count) {
        base_t block = magazine->blocks[--magazine->count];
        hop(HAK_MAGAZINE_SPILL, block, class_index);
        hak_slab_give(hak_thread.heap, block);
    }
}

void hak_magazines_empty_left(struct hak_heap *heap) {
    struct hak_front *front = heap->front_block;
    for (unsigned c = 0; front->magazines && c < HAK_MAGAZINE_CLASSES; c++) {
        struct hak_magazine *magazine = &front->magazines[c];
        sll_give_left(&magazine->list, heap, c);
        for (uint32_t i = 0; i < magazine->count && i < magazine->capacity; i++)
            hak_slab_give_left(heap, magazine->blocks[i], c);
        magazine->count = 0;
    }
}

void hak_magazines_empty(void) {
    for (unsigned c = 0; c < HAK_MAGAZINE_CLASSES; c++) {
        spill_magazine(hak_magazine_of(c), c);
        sll_spill(c, 0);
    }
}
