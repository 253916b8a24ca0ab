/* Memory tags of slots in level light (light.h), whose blocks have nothing around them:
 *
 *   slot      0            1            2            3
 *   | 2, 4, .. or 14 | 1, 3, .. or 15 | 2, 4, .. or 14 | ...
 *
 * All of a slot has one tag. So has no neighbour, and each free gives it the next one of its kind:
 * the last 6 lives had others. A slot gets its first tag when it is carved, and where the kernel
 * has dropped a page of it.
 *
 * The caller has the slot, and the calling thread is deaf (memory_tags.h). No lock. */
#ifndef HAK_SLAB_TAGS_H
#define HAK_SLAB_TAGS_H

#include "memory_tags.h"
#include "superslab.h"

/* The tag behind `tag` of a slot in level light. */
HAK_IN_PLACE unsigned hak_slab_tag_after(unsigned tag) {
    return tag + 2 < HAK_TAGS ? tag + 2 : tag % 2 == 0 ? 2 : 1;
}

/* How many lives ago the slot, which has the tag `now`, had another one; 0: never. */
HAK_IN_PLACE unsigned hak_slab_tag_lives_ago(unsigned tag, unsigned now) {
    unsigned ago = 0;
    if (tag == 0 || now == 0 || tag == now || tag % 2 != now % 2)
        return 0;
    for (; tag != now; ago++)
        tag = hak_slab_tag_after(tag);
    return ago;
}

/* Tags slots that are handed out for the first time in their slab: `count` of them from `first` on.
 */
HAK_HIDDEN void hak_slab_tag_carved(const struct hak_slab *slab, unsigned first, unsigned count);

/* The tag of a slot that goes to the program, or that it has; 0: tags are given no more. */
HAK_HIDDEN unsigned hak_slab_tag_of(char *base, size_t slot_bytes);

/* Gives a slot that the program gives back its next tag. */
HAK_HIDDEN void hak_slab_tag_next(char *base, size_t slot_bytes);

#endif
