/* Writes the memory tags of slots in level light. */
#include "slab/tags.h"

#include "slab/lists.h"

/* Even slots have even tags. The place chooses one of them, so that a stray pointer into another
 * slot seldom has it. */
static unsigned first_tag(const char *base, size_t slot_bytes) {
    enum { KINDS = HAK_TAGS / 2 - 1 };
    size_t offset = (uintptr_t)base & (HAK_SLAB_BYTES - 1);
    unsigned of_place = (unsigned)((uintptr_t)base / HAK_TAG_GRANULE * 0x9e3779b1u >> 16);
    return 2 + of_place % KINDS * 2 - offset / slot_bytes % 2;
}

/* The bitmap in front of the first slot has tag 0, and so has the rest behind the last. */
void hak_slab_tag_carved(const struct hak_slab *slab, unsigned first, unsigned count) {
    size_t slot_bytes = slab->slot_bytes;
    char *start = hak_slab_start(slab), *slots = start + slab->first_slot * slot_bytes;
    char *base = slots + first * slot_bytes, *end = slots + slab->capacity * slot_bytes;
    if (slot_bytes % HAK_TAG_GRANULE != 0) /* no block of the program */
        return;
    if (first == 0)
        hak_tag_memory(start, slots, 0);
    for (unsigned i = 0; i < count; i++, base += slot_bytes)
        hak_tag_memory(base, base + slot_bytes,
                       hak_tags_are_given() ? first_tag(base, slot_bytes) : 0);
    if (first + count == slab->capacity)
        hak_tag_memory(end, start + HAK_SLAB_BYTES, 0);
}

unsigned hak_slab_tag_of(char *base, size_t slot_bytes) {
    unsigned tag = hak_tag_at(base);
    if (HAK_LIKELY(hak_tags_are_given()) &&
        HAK_LIKELY(hak_tags_stand(base, base + slot_bytes, tag)))
        return tag;
    if (!hak_tags_are_given())
        tag = 0;
    else if (tag == 0)
        tag = first_tag(base, slot_bytes);
    hak_tag_memory(base, base + slot_bytes, tag);
    return hak_tag_at(base); /* 0 where the kernel has refused */
}

void hak_slab_tag_next(char *base, size_t slot_bytes) {
    unsigned tag = hak_slab_tag_of(base, slot_bytes);
    if (tag != 0)
        hak_tag_memory(base, base + slot_bytes, hak_slab_tag_after(tag));
}
