/* Checks the large layer: each block has whole pages of its own, outside of all SuperSlabs; the
 * address map, the BigCache and the L2.5 pool say the same. */
#include "verify/verify.h"

#include "guarded/guarded.h"
#include "large/totals.h"

struct large_visit {
    struct hak_verify *v;
    uint64_t live_blocks;
};

/* Compares one large block's fields, and counts it if it is live. */
static void verify_large_block(struct hak_large *large, void *context) {
    struct large_visit *visit = context;
    struct hak_verify_where where = {.block = large->base, .cache = "large block"};
    bool is_live = hak_large_is_live(large);
    bool is_quarantined = is_live && large->slot.place == HAK_PLACE_QUARANTINE;
    visit->live_blocks += is_live && !is_quarantined;
    hak_verify_same(visit->v, &where, HAK_VERIFY_PART_OF_START,
                    base_address(large->base) % HAK_PAGE_BYTES, 0);
    hak_verify_same(visit->v, &where, HAK_VERIFY_PART_OF_LENGTH,
                    large->mapped_bytes % HAK_PAGE_BYTES, 0);
    hak_verify_same(visit->v, &where, HAK_VERIFY_OWNER_THERE, hak_registry_owner(large->base.p),
                    HAK_OWNER_NOBODY);
    unsigned expected = is_live               ? HAK_PLACE_LIVE
                        : large->guarded_side ? HAK_PLACE_GUARDED
                                              : HAK_PLACE_BIGCACHE;
    /* A block that a thread had in its hands when the process forked stays as it was; one that a
     * thread at work has in its hands is on its way. */
    if (hak_is_debug_build && large->slot.place != expected && !is_quarantined &&
        !visit->v->some_lost && !visit->v->some_at_work)
        hak_verify_words(visit->v, &where, "state", hak_verify_place(large->slot.place),
                         hak_verify_place(expected));
}

static const char *find_wrong(struct hak_large_totals *totals) {
    const char *wrong = hak_large_verify(totals);
    return hak_is_debug_build && !wrong ? hak_guarded_verify() : wrong;
}

uint64_t hak_verify_large(struct hak_verify *v) {
    struct large_visit visit = {v, 0};
    struct hak_large_totals before, after;
    const char *wrong = find_wrong(&before);
    if (wrong) {
        const char *again = find_wrong(&after);
        bool is_quiet = __builtin_memcmp(&before, &after, sizeof before) == 0;
        v->large_at_work |= !is_quiet;
        wrong = is_quiet ? again : NULL;
    }
    struct hak_verify_where where = {.cache = "large blocks"};
    if (wrong)
        hak_verify_wrong(v, &where, wrong);
    hak_large_each(verify_large_block, &visit);
    return visit.live_blocks;
}
