/* Says how many pages a guarded block gets, and where in them it begins. */
#include "guard/guard.h"

/* The multiple to which the bytes asked for are rounded up, so that they end at the end of the
 * pages. */
static size_t grain_of(size_t alignment) {
    if (alignment == 0)
        alignment = 1;
    size_t least = hak_options.guard_align == HAK_GUARD_ALIGN_1 ? 1 : HAK_HEADER_BYTES;
    return alignment < least ? least : alignment;
}

static size_t rounded_up(size_t asked_bytes, size_t alignment) {
    size_t grain = grain_of(alignment);
    return ((asked_bytes ? asked_bytes : 1) + grain - 1) & ~(grain - 1);
}

size_t hak_guarded_bytes(enum hak_guarded_side side, size_t asked_bytes, size_t alignment) {
    size_t header_bytes = hak_guarded_have_border() ? HAK_HEADER_BYTES : 0;
    if (side == HAK_GUARDED_BEFORE)
        return HAK_PAGES_OF(asked_bytes ? asked_bytes : 1);
    return HAK_PAGES_OF(rounded_up(asked_bytes, alignment) + header_bytes);
}

char *hak_place_guarded(const struct hak_large *large, size_t asked_bytes, size_t alignment) {
    if (large->guarded_side == HAK_GUARDED_BEFORE)
        return large->base.p;
    return large->base.p + large->mapped_bytes - rounded_up(asked_bytes, alignment);
}
