/* Level light: allocates in the plain allocator what the checks' half was asked for, by a call that
 * is no fast path. Compiled for that allocator alone. */
#include "entry/way.h"

void *hak_entry_allocate_as(struct hak_hand_out *how) {
    return hak_entry_serve(how);
}
