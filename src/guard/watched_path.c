/* The short way to the program (path.h) while debug registers watch: each block that takes it may
 * be one that is watched. */
#include "guard/guard.h"
#include "guard/path.h"
#include "guard/slot_bytes.h"
#include "guard/watched/watched.h"

static struct hak_check_path unwatched_path; /* that most calls take when nothing is watched */

/* Hands a block out by the short path (path.h) and offers it to a register. */
static HAK_TRACER_TEXT bool take_watching(base_t base, unsigned class_index, uint32_t asked_bytes,
                                          enum hak_subkind subkind, hak_call_t call) {
    struct hak_near_slot at;
    if (HAK_UNLIKELY(!hak_watched_is_on)) /* any more: of several threads each writes the same */
        __atomic_store_n(&hak_check_path.take, unwatched_path.take, __ATOMIC_RELAXED);
    if (!unwatched_path.take(base, class_index, asked_bytes, subkind, call))
        return false;
    if (hak_locate_start(base, class_index, &at) &&
        HAK_UNLIKELY(!hak_watched_skips(at.slot->alloc_stack))) {
        struct hak_located located = hak_located_of(&at);
        hak_watched_offer(&located);
    }
    return true;
}

void hak_watched_path_start(void) {
    unwatched_path = hak_check_path;
    if (hak_watched_is_on && unwatched_path.take)
        hak_check_path.take = take_watching;
}
