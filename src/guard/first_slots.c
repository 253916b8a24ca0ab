/* The first blocks of a size class: they go to slots that end where a page ends, with a page behind
 * them that stays closed for as long as nothing is on it.
 *
 *   page    0        1        2        3        4        5        ...
 *           |.....XX|--------|.....XX|--------|.....XX|--------|
 *                 ^ block    ^ closed (pages.c)
 *
 * A program that reads or writes past such a block, which no canary can tell of a read, is stopped
 * at once. Small programs have few blocks of a size, so most of theirs lie so; it costs a page for
 * each of them. After that the slots are taken in their order. (The idea of electric fences, B.
 * Perens, 1987, as far as it is cheap.) */
#include "guard/guard.h"
#include "platform/platform.h"

enum { PAGES = HAK_SLAB_BYTES / HAK_PAGE_BYTES, SLABS_OF_CLASS = 2 };

/* How many slabs of each class have begun so. */
static _Atomic uint8_t begun[HAK_CLASSES];

struct taken {
    uint32_t blocks, guards; /* bit p = page p has a block, is to stay closed */
};

/* Pages from `first` to `last`. */
static uint32_t pages_from(size_t first, size_t last) {
    return (2u << last) - (1u << first);
}

/* The slot that ends nearest before the end of a page which is to be had; false: none is. The last
 * page of the slab is no guard: what begins behind it is another slab's. */
static bool pick(unsigned class_index, struct taken *taken, uint16_t *slot) {
    size_t bytes = hak_class_bytes(class_index), from = hak_first_slot_offset(class_index);
    size_t smallest_gap = HAK_PAGE_BYTES;
    struct taken best = *taken;
    for (unsigned page = 0; page + 1 < PAGES; page++) {
        size_t end = (page + 1) * HAK_PAGE_BYTES;
        if (end < from + bytes)
            continue;
        size_t number = (end - from) / bytes - 1, start = from + number * bytes;
        size_t gap = end - start - bytes;
        uint32_t block = pages_from(start / HAK_PAGE_BYTES, page), guard = 2u << page;
        if (gap >= smallest_gap || (block & (taken->blocks | taken->guards)) ||
            (guard & taken->blocks))
            continue;
        smallest_gap = gap;
        best = (struct taken){taken->blocks | block, taken->guards | guard};
        *slot = (uint16_t)number;
    }
    *taken = best;
    return smallest_gap < HAK_PAGE_BYTES;
}

unsigned hak_check_first_slots(unsigned class_index, uint16_t *slots) {
    struct taken taken = {0, 0};
    unsigned count = 0;
    if (!hak_stops_at_illegal_hop() || !hak_options.close_pages || !hak_options.quarantine_bytes ||
        hak_options.inject[0] != '\0' || begun[class_index] == SLABS_OF_CLASS)
        return 0;
    begun[class_index]++; /* that two threads count as one is no harm */
    while (count < HAK_FIRST_SLOTS && pick(class_index, &taken, &slots[count]))
        count++;
    return count;
}
