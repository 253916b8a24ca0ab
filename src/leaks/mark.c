/* Marks the blocks that pointers lead to: from the roots, then from lost blocks.
 *
 * Lost blocks that hang on other lost ones are indirect leaks; of blocks that lead to each other in
 * a circle a large or guarded one, else the first by address, stands for all (cliques, as
 * Valgrind's memcheck has them). */
#include "leaks/leaks.h"

#include "check.h"
#include "options.h"
#include "platform/platform.h"

enum { KIND_BITS = 7 }; /* of hak_slot.subkind: the call that took the block */

/* The mark for blocks that are found. */
static enum hak_mark found_as;

static inline void push(struct hak_leak_scan *scan, uintptr_t user) {
    if (HAK_LIKELY(scan->work_count < scan->work_capacity))
        scan->work[scan->work_count++] = user;
    else
        scan->partial |= HAK_PARTIAL_MEMORY;
}

static void see(struct hak_leak_scan *scan, const struct hak_leak_block *block) {
    if (hak_mark_of(block) != HAK_MARK_UNSEEN)
        return;
    hak_set_mark(block, found_as);
    push(scan, block->user);
}

/* All of [start, end) can be read: the program may have closed pages of its blocks. */
static bool is_open(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    const struct hak_leak_area *area = scan->open_area;
    if (HAK_LIKELY(area && start >= area->start && end <= area->end))
        return true;
    area = hak_leak_area_of(scan, start);
    if (!area || start < area->start || end > area->end || !area->readable)
        return false;
    scan->open_area = area;
    return true;
}

/* new T[0] of a type with a destructor asks for a cookie of 8 bytes, which holds 0, and the program
 * has the address behind it. */
static bool find_empty_array(struct hak_leak_scan *scan, uintptr_t word, bool is_found,
                             struct hak_leak_block *block) {
    enum { COOKIE = sizeof(uintptr_t), ALIGNMENT = 16 };
    if ((hak_options.layout == HAK_LAYOUT_HEADER && word % ALIGNMENT != COOKIE) ||
        !hak_leak_find(&scan->index, word - COOKIE, block) || block->asked_bytes != COOKIE ||
        block->user != word - COOKIE || !is_open(scan, block->user, block->user + COOKIE) ||
        *(const uintptr_t *)block->user != 0)
        return false;
    return !is_found || (block->at.slot->subkind & KIND_BITS) == HAK_BY_NEW_ARRAY;
}

void hak_leak_mark_word(struct hak_leak_scan *scan, uintptr_t word) {
    struct hak_leak_block block;
    bool is_found = hak_leak_find(&scan->index, word, &block);
    if (is_found)
        see(scan, &block);
    if (HAK_UNLIKELY(find_empty_array(scan, word, is_found, &block)))
        see(scan, &block);
}

void hak_leak_mark_base(struct hak_leak_scan *scan, uintptr_t word) {
    struct hak_leak_block block;
    if (hak_leak_find_from_base(&scan->index, word, &block))
        see(scan, &block);
}

void hak_leak_mark_words(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    const uintptr_t *from = (const uintptr_t *)((start + 7) & ~(uintptr_t)7);
    const uintptr_t *to = (const uintptr_t *)(end & ~(uintptr_t)7);
    uintptr_t low = scan->index.low, span = scan->index.span;
    for (; from < to; from++)
        if (HAK_UNLIKELY(*from - low < span))
            hak_leak_mark_word(scan, *from);
}

static void leave_closed_out(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    scan->partial |= HAK_PARTIAL_CLOSED;
    scan->closed_bytes += end - start;
}

static void mark_readable(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    while (start < end) {
        const struct hak_leak_area *area = hak_leak_area_of(scan, start);
        if (!area || start < area->start) { /* nothing is mapped here */
            uintptr_t next = area && area->start < end ? area->start : end;
            leave_closed_out(scan, start, next);
            start = next;
            continue;
        }
        uintptr_t stop = area->end < end ? area->end : end;
        if (area->readable)
            hak_leak_each_touched(scan, (struct hak_leak_range){start, stop}, HAK_PAGES_OF_MEMORY,
                                  hak_leak_mark_words);
        else
            leave_closed_out(scan, start, stop);
        start = stop;
    }
}

static void mark_inside(struct hak_leak_scan *scan, uintptr_t user) {
    struct hak_leak_block block;
    if (!hak_leak_find(&scan->index, user, &block))
        return;
    uintptr_t end = block.user + block.asked_bytes;
    if (block.asked_bytes < HAK_PAGE_BYTES && is_open(scan, block.user, end))
        hak_leak_mark_words(scan, block.user, end);
    else
        mark_readable(scan, block.user, end);
}

static void mark_pending(struct hak_leak_scan *scan) {
    while (scan->work_count > 0)
        mark_inside(scan, scan->work[--scan->work_count]);
}

static void see_inherited(const struct hak_leak_block *block, void *context) {
    struct hak_leak_scan *scan = context;
    if (hak_leak_is_inherited(block)) {
        see(scan, block);
        mark_pending(scan);
    }
}

/* Makes `block` the one that stands for all that it leads to and nobody has led to before. */
static void follow(struct hak_leak_scan *scan, const struct hak_leak_block *block) {
    hak_set_mark(block, HAK_MARK_DIRECT);
    mark_inside(scan, block->user);
    mark_pending(scan);
}

static void follow_lost(const struct hak_leak_block *block, void *context) {
    struct hak_leak_scan *scan = context;
    if (hak_mark_of(block) != HAK_MARK_UNSEEN)
        return;
    scan->heads[scan->head_count++] = block->user;
    follow(scan, block);
}

static void forget_lost(const struct hak_leak_block *block, void *context) {
    (void)context;
    if (hak_mark_of(block) != HAK_MARK_REACHED)
        hak_set_mark(block, HAK_MARK_UNSEEN);
}

/* Twice, since a head that comes later may lead to one that came before it, but never the other way
 * round: from the last one back, those that are still unseen are led to by nobody. */
static void part_lost(struct hak_leak_scan *scan) {
    struct hak_leak_block block;
    found_as = HAK_MARK_INDIRECT;
    hak_leak_each(&scan->index, follow_lost, scan);
    if (scan->head_count < 2)
        return;
    hak_leak_each(&scan->index, forget_lost, NULL);
    while (scan->head_count > 0)
        if (hak_leak_find(&scan->index, scan->heads[--scan->head_count], &block) &&
            hak_mark_of(&block) == HAK_MARK_UNSEEN)
            follow(scan, &block);
}

static void count_marked(const struct hak_leak_block *block, void *context) {
    struct hak_leak_scan *scan = context;
    scan->block_count[hak_mark_of(block)]++;
    scan->byte_count[hak_mark_of(block)] += block->asked_bytes;
}

void hak_leak_mark_blocks(struct hak_leak_scan *scan) {
    found_as = HAK_MARK_REACHED;
    hak_leak_mark_roots(scan);
    mark_pending(scan);
    if (hak_leak_is_child())
        hak_leak_each(&scan->index, see_inherited, scan);
    part_lost(scan);
    hak_leak_each(&scan->index, count_marked, scan);
}
