/* The less common places that a pointer of ours can point to: large blocks, slabs given back. */
#include "guard/locate.h"

#include "platform/platform.h"

void hak_locate_as_large(struct hak_large *large, struct hak_located *at) {
    *at = (struct hak_located){
        .slot = &large->slot,
        .base = large->base.p,
        .slot_bytes = large->mapped_bytes,
        .large = large,
        .epoch = large->epoch,
        .class_index = HAK_CLASS_NONE,
    };
}

bool hak_locate_large(const void *p, struct hak_located *at) {
    const void *page = (const void *)((uintptr_t)p & ~(uintptr_t)(HAK_PAGE_BYTES - 1));
    struct hak_large *large = hak_large_find(page);
    if (HAK_UNLIKELY(!large))
        large = hak_large_containing(p);
    if (large)
        hak_locate_as_large(large, at);
    return large != NULL;
}

bool hak_locate_former_slot(const void *p, struct hak_located *at) {
    const struct hak_slab *slab = &at->superslab->slabs[hak_slab_index_of(p)];
    return slab->epoch != 0 && hak_locate_in_slab(p, slab->class_index, at);
}
