/* Provides addresses that nobody may touch, opens pages of them, and closes these again.
 *
 *   regions    Linux 6.15: the pages are writable to the kernel, and guard markers
 *              (MADV_GUARD_INSTALL) lie on them; a page is opened by taking its marker away. One
 *              mapping whatever is open, and a fifth of the time of the other way
 *   mappings   older kernels, and where a marker is refused (mlockall): the pages are a mapping
 *              without access, an open one is a mapping of its own
 *
 *     | pattern | ............................................. |   a private mapping of /dev/zero
 *     closed and never opened
 *
 *     again   a copy of the pattern's pages is mapped over those that were opened (mremap with
 *             MREMAP_DONTUNMAP), which drops their memory; the kernel makes one mapping of it and
 *             its neighbours
 *
 * A private mapping of /dev/zero is memory like any other to the kernel, but /proc/self/maps shows
 * it as that file. Handlers of crashes read there what is writable and of no file: redis' reads and
 * writes all of it, after it noted each mapping in an array of 128 on its stack. If there is no
 * /dev/zero, or /dev is mounted noexec (no page of it could be made executable), the addresses are
 * of no file. Without MREMAP_DONTUNMAP (Linux 5.7) a closed mapping over opened pages makes them
 * closed again.
 *
 * No lock; the caller owns the pages. May call: platform. */
#ifndef HAK_GUARDED_CLOSED_H
#define HAK_GUARDED_CLOSED_H

#include <stdbool.h>
#include <stddef.h>
#include "block.h"

struct hak_closed {
    char *start, *end;
    size_t pattern_bytes; /* from the start on; 0: of no file, or by regions */
    char *marked_end;     /* so far guard markers lie; NULL: by mappings */
    bool is_left_open;    /* some pages behind marked_end, since the kernel refused everything */
    bool is_of_file;      /* /dev/zero: the kernel refuses to wipe it in a child */
};

enum hak_closed_by { HAK_CLOSED_BY_REGION, HAK_CLOSED_BY_MAPPING };

/* The way of pieces that are held from now on; set once, but by tests. */
HAK_HIDDEN extern bool hak_closed_tries_regions;

/* Makes [start, start + bytes) such addresses, at most `most_pattern_bytes` of them the pattern.
 * `start` is held for the caller, and nothing of it was opened. */
HAK_HIDDEN struct hak_closed hak_closed_hold(char *start, size_t bytes, size_t most_pattern_bytes);

/* Closes the pages [start, end), of which none was opened; `by` becomes the way. False: the kernel
 * does not now; to be tried again, and nothing there may be used before. */
HAK_HIDDEN bool hak_closed_prepare(struct hak_closed *closed, char *start, char *end,
                                   enum hak_closed_by *by);

/* Opens pages that are closed in this way. False: the kernel does not. */
HAK_HIDDEN bool hak_closed_open(char *start, size_t bytes, enum hak_closed_by by);

/* Closes pages of `closed` that are open, or those that the kernel did not open whole, and drops
 * their memory; `by`, the way before, becomes the new one. False: the kernel does not; open pages
 * have no marker then, and the others are as they were. */
HAK_HIDDEN bool hak_closed_again(const struct hak_closed *closed, char *start, size_t bytes,
                                 bool is_open, enum hak_closed_by *by);

#endif
