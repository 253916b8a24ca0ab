/* Poison: the bytes of a freed slot are filled, and compared before the slot is used again.
 *
 *   layout header   | header | dd dd dd ... dd |        from the user's first byte to the slot's
 * end layout same     | dd dd dd dd ....... dd dd | ^ a list's link, the first word: not compared
 * once it was there
 *
 * Eight bytes of poison are no address that a processor takes, so that a program which follows a
 * pointer out of a freed block stops there. Of a slot above HAK_POISON_HEAD_BYTES +
 * HAK_POISON_TAIL_BYTES only the first and the last part are filled; whole pages are closed where
 * that is to be had (pages.c). Large blocks give their pages back and have no poison.
 *
 * Who owns what: HAK_SLOT_POISONED says that a slot is filled and that nobody touches its bytes. It
 * is set and cleared by the thread that has the block, and cleared while that reads them. */
#include "guard/in_front.h"
#include "guard/pages.h"
#include "guard/short_way.h"

/* One or two runs of bytes: [start, end), and behind a gap [tail, tail_end). */
struct filled {
    uint8_t *start, *end, *tail, *tail_end;
};

static inline struct filled filled_of(const struct hak_located *at) {
    uint8_t *start = (uint8_t *)hak_user_in(at);
    uint8_t *end = (uint8_t *)at->base + at->slot_bytes;
    if (HAK_LIKELY(end - start <= HAK_POISON_HEAD_BYTES + HAK_POISON_TAIL_BYTES))
        return (struct filled){start, end, end, end};
    return (struct filled){start, start + HAK_POISON_HEAD_BYTES, end - HAK_POISON_TAIL_BYTES, end};
}

static void fill(const struct hak_located *at) {
    struct filled filled = filled_of(at);
    __builtin_memset(filled.start, HAK_POISON_BYTE, (size_t)(filled.end - filled.start));
    if (HAK_UNLIKELY(filled.tail != filled.tail_end))
        __builtin_memset(filled.tail, HAK_POISON_BYTE, (size_t)(filled.tail_end - filled.tail));
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

/* True when [start, end), whole words, holds poison alone. */
static inline bool is_whole(const uint8_t *start, const uint8_t *end) {
    const hak_two_words poison = {HAK_POISON_WORD, HAK_POISON_WORD};
    hak_two_words differs = {0, 0};
    for (; end - start >= 32; start += 32)
        differs |= (*(const hak_two_words *)(const void *)start ^ poison) |
                   (*(const hak_two_words *)(const void *)(start + 16) ^ poison);
    uint64_t rest = differs[0] | differs[1];
    for (; start < end; start += 8) {
        uint64_t word;
        __builtin_memcpy(&word, start, sizeof word);
        rest |= word ^ HAK_POISON_WORD;
    }
    return rest == 0;
}

static HAK_COLD void count_damage(const uint8_t *p, const uint8_t *end, struct hak_damage *damage) {
    for (; p < end; p++)
        if (*p != HAK_POISON_BYTE) {
            damage->last = p;
            if (damage->bytes++ != 0)
                continue;
            damage->first = p;
            damage->end = end;
        }
}

struct hak_damage hak_poison_damage(const struct hak_located *at) {
    struct hak_damage damage = {0};
    struct filled filled = filled_of(at);
    if (HAK_UNLIKELY((at->slot->subkind & HAK_SLOT_LINKED) != 0)) {
        uint8_t *link = (uint8_t *)hak_check_link_of(base_from(at->base));
        if (filled.start == link)
            filled.start += sizeof(void *);
    }
    if (HAK_LIKELY(is_whole(filled.start, filled.end) && is_whole(filled.tail, filled.tail_end)))
        return damage;
    count_damage(filled.start, filled.end, &damage);
    count_damage(filled.tail, filled.tail_end, &damage);
    return damage;
}

/* Of a slot that was filled and never handed out it is a write in front of the block behind. */
static HAK_COLD void report_written(const struct hak_located *at, bool is_in_front,
                                    enum hak_record_kind kind, const struct hak_damage *damage) {
    struct hak_located behind;
    if (is_in_front) {
        if (!hak_find_behind(at, &behind))
            return;
        at = &behind;
    }
    const char *user = hak_user_in(at);
    struct hak_finding finding = {
        .code = is_in_front ? HAK_FAULT_HEAP_BUFFER_UNDERFLOW : HAK_FAULT_WRITE_AFTER_FREE,
        .kind = kind,
        .pointer = user,
        .offset_bytes = (const char *)damage->first - user,
        .class_found = HAK_CLASS_NONE,
        .damage = damage,
    };
    hak_report_fault(at, &finding);
}

void hak_check_poison(const struct hak_located *at, enum hak_record_kind kind) {
    struct hak_slot *slot = at->slot;
    if (at->large || !(slot->subkind & HAK_SLOT_POISONED) || !hak_options.poison)
        return;
    bool is_in_front = hak_is_filled_in_front(slot);
    slot->subkind &= (uint8_t)~HAK_SLOT_POISONED;
    struct hak_damage damage = hak_poison_damage(at);
    if (HAK_UNLIKELY(damage.bytes != 0)) {
        if (!(slot->subkind & HAK_SLOT_TOLD))
            report_written(at, is_in_front, kind, &damage);
        fill(at); /* so that it is told once */
    }
    slot->subkind |= HAK_SLOT_POISONED;
}

/* What lies in a closed page was not written since. */
void hak_check_slab_poison(struct hak_superslab *superslab, unsigned slab_index) {
    const struct hak_slab *slab = &superslab->slabs[slab_index];
    struct hak_located at;
    char *first =
        (char *)superslab + slab_index * HAK_SLAB_BYTES + hak_first_slot_offset(slab->class_index);
    size_t slot_bytes = hak_class_bytes(slab->class_index);
    struct hak_slot *slots =
        hak_states_of(superslab, slab_index) + hak_first_state(slab->class_index);
    at.superslab = superslab;
    at.large = NULL;
    for (unsigned i = 0; i < slab->capacity; i++) {
        if (!(slots[i].subkind & HAK_SLOT_POISONED))
            continue;
        if (hak_locate_in_slab(first + i * slot_bytes, slab->class_index, &at) &&
            !hak_closed_pages_of(&at))
            hak_check_poison(&at, HAK_SLAB_RELEASE);
        slots[i].subkind &= (uint8_t)~HAK_SLOT_POISONED;
    }
}
