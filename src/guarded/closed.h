/* Provides addresses that nobody may touch, and closes opened pages again.
 *
 *   | pattern | ............................................. |   a private mapping of /dev/zero
 *   closed and never opened
 *
 *   again   a copy of the pattern's pages is mapped over those that were opened (mremap with
 *           MREMAP_DONTUNMAP), which drops their memory; the kernel makes one mapping of it and
 *           its neighbours
 *
 * Such a mapping is memory like any other to the kernel, but /proc/self/maps shows it as that file.
 * Handlers of crashes read there what is writable and of no file, some into arrays of a fixed
 * length on their stack (redis has room for 128), which open blocks of their own would overrun. If
 * there is no /dev/zero, /dev is mounted noexec (no page of it could be made executable), or the
 * kernel has no MREMAP_DONTUNMAP (Linux 5.7), the addresses are of no file, and a closed mapping
 * over opened pages makes them closed again.
 *
 * No lock; the caller owns the pages. May call: platform. */
#ifndef HAK_GUARDED_CLOSED_H
#define HAK_GUARDED_CLOSED_H

#include <stdbool.h>
#include <stddef.h>
#include "block.h"

struct hak_closed {
    char *start, *end;
    size_t pattern_bytes; /* from the start on; 0: of no file */
};

/* Makes [start, start + bytes) such addresses, at most `most_pattern_bytes` of them the pattern.
 * `start` is held for the caller, and nothing of it was opened. */
HAK_HIDDEN struct hak_closed hak_closed_hold(char *start, size_t bytes, size_t most_pattern_bytes);

/* Closes pages of `closed`, and drops their memory. False: the kernel does not. */
HAK_HIDDEN bool hak_closed_again(const struct hak_closed *closed, char *start, size_t bytes);

#endif
