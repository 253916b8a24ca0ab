/* Chooses the way of each band; handles a block that belongs to us by its address and is no slot;
 * gives back all that is kept for later. */
#include "route/route.h"

#include "front/tune.h"
#include "mid/mid.h"
#include "options.h"
#include "pool/pool.h"

/* ---- the ways ------------------------------------------------------------------------------- */

enum { T = HAK_ROUTE_TINY_ONLY, F = HAK_ROUTE_TINY_FIRST, P = HAK_ROUTE_POOL_ONLY };

/* By HAKMEM_TINY_PROFILE, for C0 to C7. */
static const uint8_t profiles[][HAK_TINY_BANDS] = {
    [HAK_TINY_HOT] = {T, T, T, T, F, F, F, P},
    [HAK_TINY_CONSERVATIVE] = {F, F, F, F, F, F, F, F},
    [HAK_TINY_OFF] = {P, P, P, P, P, P, P, P},
    [HAK_TINY_FULL] = {T, T, T, T, T, T, T, T},
};

uint8_t hak_route_of_band[HAK_TINY_BANDS] = {F, F, F, F, F, F, F, F};

enum hak_route hak_route_of_class(unsigned class_index) {
    unsigned band = hak_class_band[class_index];
    return band < HAK_TINY_BANDS ? (enum hak_route)hak_route_of_band[band] : HAK_ROUTE_POOL_ONLY;
}

static size_t give_back_kept(void) {
    return hak_pool_trim() + hak_large_trim();
}

void hak_route_start(void) {
    for (unsigned band = 0; band < HAK_TINY_BANDS; band++)
        hak_route_of_band[band] =
            band > hak_options.tiny_max_class ? P : profiles[hak_options.tiny_profile][band];
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        hak_mid_serves[c] = hak_route_of_class(c) == HAK_ROUTE_POOL_ONLY;
    hak_front_at_period = hak_large_tend;
    hak_front_give_back = give_back_kept;
    hak_plan_start();
}

static bool is_aligned_class(unsigned class_index, size_t alignment) {
    return alignment == 0 || hak_class_bytes(class_index) % alignment == 0;
}

struct hak_taken hak_route_take_instead(unsigned class_index, size_t alignment) {
    struct hak_taken taken = {HAK_NO_BASE, class_index};
    if (hak_route_of_class(class_index) != HAK_ROUTE_TINY_FIRST ||
        hak_thread.state != HAK_THREAD_OWN)
        return taken;
    for (unsigned c = class_index + 1; c < HAK_CLASSES && !taken.base.p; c++)
        if (hak_mid_has(c) && is_aligned_class(c, alignment))
            taken = (struct hak_taken){hak_array_pop(c), c};
    for (unsigned c = class_index + 1; c < HAK_CLASSES && !taken.base.p; c++)
        if (hak_mid_has(c) && is_aligned_class(c, alignment))
            taken = (struct hak_taken){hak_route_take_slowly(c), c};
    return taken;
}

/* ---- what is no block ----------------------------------------------------------------------- */

HAK_COLD void hak_route_refuse(base_t base) {
    if (!hak_is_debug_build)
        hak_blame("bad-free", base.p,
                  "is inside a block or in no block; free what malloc returned");
}

/* ---- memory that goes back ------------------------------------------------------------------ */

size_t hak_route_trim(void) {
    size_t bytes = hak_front_trim();
    return bytes + give_back_kept();
}
