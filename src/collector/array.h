/* Arrays of the collector that grow by doubling. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes room for one more element behind the `count` there are. `array` is the address of the
 * pointer to the first, which may move; `capacity` counts elements of `each` bytes. False without
 * memory: all is as it was. Not for two threads at once. */
bool hak_array_make_room(void *array, uint32_t count, uint32_t *capacity, size_t each);
