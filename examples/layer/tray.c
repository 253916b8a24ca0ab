/* The tray's moves: front array to tray, tray to front array. (Tray to slab is hak_cache_spill's.)
 */
#include "front/tray.h"

#include "front/thread_block.h"

/* NULL where the class has none: it has another front than the array, or is mid's. */
static struct hak_cache *tray_of(unsigned class_index) {
    const struct hak_class_plan *plan = &hak_plan[class_index];
    if (plan->way != HAK_WAY_ARRAY || plan->caches == 0)
        return NULL;
    return hak_caches_of(class_index);
}

/* The transfer functions. Each moves one block and holds one hop(), made before the block can be
 * seen at its new place. */
static void tray_put(struct hak_cache *tray, base_t block) {
    hop(HAK_TRAY_PUT, block, tray->class_index);
    hak_cache_push(tray, block);
}

/* The head is looked at before its link is read: hak_cache_pop asks check_list_pop. */
static base_t tray_get(struct hak_cache *tray) {
    base_t block = hak_cache_pop(tray, HAK_TRAY_TAKE);
    if (block.p)
        hop(HAK_TRAY_TAKE, block, tray->class_index);
    return block;
}

unsigned hak_tray_keep(unsigned class_index, const base_t *blocks, unsigned count) {
    struct hak_cache *tray = tray_of(class_index);
    unsigned kept = 0;
    while (tray && kept < count && !hak_cache_is_full(tray))
        tray_put(tray, blocks[count - ++kept]);
    return kept;
}

unsigned hak_tray_take(unsigned class_index, base_t *blocks, unsigned wanted) {
    struct hak_cache *tray = tray_of(class_index);
    unsigned taken = 0;
    while (tray && taken < wanted) {
        base_t block = tray_get(tray);
        if (!block.p)
            break;
        blocks[taken++] = block;
    }
    return taken;
}
