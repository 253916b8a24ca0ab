/* Memory tags (Arm's MTE) as the debug library uses them: whether there are any, memory for them,
 * and the way between the program's pointers and ours.
 *
 *   63      60 | 59 .. 56 | 55 ............................ 0
 *   0          | tag      | address: the only part that hakmem's own structures know
 *
 * The program's accesses are compared, hakmem's own are not: from hak_tags_deafen to hak_tags_ear a
 * thread is deaf. A signal handler begins with open ears, whatever it interrupted, and the return
 * from it restores. Memory that is not mapped for tags has tag 0, and so have pointers to it.
 *
 * docs/specs/tags.md says which block has which tag. Thread and signal safety: no lock, no
 * allocation, errno is kept. */
#ifndef HAK_PLATFORM_TAGS_H
#define HAK_PLATFORM_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "platform/raw_call.h"
#include HAK_ARCH_FILE(tags.h)

/* The option's choices in its order (options.def). */
enum hak_tags_way {
    HAK_TAGS_WAY_AUTO,
    HAK_TAGS_WAY_OFF,
    HAK_TAGS_WAY_SYNC,
    HAK_TAGS_WAY_ASYNC,
    HAK_TAGS_WAY_ASYMM
};

/* Of the process; defined where an architecture has tags. */
HAK_HIDDEN extern struct hak_tags hak_tags;

static inline bool hak_tags_are_known(void) {
    return HAK_HAS_TAGS && hak_is_debug_build && HAK_UNLIKELY(hak_tags.are_known);
}
static inline bool hak_tags_are_given(void) {
    return HAK_HAS_TAGS && hak_is_debug_build && HAK_UNLIKELY(hak_tags.are_given);
}

/* Has accesses of the calling thread compared, and of those that it will create; 0: not. */
static inline bool hak_tags_compare(int how) {
    return hak_raw_call(SYS_prctl, HAK_TAGS_SET_CONTROL, HAK_TAGS_ADDRESSES | how, 0, 0, 0) == 0;
}

/* Before the first block and the first thread. Nothing where the processor or the kernel has no
 * tags. */
static inline void hak_tags_start(enum hak_tags_way way) {
    static const int ways[] = {HAK_TAGS_SYNC, 0, HAK_TAGS_SYNC, HAK_TAGS_ASYNC,
                               HAK_TAGS_SYNC | HAK_TAGS_ASYNC};
    if (HAK_HAS_TAGS && way != HAK_TAGS_WAY_OFF && hak_tags_offered() &&
        (way != HAK_TAGS_WAY_AUTO || !hak_tags_are_emulated()) && hak_tags_compare(ways[way]))
        hak_tags.are_known = hak_tags.are_given = true;
}

/* The program uses these bits itself: accesses of the calling thread are compared no more, those of
 * others when they come here, and new blocks get no tags. */
static inline void hak_tags_stop(void) {
    if (hak_tags_are_known()) {
        __atomic_store_n(&hak_tags.are_given, false, __ATOMIC_RELAXED);
        (void)hak_tags_compare(0);
    }
}

/* Makes whole writable pages fit for tags, all 0 at first. Without effect where that fails. */
static inline void hak_tags_fit(void *start, size_t bytes) {
    if (hak_tags_are_given())
        (void)hak_raw_call(SYS_mprotect, start, bytes,
                           PROT_READ | PROT_WRITE | HAK_TAGS_PROTECTION);
}

/* Blocks have tags 1 to 15, each life of a slot the next one. */
enum { HAK_TAG_CYCLE = HAK_TAGS - 1 };

HAK_IN_PLACE unsigned hak_tag_after(unsigned tag, unsigned lives) {
    return (tag - 1 + lives) % HAK_TAG_CYCLE + 1;
}

/* How many lives ago the tag was that of a slot which has the tag `now`; 0: it is the same. */
HAK_IN_PLACE unsigned hak_tag_lives_ago(unsigned tag, unsigned now) {
    return (now + HAK_TAG_CYCLE - tag) % HAK_TAG_CYCLE;
}

static inline unsigned hak_tag_of_pointer(const void *p) {
    return (unsigned)((uintptr_t)p >> HAK_TAG_SHIFT) % HAK_TAGS;
}

/* The address alone. */
static inline void *hak_untagged(const void *p) {
    uintptr_t tag = (uintptr_t)(HAK_TAGS - 1) << HAK_TAG_SHIFT;
    return (void *)(hak_tags_are_known() ? (uintptr_t)p & ~tag : (uintptr_t)p);
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
