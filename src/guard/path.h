/* The path that most calls take: a small block of the calling thread's heap, and all is well.
 *
 *   malloc   take --no--> hak_check_hand_out                      (border.c)
 *   free     give --no--> hak_check_pointer, then hak_check_quarantine or hak_check_freed
 *
 * Whatever is not as it should be takes the other way, which looks again from the start and says
 * what is wrong; so no check is told twice, and none here has words of its own. This one finds the
 * same: header and canary of a block given back, its kind, the poison of a block handed out. Poison
 * is not compared when a block leaves quarantine for an array, since nobody writes it between then
 * and the hand-out, or the sweep at exit.
 *
 * Both functions stand once in path.c and are made for
 *
 *               layout   checks bytes  records  what is freed goes to
 *   traced      same     -             x        its array
 *   recorded    header   x             x        quarantine
 *   checked     header   x             -        quarantine             HAKMEM_TRACE=off
 *
 * There is no lock, and no atomic instruction while the process has one thread. */
#ifndef HAK_GUARD_PATH_H
#define HAK_GUARD_PATH_H

#include "guard/guard.h"

/* Makes hak_check_path (border.h) as the options say. */
HAK_HIDDEN void hak_path_start(void);

#endif
