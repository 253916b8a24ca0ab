/* What the fast paths read, and the end of a program that frees a block twice. */
#include "front/front.h"

base_t hak_no_block = {NULL};

/* Every class starts empty and full at once, so that the first call takes the slow path. */
_Thread_local struct hak_thread hak_thread = {
    .heap_id = HAK_OWNER_NONE,
    .top = {[0 ... HAK_CLASSES - 1] = &hak_no_block},
    .end = {[0 ... HAK_CLASSES - 1] = &hak_no_block},
};

HAK_COLD void hak_front_refuse_second(base_t block) {
    if (!hak_is_debug_build)
        hak_blame("double-free", block.p, "is free already; some code freed it twice");
}
