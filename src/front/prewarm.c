/* Puts blocks into the fronts of the process's first thread. */
#include "front/prewarm.h"

#include "check.h"
#include "front/thread_block.h"

static bool is_done;

/* HAKMEM_TINY_PREWARM_C2 to _C5 of the band; only C2 to C5 have one. */
static uint64_t blocks_of_band(unsigned band) {
    switch (band) {
    case 2:
        return hak_options.prewarm_c2;
    case 3:
        return hak_options.prewarm_c3;
    case 4:
        return hak_options.prewarm_c4;
    case 5:
        return hak_options.prewarm_c5;
    default:
        return 0;
    }
}

/* The greater of the band's number and, up to C7, the number for all. */
static unsigned blocks_to_prewarm(unsigned class_index) {
    unsigned band = hak_class_band[class_index];
    uint64_t wanted = blocks_of_band(band);
    if (band <= 7 && wanted < hak_options.prewarm_all)
        wanted = hak_options.prewarm_all;
    return (unsigned)wanted;
}

/* Fills the class's front with up to `wanted` blocks. Returns how many. */
static unsigned prewarm_class(unsigned class_index, unsigned wanted) {
    switch (hak_way_of(class_index)) {
    case HAK_WAY_ARRAY:
        return hak_array_fill(class_index, wanted);
    case HAK_WAY_MAGAZINE:
    case HAK_WAY_CHAIN:
        return hak_chain_fill(class_index, wanted);
    case HAK_WAY_NONE:
        break;
    }
    return 0;
}

/* Where blocks have a header, no program's block fits the smallest classes. */
static bool is_in_use(unsigned class_index) {
    return check_slot_bytes(1, 0) <= hak_class_bytes(class_index);
}

void hak_prewarm_first_thread(void) {
    if (__atomic_exchange_n(&is_done, true, __ATOMIC_RELAXED))
        return;
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        unsigned wanted = blocks_to_prewarm(c);
        unsigned filled = wanted && is_in_use(c) ? prewarm_class(c, wanted) : 0;
        if (filled)
            hop_count(HAK_COUNTED_PREWARM, c, filled);
    }
}
