/* The bytes in front of the first blocks of a class. Their slots lie at the ends of pages
 * (first_slots.c), behind slots that nobody has had: these are filled when the page is first used,
 * so that a write is seen that passes over a block's header and leaves it whole.
 *
 *   page   | dd dd dd dd dd dd | header | bytes asked | canary |
 *            never handed out    ^ index -5 of longs lies in front of it
 *
 * Such a slot has HAK_SLOT_POISONED without HAK_SLOT_LIVED, and no distance of a user pointer: it
 * is filled from its first byte. Whoever compares poison compares it like any other, and what
 * differs is told with the block behind. A slot that comes into a linked list loses the mark. */
#include "guard/in_front.h"

#include "guard/pages.h"

enum { REACH_BYTES = 256 }; /* in front of a block are filled, in whole slots */

/* The slot `steps` slots further in front (or behind: below 0); false: there is none. */
static bool step(const struct hak_located *at, int steps, struct hak_located *other) {
    char *base = at->base - steps * (ptrdiff_t)at->slot_bytes;
    return hak_superslab_of(base) == at->superslab &&
           hak_slab_index_of(base) == hak_slab_index_of(at->base) && hak_locate_slot(base, other) &&
           other->base == base;
}

static int slots_in_reach(const struct hak_located *at) {
    return (int)((REACH_BYTES + at->slot_bytes - 1) / at->slot_bytes);
}

void hak_fill_in_front(const struct hak_located *at) {
    struct hak_located other;
    for (int i = 1; at->superslab && i <= slots_in_reach(at) && step(at, i, &other); i++) {
        const struct hak_slot *slot = other.slot;
        if (slot->place != HAK_PLACE_UNTOUCHED || slot->subkind != 0 || slot->is_changing ||
            hak_closed_pages_of(&other) != 0)
            return;
        hak_poison(&other);
    }
}

bool hak_open_to_hand_out(const struct hak_located *at) {
    if (!hak_pages_open(at))
        return false;
    if (!(at->slot->subkind & HAK_SLOT_LIVED))
        hak_fill_in_front(at);
    return true;
}

void hak_mend_in_front(const struct hak_located *at) {
    struct hak_located other;
    for (int i = 1; at->superslab && i <= slots_in_reach(at) && step(at, i, &other); i++) {
        if (!hak_is_filled_in_front(other.slot) || hak_closed_pages_of(&other) != 0)
            return;
        hak_poison(&other);
    }
}

bool hak_find_behind(const struct hak_located *at, struct hak_located *behind) {
    for (int i = 1; i <= slots_in_reach(at) && step(at, -i, behind); i++)
        if (behind->slot->subkind & HAK_SLOT_LIVED)
            return true;
    return false;
}
