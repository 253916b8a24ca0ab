/* The thread-local data that the fast paths read. hakmem-debug.so has it once, for the half that
 * serves the program (light.h): a library that is loaded later finds little room for thread-local
 * data. */
#include "front/front.h"

base_t hak_no_block = {NULL};

/* Every class starts empty and full at once, so that the first call takes the slow path. */
_Thread_local struct hak_thread hak_thread = {
    .heap_id = HAK_OWNER_NONE,
    .top = {[0 ... HAK_CLASSES - 1] = &hak_no_block},
    .end = {[0 ... HAK_CLASSES - 1] = &hak_no_block},
};
