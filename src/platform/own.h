/* The addresses that hakmem itself has mapped, for the debug build: the leak scan takes no pointer
 * in them for one of the program's (docs/specs/leaks.md).
 *
 *   address  46 ............ 34 | 33 .......... 12 | 11 ... 0
 *            leaf, 8,192 places | bit of the page  |
 *
 * A leaf is 512 KiB; only touched pages count. Addresses are noted after they were mapped, and
 * taken back before they are unmapped: so no other thread can get them in between. platform.h and
 * raw_call.h do it by themselves.
 *
 * Thread and signal safety: no lock; any thread, any signal handler. */
#ifndef HAK_PLATFORM_OWN_H
#define HAK_PLATFORM_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

/* The leaves, by the upper bits of a page's number: for the table that others read (layout.h). */
enum { HAK_OWN_LEAF_PAGE_BITS = 22 };
struct hak_own_leaf;
HAK_HIDDEN extern _Atomic(struct hak_own_leaf *) hak_own_leaves[];

/* Notes that the pages of [start, start + bytes) are hakmem's, or no longer. Weak, since parts of
 * hakmem are linked without it: look before the call. Keeps errno. Pages for which there is no
 * memory stay unnoted. */
HAK_HIDDEN void hak_own_note(const void *start, size_t bytes, bool is_own) __attribute__((weak));

/* Nobody will ask: nothing is noted from here on. */
HAK_HIDDEN void hak_own_stop(void);

/* The first address from `from` on, and below `end`, in a page that is hakmem's (`is_own`) or is
 * not; `end` when there is none. */
HAK_HIDDEN uintptr_t hak_own_next(uintptr_t from, uintptr_t end, bool is_own);

#endif
