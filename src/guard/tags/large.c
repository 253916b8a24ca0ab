/* The tags of large blocks (tags.h), each of which is a mapping of its own in level normal.
 *
 *   up to HAK_TAGS_WHOLE_BYTES   | header | bytes asked, to 16 | 16 bytes or more |
 *                                  0        t                    0
 *   longer                       | header | bytes asked, to 16 | 16 bytes or more |
 *                                  B        0                    B
 *
 * A longer block's memory comes when it is touched, and a tag would touch it: so its pointer has
 * none, and its borders have. A freed block is unmapped, or its pages are closed: memory that comes
 * to its place later has tag 0. Its tag is remembered (locate/former.c), and the next block at the
 * place gets another one. Guarded blocks have a tag, too: their pages hold nothing else. */
#include "guard/tags/tags.h"

#include "platform/platform.h"

enum { TAG_OF_BORDER = 8 };

static char *pages_end(const struct hak_located *at) {
    return at->base + at->slot_bytes;
}

static char *page_of(const char *p) {
    return (char *)((uintptr_t)p & ~(uintptr_t)(HAK_PAGE_BYTES - 1));
}
static char *page_behind(const char *p) {
    return page_of(p + HAK_PAGE_BYTES - 1);
}

/* The end of the border that begins at `behind`: as far as the canary, since pages behind it may
 * have been given up. */
static char *border_end(const struct hak_located *at, char *behind) {
    return pages_end(at) - behind > HAK_CANARY_MAX_BYTES ? behind + HAK_CANARY_MAX_BYTES
                                                         : pages_end(at);
}

static void tag_border_behind(const struct hak_located *at, char *behind, unsigned tag) {
    if (behind < pages_end(at))
        hak_tag_memory(behind, border_end(at, behind), tag);
}

/* The next life's tag of the block that lay at this place before; else any other than those of the
 * blocks that lay in these pages. */
static unsigned choose_tag(const struct hak_located *at) {
    static _Atomic unsigned next;
    struct hak_large former;
    unsigned taken = hak_recall_tags(at->base, at->slot_bytes), tag;
    if (hak_recall_large(hak_user_in(at), &former) && former.tag != 0)
        tag = hak_tag_after(former.tag, 1);
    else
        tag = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % HAK_TAG_CYCLE + 1;
    for (unsigned i = 0; i < HAK_TAG_CYCLE && (taken >> tag & 1); i++)
        tag = hak_tag_after(tag, 1);
    return tag;
}

static void tag_all(const struct hak_located *at, unsigned tag) {
    char *user = hak_user_in(at), *behind = hak_tags_end_of(user, hak_asked_bytes_of(at));
    hak_tag_memory(user, behind, tag);
    if (behind == user) {
        behind += HAK_TAG_GRANULE;
        hak_tag_memory(user, behind, hak_tag_after(tag, 1));
    }
    tag_border_behind(at, behind, 0);
}

/* Tags [start, end), which can be written. Where the kernel takes no tag yet, or no longer (of
 * qemu-user, after mremap), that page alone is made fit: the others keep what the program made of
 * them. */
static void tag_where_needed(char *start, char *end, unsigned tag) {
    for (char *next; start < end; start = next) {
        next = page_of(start) + HAK_PAGE_BYTES;
        next = next < end ? next : end;
        hak_tag_memory(start, next, tag);
        if (HAK_LIKELY(hak_tag_at(start) == tag))
            continue;
        hak_tags_fit(page_of(start), HAK_PAGE_BYTES);
        hak_tag_memory(start, next, tag);
    }
}

static void tag_borders(const struct hak_located *at, size_t asked_bytes, unsigned tag) {
    char *user = hak_user_in(at), *behind = hak_tags_end_of(user, asked_bytes);
    tag_where_needed(user - HAK_HEADER_BYTES, user, tag);
    if (behind < pages_end(at))
        tag_where_needed(behind, border_end(at, behind), tag);
}

/* A guarded block lies at any even address, and its pages have nothing else but its header. Its
 * slot keeps the tag for the next life. */
static void take_guarded(const struct hak_located *at, unsigned former_tag) {
    size_t asked_bytes = hak_asked_bytes_of(at);
    uintptr_t user = (uintptr_t)hak_user_in(at), of_place = (uintptr_t)at->base / HAK_PAGE_BYTES;
    char *start = (char *)(user / HAK_TAG_GRANULE * HAK_TAG_GRANULE);
    unsigned tag =
        former_tag != 0 ? hak_tag_after(former_tag, 1) : 1 + (unsigned)(of_place % HAK_TAG_CYCLE);
    if (asked_bytes > HAK_TAGS_WHOLE_BYTES)
        return;
    hak_tags_fit(at->base, at->slot_bytes);
    if (asked_bytes != 0)
        hak_tag_memory(start, hak_tags_end_of(start, user + asked_bytes - (uintptr_t)start), tag);
    else
        hak_tag_memory(start, start + HAK_TAG_GRANULE, hak_tag_after(tag, 1));
    at->large->tag = (uint8_t)hak_tag_of_live((char *)user, asked_bytes); /* 0: refused */
}

void hak_tags_take_large(const struct hak_located *at) {
    size_t asked_bytes = hak_asked_bytes_of(at);
    unsigned former_tag = at->large->tag;
    at->large->tag = 0;
    if (!hak_tags_are_given())
        return;
    if (hak_is_guarded(at)) {
        take_guarded(at, former_tag);
        return;
    }
    hak_tags_fit(at->base, at->slot_bytes);
    if (asked_bytes <= HAK_TAGS_WHOLE_BYTES) {
        tag_all(at, choose_tag(at));
        at->large->tag = (uint8_t)hak_tag_of_live(hak_user_in(at), asked_bytes); /* 0: refused */
    } else {
        tag_borders(at, asked_bytes, TAG_OF_BORDER);
    }
}

/* Tags what a block that has its tag has more, and takes it off what it has less. */
static void tag_change(const struct hak_located *at, size_t old_bytes, unsigned tag) {
    char *user = hak_user_in(at), *behind = hak_tags_end_of(user, hak_asked_bytes_of(at));
    char *before = hak_tags_end_of(user, old_bytes), *least = behind < before ? behind : before;
    hak_tag_memory(least, behind, tag);
    if (behind < before)
        hak_tag_memory(behind, before < pages_end(at) ? before : pages_end(at), 0);
    tag_border_behind(at, behind, 0);
}

/* Has the pages that a block of `old_bytes` had not made fit for tags. */
static void fit_more(const struct hak_located *at, size_t old_bytes) {
    char *user = hak_user_in(at), *behind = hak_tags_end_of(user, hak_asked_bytes_of(at));
    char *start = page_behind(hak_tags_end_of(user, old_bytes));
    char *end = behind < pages_end(at) ? page_behind(border_end(at, behind)) : pages_end(at);
    if (start < end)
        hak_tags_fit(start, (size_t)(end - start));
}

/* Tags the block anew where the system has dropped the tags of all pages. Those that the program
 * has closed stay so, without a tag. */
static void tag_open_pages(const struct hak_located *at, unsigned tag) {
    char *start = hak_user_in(at), *behind = hak_tags_end_of(start, hak_asked_bytes_of(at));
    for (char *next; start < behind; start = next) {
        next = page_of(start) + HAK_PAGE_BYTES;
        next = next < behind ? next : behind;
        if (hak_raw_writable((uintptr_t)start & ~(uintptr_t)3))
            tag_where_needed(start, next, tag);
    }
}

void hak_tags_resize_large(const struct hak_located *at, size_t old_bytes) {
    size_t asked_bytes = hak_asked_bytes_of(at);
    unsigned tag = at->large->tag;
    if (hak_is_guarded(at))
        return;
    if (!hak_tags_are_given()) { /* as of a slot */
        if (tag != 0)
            hak_tag_memory(at->base, pages_end(at), 0);
        at->large->tag = 0;
        return;
    }
    fit_more(at, old_bytes);
    if (tag == 0) {
        tag_borders(at, old_bytes, 0);
        tag_borders(at, asked_bytes, TAG_OF_BORDER);
    } else if (asked_bytes == 0 || old_bytes == 0) {
        tag_all(at, tag);
    } else if (hak_tag_at(hak_user_in(at)) != tag) {
        tag_open_pages(at, tag);
    } else {
        tag_change(at, old_bytes, tag);
    }
}

/* ---- accesses ----------------------------------------------------------------------------------
 */

static bool is_live_large(const struct hak_large *large) {
    return large && large->slot.place == HAK_PLACE_LIVE && !large->slot.is_changing;
}

/* A live block whose mapping begins or ends where that of `at` ends or begins, and that has the
 * tag. */
static enum hak_fault_code find_large_beside(const struct hak_located *at, unsigned tag,
                                             struct hak_located *found) {
    struct hak_large *front = hak_large_containing(at->base - 1),
                     *behind = hak_large_find(pages_end(at));
    if (is_live_large(front) && front->tag == tag) {
        *found = hak_located_as_large(front);
        return HAK_FAULT_HEAP_BUFFER_OVERFLOW;
    }
    if (!is_live_large(behind) || behind->tag != tag)
        return (enum hak_fault_code)0;
    *found = hak_located_as_large(behind);
    return HAK_FAULT_HEAP_BUFFER_UNDERFLOW;
}

enum hak_fault_code hak_tags_find_large(uintptr_t address, unsigned tag, struct hak_large *former,
                                        struct hak_located *found) {
    struct hak_located at;
    enum hak_fault_code fault = (enum hak_fault_code)0;
    if (!hak_locate_large((const void *)address, &at))
        return fault;
    *found = at;
    size_t offset = address - (uintptr_t)hak_user_in(&at);
    bool is_inside = offset < hak_asked_bytes_of(&at);
    if (!is_inside && at.large->tag == tag)
        return offset > at.slot_bytes ? HAK_FAULT_HEAP_BUFFER_UNDERFLOW
                                      : HAK_FAULT_HEAP_BUFFER_OVERFLOW;
    if (!is_inside)
        fault = find_large_beside(&at, tag, found);
    if (fault == 0 && hak_recall_large_tagged(address, tag, former)) {
        *found = hak_located_as_large(former);
        fault = HAK_FAULT_USE_AFTER_FREE;
    }
    if (fault == 0)
        fault = find_large_beside(&at, tag, found);
    return fault != 0 ? fault : HAK_FAULT_USE_AFTER_FREE;
}

/* A longer block has no tag, as pointers of a program that keeps tags of its own: a block that was
 * freed at the place tells them apart. */
bool hak_tags_are_of_former(uintptr_t address) {
    struct hak_large former;
    return hak_recall_large_tagged(address, 0, &former);
}
