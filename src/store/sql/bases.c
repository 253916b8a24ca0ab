/* Reads the postings of bases and keeps the smallest ones that are not yet done. */
#include "store/sql/bases.h"

#include <stdlib.h>
#include "store/postings/postings.h"
#include "store/reader/state.h"
#include "base/sorted.h"

struct gather {
    uint64_t below; /* greater ones are left for later */
    uint64_t *base; /* 2 * HAK_BASES_BATCH */
    uint32_t count;
    bool left_some;
};

static void tidy(struct gather *g) {
    g->count = hak_sort_distinct(g->base, g->count);
    if (g->count > HAK_BASES_BATCH) {
        g->count = HAK_BASES_BATCH;
        g->below = g->base[HAK_BASES_BATCH];
        g->left_some = true;
    }
}

static void add(void *context, uint64_t base) {
    struct gather *g = context;
    if (g->count == 2 * HAK_BASES_BATCH)
        tidy(g);
    if (base < g->below)
        g->base[g->count++] = base;
}

int hak_bases_next(struct hak_store_reader *r, uint64_t from, uint64_t *out, uint32_t *count,
                   bool *is_last) {
    struct gather g = {.below = UINT64_MAX, .base = out};
    int error = hak_finder_bases(&r->postings, from, &g.below, add, &g);
    tidy(&g);
    *count = g.count;
    *is_last = !g.left_some;
    return error;
}
