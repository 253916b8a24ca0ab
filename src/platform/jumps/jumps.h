/* Leads functions of this library to others of it, by a jump in the place of their first
 * instructions.
 *
 *   the pages of all `from`  --copied, jumps written, made executable--> private pages
 *                            --mremap over the old ones, in one step---> code of the process
 *
 * Old and new pages differ in the jumps alone, and the code is executable at any moment: a system
 * that refuses leaves all as it was. Memory that was written is made executable, which SELinux
 * (execmem), systemd (MemoryDenyWriteExecute=) and prctl(PR_SET_MDWE) may forbid.
 *
 * The jump is the architecture's (jump.h of arch.h).
 *
 * Thread and signal safety: no thread may stand in the first instructions of a `from`. Allocates
 * nothing. */
#ifndef HAK_PLATFORM_JUMPS_H
#define HAK_PLATFORM_JUMPS_H

#include <stdbool.h>
#include <stddef.h>
#include "block.h"

struct hak_jump {
    const void *from, *to; /* functions */
};

/* Writes all of them. 0, or the errno of a system that refuses, after which none is written. */
HAK_HIDDEN int hak_jumps_write(const struct hak_jump *jumps, size_t count);

#endif
