/* Mappings that the kernel would not take back.
 *
 * munmap in the middle of a larger area makes two of it, and a process may have vm.max_map_count
 * areas (65,530) only: a program that gives back every second of 140,000 large blocks comes there.
 * A mapping that cannot be unmapped gives its pages back and is held here, for the next block of
 * its size or until unmapping works again.
 *
 *   unmap --refused--> | start, bytes | ... | --> take
 *                        ^ one is tried again after each mapping that could be unmapped
 *
 * Ownership: the list is under a lock of its own. The child of a fork in whose parent another
 * thread was changing it begins an empty one: the lost entries are addresses without pages.
 *
 * May call: platform. */
#ifndef HAK_LARGE_HELD_H
#define HAK_LARGE_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include "platform/lock.h"

/* Unmaps a mapping, or holds it without its pages; if that succeeded, tries one of those held
 * again. Any thread. */
HAK_HIDDEN void hak_held_unmap(void *start, size_t bytes);

/* A held mapping of at least `bytes` and at most a quarter more, all zero; its size in
 * `mapped_bytes`. NULL when none of the latest fits. */
HAK_HIDDEN void *hak_held_take(size_t bytes, size_t *mapped_bytes);

/* True when `p` lies in a held mapping. */
HAK_HIDDEN bool hak_held_holds(const void *p);

/* Frees the list's lock in the child of a fork; if another thread held it, the list is given up, as
 * its first block may be half-changed. */
HAK_HIDDEN void hak_held_after_fork(void);

#endif
