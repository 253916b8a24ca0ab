/* The short way of a call in level trace: layout same, recorded, a small block of the calling
 * thread's heap, and all is well.
 *
 *   malloc   hak_check_hand_out_traced --no--> hak_check_hand_out
 *   free     hak_check_freed_traced -----no--> hak_check_take_back, hak_check_freed
 *
 * Whatever is not as it should be takes the long way, which looks again from the start and says
 * what is wrong. Nothing but the stack, the slot's state, one record and one counter is touched,
 * and there is no atomic instruction while the process has one thread. */
#ifndef HAK_GUARD_TRACED_WAY_H
#define HAK_GUARD_TRACED_WAY_H

#include "guard/guard.h"

/* traced_way.c: as the options say; hak_check_traced_way is false until the start. */
HAK_HIDDEN void hak_traced_way_start(void);

#endif
