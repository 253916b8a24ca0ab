/* Arrays that grow by doubling: the one place where their pointers move.
 *
 * An array is a pointer to its first element, NULL while it has none, and a capacity in elements;
 * its owner frees it with free. Two arrays of one length are grown with a copy of the capacity
 * each, which is kept when both have grown. Not for two threads at once, not in signal handlers.
 */
#ifndef HAK_BASE_GROWING_H
#define HAK_BASE_GROWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes room for one more element behind the `count` there are. `array` is the address of the
 * pointer to the first, which may move; `capacity` counts elements of `each` bytes. False without
 * memory: all is as it was. */
bool hak_growing_make_room(void *array, uint64_t count, uint32_t *capacity, size_t each);

/* Grows an array whose elements are used in any order until it has one at `index`; new elements are
 * zero. False: no memory. */
bool hak_growing_reach(void *array, uint64_t index, uint32_t *capacity, size_t each);

#endif
