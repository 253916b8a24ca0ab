/* Gives back the pages of several ranges in one call of the kernel: each call interrupts the other
 * processors that run threads of the process, however little it gives back.
 *
 *   hak_ranges_add, hak_ranges_add ... --> hak_ranges_discard --> process_madvise of this process
 *                                                            \--> madvise, range by range
 *
 * The kernel takes it from Linux 6.14 on. Where it does not, or a sandbox may end the program for
 * asking, the ranges go one by one. No descriptor is opened, errno stays.
 *
 * Thread and signal safety: the ranges are the caller's, on its stack; async-signal-safe. */
#ifndef HAK_PLATFORM_DISCARD_H
#define HAK_PLATFORM_DISCARD_H

#include <stdatomic.h>
#include <sys/uio.h>
#include "platform/platform.h"

/* How often the program has entered a sandbox, or tries to; there in libhakmem.so alone
 * (entry/plain/sandbox.c). */
HAK_HIDDEN extern _Atomic unsigned hak_sandboxes_entered __attribute__((weak));

enum { HAK_RANGES_MOST = 64 };

struct hak_ranges {
    struct iovec range[HAK_RANGES_MOST];
    unsigned count;
    size_t given_back_bytes; /* so far: of those that were handed over */
};

/* Nothing is collected yet; the places stay as they are. */
static inline void hak_ranges_begin(struct hak_ranges *ranges) {
    ranges->count = 0;
    ranges->given_back_bytes = 0;
}

/* Gives back what is collected. Returns the bytes of all ranges that went back so far; pages that
 * are locked stay and do not count. */
HAK_HIDDEN size_t hak_ranges_discard(struct hak_ranges *ranges);

/* Adds whole pages; next to the last range, they lengthen it. Where there is no room, what is
 * collected goes first. The pages belong to the caller until hak_ranges_discard. */
HAK_HIDDEN void hak_ranges_add(struct hak_ranges *ranges, void *start, size_t bytes);

/* Whether several ranges go in one call, as far as is known. */
HAK_HIDDEN bool hak_ranges_go_together(void);

#endif
