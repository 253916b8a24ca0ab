/* A block's short way to the program, and from quarantine to its layer; short_way.h tells when. */
#include "guard/short_way.h"
#include "guard/pages.h"

bool hak_check_short_way;

#define EIGHT(byte) byte, byte, byte, byte, byte, byte, byte, byte
const uint8_t hak_bytes_of_block[64] = {EIGHT(0xff), EIGHT(0xff), EIGHT(0xff), EIGHT(0xff)};
#undef EIGHT

void hak_short_way_start(void) {
    hak_check_short_way = !hak_trace_hears() && hak_options.check == HAK_CHECK_NORMAL &&
                          hak_options.layout == HAK_LAYOUT_HEADER && hak_options.poison &&
                          !hak_options.junk && hak_options.quarantine_bytes != 0 &&
                          hak_options.inject[0] == '\0';
}

/* True when a slot that was filled still is, and is one whose bytes may be touched. */
static inline bool may_be_used(const struct hak_near_slot *at) {
    uint32_t closed = at->superslab->closed_pages[at->slab_index];
    if (HAK_UNLIKELY(closed != 0)) {
        unsigned offset = (unsigned)((uintptr_t)at->base & (HAK_SLAB_BYTES - 1));
        unsigned last = (unsigned)((offset + at->slot_bytes - 1) / HAK_PAGE_BYTES);
        if ((closed & ((2u << last) - (1u << offset / HAK_PAGE_BYTES))) != 0)
            return false;
    }
    if (!(at->slot->subkind & HAK_SLOT_POISONED))
        return true;
    struct hak_filled filled = hak_filled_between(at->base + HAK_HEADER_BYTES,
                                                  at->base + at->slot_bytes, at->slot->asked_bytes);
    return !(at->slot->subkind & HAK_SLOT_LINKED) && at->slot->user_delta * 8 == HAK_HEADER_BYTES &&
           hak_poison_stands_shortly(&filled, hak_word_near(at, HAK_PATTERN_FREED));
}

/* The header last: what is written of a canary may reach over it. */
static inline void write_around(const struct hak_near_slot *at, size_t asked_bytes) {
    struct hak_header header = hak_header_near(at);
    hak_write_canary_shortly(at->base + HAK_HEADER_BYTES + asked_bytes, at->base + at->slot_bytes,
                             hak_word_near(at, HAK_PATTERN_CANARY));
    __builtin_memcpy(at->base, &header, sizeof header);
}

HAK_TRACER_TEXT user_t hak_check_hand_out_shortly(base_t base, unsigned class_index,
                                                  uint32_t asked_bytes, enum hak_subkind subkind) {
    enum hak_record_kind kind = subkind == HAK_BY_REALLOC ? HAK_REALLOC : HAK_MALLOC;
    struct hak_near_slot at;
    uint8_t flags = 0;
    if (HAK_UNLIKELY(!hak_check_short_way || hak_is_asked()) ||
        !hak_locate_near(base.p, hak_registry_owner_fast(base.p), &at) ||
        HAK_UNLIKELY(at.base != base.p || at.class_index != class_index ||
                     !hak_move_is_allowed(kind, at.slot->place)))
        return HAK_NO_USER;
    struct hak_slot *slot = at.slot;
    slot->is_changing = 1;
    atomic_signal_fence(memory_order_seq_cst); /* a signal handler closes no page of it any more */
    if (HAK_UNLIKELY(!may_be_used(&at)))
        return HAK_NO_USER;
    slot->asked_bytes = (uint16_t)asked_bytes;
    slot->user_delta = HAK_HEADER_BYTES / 8;
    slot->subkind = (uint8_t)(subkind | HAK_SLOT_LIVED);
    slot->alignment = 0;
    slot->record_count++;
    slot->free_stack = 0;
    write_around(&at, asked_bytes);
    slot->alloc_stack = hak_take_call_stack(&flags);
    __atomic_store_n(&slot->place, (uint8_t)HAK_PLACE_LIVE, __ATOMIC_RELEASE);
    slot->is_changing = 0;
    return user_from(base.p + HAK_HEADER_BYTES);
}

bool hak_check_left_shortly(base_t base, enum hak_place to) {
    struct hak_near_slot at;
    if (HAK_UNLIKELY(!hak_check_short_way || (HAK_PLACES_OF_LISTS >> to & 1) != 0) ||
        !hak_locate_near(base.p, hak_registry_owner_fast(base.p), &at) ||
        HAK_UNLIKELY(at.base != base.p || at.slot->place != HAK_PLACE_QUARANTINE))
        return false;
    at.slot->place = (uint8_t)to;
    at.slot->record_count++;
    return true;
}

bool hak_check_usable_shortly(user_t user, size_t *bytes) {
    struct hak_near_slot at;
    if (!hak_layout_has_header() ||
        !hak_locate_near(user.p, hak_registry_owner_fast(user.p), &at) ||
        HAK_UNLIKELY(at.slot->place != HAK_PLACE_LIVE ||
                     user.p != at.base + at.slot->user_delta * 8))
        return false;
    *bytes = at.slot->asked_bytes;
    return true;
}
