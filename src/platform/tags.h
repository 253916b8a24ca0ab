/* Switches memory tags on for the process, and off, and has memory mapped for them.
 *
 * Thread and signal safety: no lock, no allocation, errno is kept. */
#ifndef HAK_PLATFORM_TAGS_H
#define HAK_PLATFORM_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include "memory_tags.h"
#include "platform/raw_call.h"

/* The option's choices in its order (options.def). */
enum hak_tags_way {
    HAK_TAGS_WAY_AUTO,
    HAK_TAGS_WAY_OFF,
    HAK_TAGS_WAY_SYNC,
    HAK_TAGS_WAY_ASYNC,
    HAK_TAGS_WAY_ASYMM
};

/* Has accesses of the calling thread compared, and of those that it will create; 0: not. */
static inline bool hak_tags_compare(int how) {
    return hak_raw_call(SYS_prctl, HAK_TAGS_SET_CONTROL, HAK_TAGS_ADDRESSES | how, 0, 0, 0) == 0;
}

/* Before the first block and the first thread. Returns the way in which accesses are compared from
 * here on: OFF where the processor or the kernel has no tags, SYNC where it has no ASYMM. */
HAK_HIDDEN enum hak_tags_way hak_tags_start(enum hak_tags_way way);

/* The program uses these bits itself: accesses of the calling thread are compared no more, those of
 * others when they come here, and new blocks get no tags. */
static inline void hak_tags_stop(void) {
    if (hak_tags_are_known()) {
        __atomic_store_n(&hak_tags.are_given, false, __ATOMIC_RELAXED);
        (void)hak_tags_compare(0);
    }
}

/* The kernel writes and reads for the calling thread as it would without tags, from here until
 * hak_tags_resume of the same frame or of one further out. Nothing where it does not compare, or
 * such a frame is there already. `frame`: an address in the stack's frame that makes the call. */
HAK_HIDDEN HAK_COLD void hak_tags_pause(uintptr_t frame);
HAK_HIDDEN void hak_tags_resume(uintptr_t frame);

/* Makes whole writable pages fit for tags, all 0 at first. Without effect where that fails. */
static inline void hak_tags_fit(void *start, size_t bytes) {
    if (hak_tags_are_given())
        (void)hak_raw_call(SYS_mprotect, start, bytes,
                           PROT_READ | PROT_WRITE | HAK_TAGS_PROTECTION);
}

/* The tag of the memory at `address`, which has none itself; HAK_TAGS: it cannot be read, as on a
 * page that the program closed. The kernel compares tags, too: so it is asked by each of them,
 * first by `likely`. */
static inline unsigned hak_tag_if_open(uintptr_t address, unsigned likely) {
    for (unsigned i = 0; i < HAK_TAGS; i++) {
        uintptr_t tag = (likely + i) % HAK_TAGS;
        if (hak_raw_readable((address & ~(uintptr_t)7) | tag << HAK_TAG_SHIFT))
            return hak_tag_at((const void *)address);
    }
    return HAK_TAGS;
}

/* The first granule with another tag than `tag` of what an access touches from `address` on, which
 * can be read: the processor may name the first byte of the access. `address` where all have it. */
static inline uintptr_t hak_tags_first_wrong(uintptr_t address, unsigned tag) {
    enum { GREATEST_ACCESS = 64 };
    for (uintptr_t at = address; at < address + GREATEST_ACCESS;
         at = (at | (HAK_TAG_GRANULE - 1)) + 1) {
        bool is_next_page = at != address && at % HAK_PAGE_BYTES_LEAST == 0;
        unsigned found = is_next_page ? hak_tag_if_open(at, tag) : hak_tag_at((const void *)at);
        if (found == HAK_TAGS)
            break;
        if (found != tag)
            return at;
    }
    return address;
}

#endif
