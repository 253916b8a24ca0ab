/* Spare mappings: blocks that a BigCache does not keep, or no longer, and that are too large for
 * L2.5 leave their pages here for the next ones.
 *
 *   give --> | mapping | mapping | ... |     at most 32, together at most as much as is in use of
 *            parts side by side are one      such blocks, or 32 MiB, and never more than 192 MiB
 *                                            or 24 times what BigCaches keep; oldest first
 *   take <-- the smallest that is as large
 *            as asked: its front part, the
 *            rest stays; else the greatest,
 *            which the kernel makes longer
 *
 * What a block of some MiB costs is the first touch of each page: 0.3 us and more, against 0.01 us
 * for moving it to another address, which the kernel does where a mapping has to grow. Without
 * spare ones a program that fills and frees such blocks pays for every page each time.
 *
 * A mapping that is not taken for a second goes back to the kernel, at the next give or when any
 * thread takes a slow path (hak_large_tend); all of them at malloc_trim, and when there is no
 * memory for a new mapping.
 *
 * Ownership: the list is under a lock that is tried and never waited for. In the child of a fork in
 * which another thread was changing the list, it begins empty; the addresses are lost to it.
 *
 * Not in the debug build: a freed block is gone there, and its place is nobody's.
 *
 * May call: held, platform. */
#ifndef HAK_LARGE_SPARE_H
#define HAK_LARGE_SPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

/* Keeps a mapping of whole pages, with the `origin` that it was taken with, 0 = none; `used_bytes`
 * are in mappings in use. False: it is not to be kept. Any thread. */
HAK_HIDDEN bool hak_spare_give(void *start, size_t bytes, uint16_t origin, size_t used_bytes);

/* A mapping of at least `*bytes` (whole pages), as a whole where it has at most `most`, of any
 * content; its size in `*bytes`, and which mapping it is a part of in `*origin`. NULL when there is
 * none. Any thread. */
HAK_HIDDEN void *hak_spare_take(size_t *bytes, size_t most, uint16_t *origin);

/* Whether a spare mapping of at least `bytes` is there. */
HAK_HIDDEN bool hak_spare_has(size_t bytes);

/* Unmaps what was not taken for a second, or all; returns the bytes. */
HAK_HIDDEN size_t hak_spare_tend(void);
HAK_HIDDEN size_t hak_spare_trim(void);

/* Bytes of all spare mappings now. */
HAK_HIDDEN extern _Atomic size_t hak_spare_kept_bytes;
HAK_HIDDEN size_t hak_spare_bytes(void);

/* True when `p` lies in a spare mapping. For reports. */
HAK_HIDDEN bool hak_spare_holds(const void *p);

/* Frees the spare mappings' lock in the child of a fork; if another thread held it, they are all
 * given up. */
HAK_HIDDEN void hak_spare_after_fork(void);

#endif
