/* The door of the room of memory tags: the tags of blocks, where the processor has them
 * (platform/tags.h). Here those of a slot's memory; large.c has those of large blocks, tags.c tells
 * the block that an access meant.
 *
 *   live    | header | bytes asked, to 16 | canary |
 *             0        t                    0            t of 1 to 15
 *   freed   | header | ............................ |
 *             0        t + 1, and 1 after 15
 *
 * malloc takes the tag that it finds: so a pointer of one of the last 14 lives has another one, and
 * the difference tells how many lives ago its block was freed. A block of 0 bytes has the next
 * life's tag already, which its pointer has not. The first life's tag comes of the address, and the
 * life's of a slot whose page the kernel has dropped of the number of its frees.
 *
 * The caller has the slot, its pages are open, and the calling thread is deaf. No lock. The room
 * may call guard/locate, large_map and the platform; it judges, and guard reports. */
#ifndef HAK_GUARD_TAGS_TAGS_H
#define HAK_GUARD_TAGS_TAGS_H

#include "fault_codes.h"
#include "guard/locate/locate.h"
#include "memory_tags.h"
#include "platform/tags.h"
#include "trace/pattern.h"

/* Frees of a slot, modulo HAK_PATTERN_LIVES, by how its state keeps them. */
HAK_IN_PLACE unsigned hak_tag_frees(unsigned lives) {
    return (lives & 3) | (lives >> 2 & ~3u);
}

/* The tag that the slot's memory has, or had, in the life that its state tells of, if there were
 * not more than HAK_PATTERN_LIVES of them. */
HAK_IN_PLACE unsigned hak_tag_due(const char *base, unsigned lives) {
    unsigned of_place = (unsigned)((uintptr_t)base / HAK_TAG_GRANULE * 0x9e3779b1u >> 16);
    return hak_tag_after(of_place % HAK_TAG_CYCLE + 1, hak_tag_frees(lives));
}

HAK_IN_PLACE char *hak_tags_end_of(char *user, size_t asked_bytes) {
    return user + (asked_bytes + HAK_TAG_GRANULE - 1) / HAK_TAG_GRANULE * HAK_TAG_GRANULE;
}

/* How a slot is tagged: */
struct hak_tags_how {
    bool has_lived; /* in its slab */
    bool is_zeroed; /* next, by calloc: hak_tags_zero writes the tag */
};

/* Tags the memory of a slot that is being handed out, or whose block was resized in place. Once
 * tags are no longer given, its pointer has none: so has its memory, which other threads and the
 * kernel may still compare. */
HAK_IN_PLACE void hak_tags_hand_out(char *base, size_t slot_bytes, char *user, size_t asked_bytes,
                                    unsigned tag, bool stands, bool is_zeroed) {
    char *end = base + slot_bytes, *behind = hak_tags_end_of(user, asked_bytes);
    if (HAK_UNLIKELY(!hak_tags_are_given())) {
        hak_tag_memory(base, end, 0);
        return;
    }
    if (!stands) {
        hak_tag_memory(base, user, 0);
        hak_tag_memory(user, is_zeroed && behind != user ? user + HAK_TAG_GRANULE : behind, tag);
    }
    if (!stands && is_zeroed && behind - user > HAK_TAG_GRANULE)
        hak_tag_memory(behind - HAK_TAG_GRANULE, behind, 0);
    if (HAK_UNLIKELY(behind == user)) {
        behind += HAK_TAG_GRANULE;
        hak_tag_memory(user, behind, hak_tag_after(tag, 1));
    }
    hak_tag_memory(behind, end, 0);
}

/* The same of a slot by its state. */
HAK_IN_PLACE void hak_tags_take(char *base, size_t slot_bytes, char *user, size_t asked_bytes,
                                unsigned lives, struct hak_tags_how how) {
    unsigned found = hak_tag_at(base + HAK_HEADER_BYTES);
    bool stands =
        how.has_lived && hak_tags_stand(base + HAK_HEADER_BYTES, base + slot_bytes, found);
    unsigned tag = stands ? found : hak_tag_due(base, lives);
    hak_tags_hand_out(base, slot_bytes, user, asked_bytes, tag,
                      stands && user == base + HAK_HEADER_BYTES, how.is_zeroed);
}

/* Tags the memory of a slot whose block has just left the program; `lives` counts that. */
HAK_IN_PLACE void hak_tags_give(char *base, size_t slot_bytes, const char *user, size_t asked_bytes,
                                unsigned lives) {
    unsigned tag = hak_tag_of_live(user, asked_bytes);
    tag = HAK_LIKELY(tag != 0) ? hak_tag_after(tag, 1) : hak_tag_due(base, lives);
    hak_tag_memory(base + HAK_HEADER_BYTES, base + slot_bytes, tag);
}

/* tags.c: the tag of a pointer that the program gives back. */
enum hak_tag_verdict {
    HAK_TAG_FITS,    /* it is its block's, or nothing speaks against it */
    HAK_TAG_WRONG,   /* it is of another life than the live block at whose start it points: `at` */
    HAK_TAG_FOREIGN, /* no block of ours is or was there: another allocator may use it */
};
HAK_HIDDEN enum hak_tag_verdict hak_tags_judge(const void *pointer, struct hak_located *at);

/* tags.c: the block that an access at `address` by the wrong tag `tag` meant, and the fault; 0: not
 * known. A large block that was freed is copied to `former`. In the handler of a crash: no lock, no
 * allocation. */
HAK_HIDDEN enum hak_fault_code hak_tags_find(uintptr_t address, unsigned tag,
                                             struct hak_large *former, struct hak_located *found);
/* How many lives ago the slot had the tag; 0: it never had it, or that is not known. */
HAK_HIDDEN unsigned hak_tags_lives_ago(const struct hak_located *at, unsigned tag);
/* Whether it may go on (trace.h). `registers`: the pointers that it may have come by, `count` of
 * them. */
HAK_HIDDEN bool hak_tags_allow(uintptr_t address, unsigned tag, const uint64_t *registers,
                               unsigned count);

/* large.c: the same of a large block that is handed out, or was resized in place. */
HAK_HIDDEN HAK_COLD void hak_tags_take_large(const struct hak_located *at);
HAK_HIDDEN HAK_COLD void hak_tags_resize_large(const struct hak_located *at, size_t old_bytes);
/* Those of hak_tags_find where the address is in no SuperSlab. */
HAK_HIDDEN enum hak_fault_code hak_tags_find_large(uintptr_t address, unsigned tag,
                                                   struct hak_large *former,
                                                   struct hak_located *found);
/* A freed block without a tag lay at the address. */
HAK_HIDDEN bool hak_tags_are_of_former(uintptr_t address);

/* The same of what is located. */
static inline void hak_tags_take_located(const struct hak_located *at, struct hak_tags_how how) {
    if (hak_tags_are_known() && at->large)
        hak_tags_take_large(at);
    else if (hak_tags_are_known())
        hak_tags_take(at->base, at->slot_bytes, hak_user_in(at), hak_asked_bytes_of(at),
                      at->slot->lives, how);
}
static inline void hak_tags_give_located(const struct hak_located *at) {
    if (hak_tags_are_given() && at->superslab)
        hak_tags_give(at->base, at->slot_bytes, hak_user_in(at), hak_asked_bytes_of(at),
                      at->slot->lives);
}
static inline void hak_tags_resize_located(const struct hak_located *at, size_t old_bytes) {
    if (hak_tags_are_known() && at->large) {
        hak_tags_resize_large(at, old_bytes);
    } else if (hak_tags_are_known()) {
        unsigned tag = hak_tag_of_live(hak_user_in(at), old_bytes);
        hak_tags_hand_out(at->base, at->slot_bytes, hak_user_in(at), hak_asked_bytes_of(at), tag,
                          false, false);
    }
}

#endif
