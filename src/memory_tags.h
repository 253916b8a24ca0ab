/* Memory tags (Arm's MTE) as the debug library uses them: whether there are any, and the way
 * between the program's pointers and ours.
 *
 *   63      60 | 59 .. 56 | 55 ............................ 0
 *   0          | tag      | address: the only part that hakmem's own structures know
 *
 * The program's accesses are compared, hakmem's own are not: from hak_tags_deafen to hak_tags_ear a
 * thread is deaf. A signal handler begins with open ears, whatever it interrupted, and the return
 * from it restores. Memory that is not mapped for tags has tag 0, and so have pointers to it.
 *
 * docs/specs/tags.md says which block has which tag; platform/tags.h has the switch. Thread and
 * signal safety: no lock, no allocation, errno is kept. */
#ifndef HAK_MEMORY_TAGS_H
#define HAK_MEMORY_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hop.h"
#include HAK_ARCH_FILE(tags.h)

/* Of the process; defined where an architecture has tags. */
HAK_HIDDEN extern struct hak_tags hak_tags;

enum { hak_may_have_tags = HAK_HAS_TAGS && (hak_is_debug_build || hak_is_light_build) };

static inline bool hak_tags_are_known(void) {
    return hak_may_have_tags && HAK_UNLIKELY(hak_tags.are_known);
}
static inline bool hak_tags_are_given(void) {
    return hak_may_have_tags && HAK_UNLIKELY(hak_tags.are_given);
}
/* In the plain allocator of level light, which gives its blocks tags itself (light_tags.h). */
static inline bool hak_light_has_tags(void) {
    return hak_is_light_build && hak_tags_are_known();
}

/* A longer block has a tag at its borders alone (guard/tags/large.c). */
enum { HAK_TAGS_WHOLE_BYTES = 1 << 20 };

/* Blocks have tags 1 to 15, each life of a slot the next one. */
enum { HAK_TAG_CYCLE = HAK_TAGS - 1 };

HAK_IN_PLACE unsigned hak_tag_after(unsigned tag, unsigned count) {
    return (tag - 1 + count) % HAK_TAG_CYCLE + 1;
}

/* How many lives ago the tag was that of a slot which has the tag `now`; 0: it is the same. */
HAK_IN_PLACE unsigned hak_tag_lives_ago(unsigned tag, unsigned now) {
    return (now + HAK_TAG_CYCLE - tag) % HAK_TAG_CYCLE;
}

/* The tag of the pointer to the live block whose memory has the tag `of_memory`, 0: it has none.
 * One of 0 bytes has the next life's in its memory already (guard/tags/tags.h). */
HAK_IN_PLACE unsigned hak_tag_by_memory(unsigned of_memory, size_t asked_bytes) {
    return HAK_LIKELY(asked_bytes != 0) || of_memory == 0
               ? of_memory
               : hak_tag_after(of_memory, HAK_TAG_CYCLE - 1);
}
HAK_IN_PLACE unsigned hak_tag_of_live(const char *user, size_t asked_bytes) {
    return hak_tag_by_memory(hak_tag_at(user), asked_bytes);
}

static inline unsigned hak_tag_of_pointer(const void *p) {
    return (unsigned)((uintptr_t)p >> HAK_TAG_SHIFT) % HAK_TAGS;
}

/* The address alone. */
static inline void *hak_untagged(const void *p) {
    uintptr_t tag = (uintptr_t)(HAK_TAGS - 1) << HAK_TAG_SHIFT;
    return (void *)(hak_tags_are_known() ? (uintptr_t)p & ~tag : (uintptr_t)p);
}

/* Whether all of [start, end), memory that had one tag, has it still: no page of it was dropped. */
HAK_IN_PLACE bool hak_tags_stand(const char *start, const char *end, unsigned tag) {
    bool stand = tag != 0 && hak_tag_at(end - HAK_TAG_GRANULE) == tag;
    for (const char *p = start; stand && end - p > (ptrdiff_t)HAK_PAGE_BYTES_LEAST;) {
        p += HAK_PAGE_BYTES_LEAST;
        stand = hak_tag_at(p) == tag;
    }
    return stand;
}

/* Zeroes a block for calloc, at its pointer. Where its tag does not stand yet, its last granule has
 * tag 0 (guard/tags.h): zeros and tags are written in one pass then. */
static inline void hak_tags_zero(char *user, size_t bytes) {
    enum { GRANULE = HAK_TAG_GRANULE };
    unsigned tag = hak_tag_of_pointer(user);
    char *start = hak_untagged(user), *behind = start + bytes / GRANULE * GRANULE;
    size_t rest = bytes % GRANULE;
    if (tag != 0 && bytes > GRANULE && hak_tag_at(start + bytes - 1) == 0) {
        hak_tag_zeros(start, behind, tag);
        if (rest != 0)
            hak_tag_memory(behind, behind + GRANULE, tag);
        user += bytes - rest;
        bytes = rest;
    }
    __builtin_memset(user, 0, bytes);
}

/* hak_tags_deafen and back, where there are tags. */
static inline uintptr_t hak_tags_begin_own(void) {
    return hak_tags_are_known() ? hak_tags_deafen() : 0;
}
static inline void hak_tags_end_own(uintptr_t before) {
    if (hak_tags_are_known())
        hak_tags_ear(before);
}

#endif
