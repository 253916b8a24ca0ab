/* Grows arrays by doubling. */
#include "base/growing.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

bool hak_growing_make_room(void *array, uint64_t count, uint32_t *capacity, size_t each) {
    void *old, *more;
    if (count < *capacity)
        return true;
    uint64_t wanted = *capacity ? *capacity : FIRST_CAPACITY;
    while (wanted <= count)
        wanted *= 2;
    if (wanted > UINT32_MAX)
        return false;
    memcpy(&old, array, sizeof old);
    more = realloc(old, wanted * each);
    if (!more)
        return false;
    memcpy(array, &more, sizeof more);
    *capacity = (uint32_t)wanted;
    return true;
}

bool hak_growing_reach(void *array, uint64_t index, uint32_t *capacity, size_t each) {
    uint32_t before = *capacity;
    char *first;
    if (!hak_growing_make_room(array, index, capacity, each))
        return false;
    memcpy(&first, array, sizeof first);
    if (*capacity > before)
        memset(first + before * each, 0, (*capacity - before) * each);
    return true;
}
