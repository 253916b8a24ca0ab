/* Level light with memory tags: gives pointers their tags on the way to the program, and compares
 * and takes them off on the way back (slab/tags.h, large/tags.h). A guarded block has the tag that
 * the checks' half gave it. Those of other allocators and large ones without a place in L2.5 have
 * none. */
#include "entry/plain/way.h"
#include "large/tags.h"
#include "platform/tags.h"
#include "slab/tags.h"

/* The tag of the block that starts at `base`; 0: it has none. */
static unsigned tag_of(char *base) {
    if (hak_bench_fast_holds(base))
        return 0;
    if (hak_light_covers(base))
        return hak_light_tag_of(base);
    if (hak_registry_owner(base) != HAK_OWNER_NOBODY)
        return hak_slab_tag_of(base, hak_class_bytes(hak_front_class_of(base_from(base))));
    const struct hak_large *large = hak_large_find(base);
    return large ? hak_large_tag_of(large) : 0;
}

void *hak_entry_tagged(void *user) {
    if (!user)
        return NULL;
    char *base = hak_untagged(user);
    return (void *)((uintptr_t)base | (uintptr_t)tag_of(base) << HAK_TAG_SHIFT);
}

void *hak_entry_tagged_in_place(void *pointer, size_t old_bytes) {
    char *base = hak_untagged(pointer);
    unsigned tag = hak_tag_of_pointer(pointer);
    const struct hak_large *large =
        hak_registry_owner(base) == HAK_OWNER_NOBODY ? hak_large_find(base) : NULL;
    if (tag == 0 || !hak_tags_are_given())
        return hak_entry_tagged(base);
    if (!large || !large->chunk || large->mapped_bytes <= old_bytes)
        return pointer;
    hak_large_tag_grown(large, old_bytes, tag);
    return (void *)((uintptr_t)base | (uintptr_t)hak_tag_at(base) << HAK_TAG_SHIFT);
}

void *hak_entry_serve_tagged(struct hak_hand_out *how, bool was_counted) {
    (void)hak_tags_begin_own();
    if (HAK_UNLIKELY(!hak_tags_are_given()))
        hak_check_tags_stopped();
    bool is_due = was_counted ? hak_entry_was_due() : hak_entry_is_due();
    void *user = is_due ? hak_entry_allocate_due(how) : hak_entry_allocate(how);
    user = hak_entry_tagged(user);
    hak_tags_end_own(0);
    return user;
}

/* Whether `base` is the start of a slot, or of a large block that the program has, and has tags. */
static bool has_tag(char *base) {
    if (hak_bench_fast_holds(base))
        return false;
    if (hak_registry_owner(base) == HAK_OWNER_NOBODY) {
        const struct hak_large *large = hak_large_find(base);
        return large && large->chunk && hak_large_is_live(large);
    }
    unsigned class_index = hak_front_class_of(base_from(base));
    return class_index < HAK_CLASSES && hak_is_slot_start(base, class_index);
}

void *hak_entry_check_tag(void *pointer) {
    char *base = hak_untagged(pointer);
    unsigned tag = hak_tag_of_pointer(pointer);
    bool is_guarded = tag != 0 && hak_light_covers(base);
    if (tag == 0 || !hak_tags_are_given() || (!is_guarded && !has_tag(base)))
        return base;
    unsigned due = is_guarded ? hak_light_tag_of(base) : hak_tag_at(base);
    if (HAK_LIKELY(tag == due) || due == 0)
        return base;
    hak_light_blame("double-free", base);
    return NULL;
}

void hak_entry_leave_tag(void *base) {
    if (!has_tag(base))
        return;
    if (hak_registry_owner(base) == HAK_OWNER_NOBODY)
        hak_large_tag_next(hak_large_find(base));
    else
        hak_slab_tag_next(base, hak_class_bytes(hak_front_class_of(base_from(base))));
}

void hak_entry_free_tagged(void *pointer, enum hak_given by) {
    (void)hak_tags_begin_own();
    void *base = pointer ? hak_entry_check_tag(pointer) : NULL;
    if (base) {
        hak_entry_leave_tag(base);
        hak_entry_free_untagged(base, by);
    }
    hak_tags_end_own(0);
}
