/* What is done with a block that belongs to us by its address and is no slot; and giving back all
 * that is kept for later. */
#include "route/route.h"

#include "pool/pool.h"

HAK_COLD void hak_route_refuse(base_t base) {
    if (!hak_is_debug_build)
        hak_die("bad-free", base.p, "is inside a block or in no block; free what malloc returned");
}

HAK_COLD void hak_route_refuse_second(base_t base) {
    if (!hak_is_debug_build)
        hak_die("double-free", base.p, "is free already; some code freed it twice");
}

size_t hak_route_trim(void) {
    size_t bytes = hak_front_trim();
    return bytes + hak_pool_trim() + hak_large_trim();
}
