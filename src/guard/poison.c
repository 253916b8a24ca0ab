/* Poison: the bytes of a freed slot are filled, and compared before the slot is used again.
 *
 *   layout header   | header | word word word ... word |    from the user's first byte
 *   layout same     | word word ........ word word |        to the slot's end
 *                     ^ a list's link, the first word: not compared once it was there
 *
 * The word names the slot and its life (trace/pattern.h) and is no address that a processor takes:
 * a program that follows a pointer out of a freed block stops there, and the pointer tells which
 * block it was read from. If more than HAK_POISON_WHOLE_BYTES lie between the user's first byte and
 * the slot's end, the first HAK_POISON_HEAD_BYTES and the last HAK_POISON_TAIL_BYTES asked for are
 * filled; whole pages are closed where that is possible (pages.c). Large blocks give their pages
 * back and have no poison, but for guarded ones that were opened to a program which goes on after a
 * fault: what it writes there is found later, as in any freed block.
 *
 * Ownership: HAK_SLOT_POISONED says that a slot is filled and that nobody touches its bytes. It is
 * set and cleared by the thread that has the block, and cleared while that reads them. */
#include "guard/guard.h"
#include "guard/pages.h"
#include "guard/slot_bytes.h"
#include "guard/watched/watched.h"

static inline struct hak_filled filled_of(const struct hak_located *at) {
    return hak_filled_between(hak_user_in(at), at->base + at->slot_bytes, hak_asked_bytes_of(at));
}

/* ---- slots with closed pages -------------------------------------------------------------------
 *
 * What lies in them was compared when they were closed, and not written since. */

/* Calls `look` for what of [start, end) lies in open pages. */
static void each_open_part(const struct hak_located *at, char *start, char *end,
                           void (*look)(char *, char *, uint64_t, struct hak_damage *),
                           uint64_t word, struct hak_damage *damage) {
    char *slab = (char *)((uintptr_t)at->base & ~(uintptr_t)(HAK_SLAB_BYTES - 1));
    uint32_t open = hak_pages_of(at) & ~hak_closed_pages_of(at);
    for (; open; open &= open - 1) {
        char *from = slab + (size_t)__builtin_ctz(open) * HAK_PAGE_BYTES;
        char *to = from + HAK_PAGE_BYTES;
        from = from < start ? start : from;
        to = to > end ? end : to;
        if (from < to)
            look(from, to, word, damage);
    }
}

static void fill_part(char *from, char *to, uint64_t word, struct hak_damage *damage) {
    (void)damage;
    hak_fill_with(from, to, word);
}

static HAK_COLD void fill_open(const struct hak_located *at, const struct hak_filled *filled,
                               uint64_t word) {
    each_open_part(at, filled->start, filled->end, fill_part, word, NULL);
    each_open_part(at, filled->tail, filled->tail_end, fill_part, word, NULL);
}

/* ---- all of them -------------------------------------------------------------------------------
 */

/* Fills the freed block with its pattern, but for closed pages. */
static void fill(const struct hak_located *at) {
    struct hak_filled filled = filled_of(at);
    uint64_t word = hak_word_of(at, HAK_PATTERN_FREED);
    if (HAK_UNLIKELY(hak_closed_pages_of(at) != 0))
        fill_open(at, &filled, word);
    else if (HAK_LIKELY(((uintptr_t)filled.start | (uintptr_t)filled.end) % 16 == 0))
        hak_fill_freed_bytes(&filled, word);
    else
        hak_fill_with(filled.start, filled.end, word); /* slots of 8 bytes, in layout same */
}

/* ---- guarded blocks that were opened after their free ------------------------------------------
 */

struct hak_filled hak_filled_of_opened(const struct hak_located *at) {
    struct hak_filled filled = filled_of(at);
    char *end = at->base + at->slot_bytes;
    if (filled.tail_end > end) /* its first byte is not aligned */
        filled.tail_end = end;
    return filled;
}

/* Fills a guarded block that was closed and is open now as a freed one; in level normal alone: in
 * level light the program goes on with zeros. One that was opened before holds what the program has
 * written since. */
void hak_poison_opened(struct hak_large *large) {
    struct hak_located at;
    at = hak_located_as_large(large);
    uint8_t flags = at.slot->subkind;
    if (hak_options.check != HAK_CHECK_NORMAL || !hak_options.poison ||
        (flags & (HAK_SLOT_LIVED | HAK_SLOT_POISONED)) != HAK_SLOT_LIVED)
        return;
    struct hak_filled filled = hak_filled_of_opened(&at);
    uint64_t word = hak_word_of(&at, HAK_PATTERN_FREED);
    hak_fill_with(filled.start, filled.end, word);
    hak_fill_with(filled.tail, filled.tail_end, word);
    __atomic_store_n(&at.slot->subkind, (uint8_t)((flags & ~HAK_SLOT_TOLD) | HAK_SLOT_POISONED),
                     __ATOMIC_RELEASE);
}

/* Compares a copy of freed bytes with the pattern due at their real address. */
struct hak_damage hak_opened_damage(const struct hak_located *at, const char *real,
                                    const char *copy, size_t bytes) {
    struct hak_damage damage = {.end = (const uint8_t *)copy + bytes};
    uint64_t word = hak_word_of(at, HAK_PATTERN_FREED);
    for (size_t i = 0; i < bytes; i++)
        if ((uint8_t)copy[i] != hak_pattern_byte(word, (uintptr_t)real + i)) {
            damage.last = (const uint8_t *)copy + i;
            if (damage.bytes++ == 0)
                damage.first = damage.last;
        }
    return damage;
}

void hak_poison(const struct hak_located *at) {
    if (at->large)
        return;
    if (HAK_LIKELY(hak_options.poison))
        fill(at);
    uint8_t subkind =
        (uint8_t)((at->slot->subkind & ~(HAK_SLOT_LINKED | HAK_SLOT_TOLD)) | HAK_SLOT_POISONED);
    __atomic_store_n(&at->slot->subkind, subkind, __ATOMIC_RELEASE);
}

/* True when the word stands at this address, which may be unaligned. */
static inline bool is_word(const char *at, uint64_t word) {
    uint64_t found;
    __builtin_memcpy(&found, at, sizeof found);
    return found == word;
}

/* Whether [start, end), whole words, holds nothing but `word`. */
static inline bool is_poison_whole(const char *start, const char *end, uint64_t word) {
    if (start != end && (uintptr_t)start % 16 != 0 && !is_word(start, word))
        return false;
    if (start != end && (uintptr_t)end % 16 != 0 && !is_word(end - sizeof word, word))
        return false;
    start += (uintptr_t)start % 16;
    end -= (uintptr_t)end % 16;
    return start >= end || hak_all_stand(start, end, word);
}

/* Adds the bytes that differ from the pattern to the damage. */
static HAK_COLD void count_poison_damage(char *from, char *to, uint64_t word,
                                         struct hak_damage *damage) {
    const uint8_t *end = (const uint8_t *)to;
    for (const uint8_t *p = (const uint8_t *)from; p < end; p++)
        if (*p != hak_pattern_byte(word, (uintptr_t)p)) {
            damage->last = p;
            if (damage->bytes++ != 0)
                continue;
            damage->first = p;
            damage->end = end;
        }
}

/* The damage to a freed block's pattern; a list's link and closed pages are left out. */
HAK_IN_PLACE struct hak_damage freed_damage_of(const struct hak_located *at) {
    struct hak_damage damage = {0};
    struct hak_filled filled = filled_of(at);
    uint64_t word = hak_word_of(at, HAK_PATTERN_FREED);
    if (HAK_UNLIKELY((at->slot->subkind & HAK_SLOT_LINKED) != 0)) {
        char *link = (char *)hak_check_link_of(base_from(at->base));
        if (filled.start == link)
            filled.start += sizeof(void *);
    }
    if (HAK_UNLIKELY(hak_closed_pages_of(at) != 0)) {
        each_open_part(at, filled.start, filled.end, count_poison_damage, word, &damage);
        each_open_part(at, filled.tail, filled.tail_end, count_poison_damage, word, &damage);
        return damage;
    }
    if (HAK_LIKELY(is_poison_whole(filled.start, filled.end, word) &&
                   is_poison_whole(filled.tail, filled.tail_end, word)))
        return damage;
    count_poison_damage(filled.start, filled.end, word, &damage);
    count_poison_damage(filled.tail, filled.tail_end, word, &damage);
    return damage;
}

struct hak_damage hak_poison_damage(const struct hak_located *at) {
    return freed_damage_of(at);
}

/* Reports a write after free. */
static HAK_COLD void report_written(const struct hak_located *at, enum hak_record_kind kind,
                                    const struct hak_damage *damage) {
    const char *user = hak_user_in(at);
    struct hak_finding finding = {
        .code = HAK_FAULT_WRITE_AFTER_FREE,
        .kind = kind,
        .pointer = user,
        .offset_bytes = (const char *)damage->first - user,
        .class_found = HAK_CLASS_NONE,
        .damage = damage,
    };
    hak_report_fault(at, &finding);
}

/* Reports a write into a freed block whose pages were just opened, once. Its poison counts no
 * more. */
static HAK_COLD void check_opened(const struct hak_located *at, enum hak_record_kind kind) {
    struct hak_filled filled = hak_filled_of_opened(at);
    struct hak_damage damage =
        hak_opened_damage(at, filled.start, filled.start, (size_t)(filled.end - filled.start));
    if (!damage.bytes)
        damage = hak_opened_damage(at, filled.tail, filled.tail,
                                   (size_t)(filled.tail_end - filled.tail));
    if (damage.bytes && !(at->slot->subkind & HAK_SLOT_TOLD))
        report_written(at, kind, &damage);
    at->slot->subkind &= (uint8_t)~HAK_SLOT_POISONED;
}

void hak_check_poison(const struct hak_located *at, enum hak_record_kind kind) {
    struct hak_slot *slot = at->slot;
    if (!(slot->subkind & HAK_SLOT_POISONED) || !hak_options.poison)
        return;
    if (HAK_UNLIKELY(at->large != NULL)) {
        check_opened(at, kind);
        return;
    }
    slot->subkind &= (uint8_t)~HAK_SLOT_POISONED;
    struct hak_damage damage = freed_damage_of(at);
    if (HAK_UNLIKELY(damage.bytes != 0)) {
        if (!(slot->subkind & HAK_SLOT_TOLD))
            report_written(at, kind, &damage);
        hak_watched_leave(slot);
        fill(at); /* so that it is told once */
    }
    slot->subkind |= HAK_SLOT_POISONED;
}

void hak_check_slab_poison(struct hak_superslab *superslab, unsigned slab_index) {
    const struct hak_slab *slab = &superslab->slabs[slab_index];
    unsigned class_index = slab->class_index;
    struct hak_located at = {
        .slot = hak_states_of(superslab, slab_index) + hak_first_state(class_index),
        .base = hak_slab_start(slab) + hak_first_slot_offset(class_index),
        .slot_bytes = hak_class_bytes(class_index),
        .superslab = superslab,
        .epoch = slab->epoch,
        .class_index = class_index,
    };
    for (unsigned i = 0; i < slab->capacity; i++, at.slot++, at.base += at.slot_bytes) {
        if (!(at.slot->subkind & HAK_SLOT_POISONED))
            continue; /* of slots never used no page of states is touched */
        hak_check_poison(&at, HAK_SLAB_RELEASE);
        at.slot->subkind &= (uint8_t)~HAK_SLOT_POISONED;
    }
}
