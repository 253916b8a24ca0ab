/* The less common places that a pointer of ours can point to: large blocks, slabs given back. */
#include "guard/locate/locate.h"

#include "border.h"
#include "platform/platform.h"

enum { PAGES_BEFORE = 64 }; /* alignments up to 256 KiB */

/* Finds the large block that has `p`: one that starts at its page or shortly before, as an aligned
 * block of layout header begins some pages behind its base. The next block before it is the only
 * one that can cover it. */
bool hak_locate_large(const void *p, struct hak_located *at) {
    const char *page = (const char *)((uintptr_t)p & ~(uintptr_t)(HAK_PAGE_BYTES - 1));
    struct hak_large *large = NULL;
    for (unsigned pages = 0; pages <= PAGES_BEFORE && !large; pages++)
        large = hak_large_find(page - pages * HAK_PAGE_BYTES);
    if (HAK_UNLIKELY(!large))
        large = hak_large_containing(p);
    else if (HAK_UNLIKELY((uintptr_t)p - base_address(large->base) >= large->mapped_bytes))
        large = NULL;
    if (large)
        *at = hak_located_as_large(large);
    return large != NULL;
}

bool hak_locate_former_slot(const void *p, struct hak_located *at) {
    const struct hak_slab *slab = &at->superslab->slabs[hak_slab_index_of(p)];
    return slab->epoch != 0 && hak_locate_in_slab(p, slab->class_index, at);
}

bool (*hak_layer_keeps)(const void *p);

bool hak_is_kept(const void *p) {
    return hak_layer_keeps && hak_layer_keeps(p);
}
