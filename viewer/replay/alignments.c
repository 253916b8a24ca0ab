/* Infers alignments from addresses. Few addresses of a stack say little: then it is a page's at
 * most. */
#include "viewer/replay/alignments.h"

#include <stdlib.h>
#include "base/growing.h"

enum { FEW_SAMPLES = 8, FEW_MOST = 12, ALIGNMENT_MOST = 21, ALIGNMENT_LEAST = 4 }; /* powers */

struct alignment_site {
    uint64_t bits; /* of all addresses, together */
    uint32_t samples;
};

bool alignments_note(struct alignments *a, uint32_t stack, uint64_t address, uint32_t *number) {
    uint64_t place = 0;
    uint32_t row = hak_index_find(&a->by_stack, stack, &place);
    if (!row) {
        if (!hak_growing_make_room(&a->site, a->sites, &a->room, sizeof *a->site) ||
            !hak_index_add(&a->by_stack, stack, a->sites + 1))
            return false;
        a->site[a->sites] = (struct alignment_site){0};
        row = ++a->sites;
    }
    struct alignment_site *site = &a->site[row - 1];
    site->bits |= address;
    site->samples += site->samples < FEW_SAMPLES;
    *number = row - 1;
    return true;
}

uint8_t alignments_log2(const struct alignments *a, uint32_t number) {
    const struct alignment_site *site = &a->site[number];
    int most = site->samples < FEW_SAMPLES ? FEW_MOST : ALIGNMENT_MOST;
    int common = __builtin_ctzll(site->bits | 1ull << most);
    return (uint8_t)(common < ALIGNMENT_LEAST ? ALIGNMENT_LEAST : common);
}

void alignments_free(struct alignments *a) {
    hak_index_free(&a->by_stack);
    free(a->site);
    *a = (struct alignments){0};
}
