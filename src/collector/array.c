/* Arrays that grow by doubling: the one place where their pointers move. */
#include "collector/array.h"

#include <stdlib.h>
#include <string.h>

bool hak_array_make_room(void *array, uint32_t count, uint32_t *capacity, size_t each) {
    void *old, *more;
    if (count < *capacity)
        return true;
    memcpy(&old, array, sizeof old);
    uint32_t wanted = *capacity ? 2 * *capacity : 64;
    more = realloc(old, wanted * each);
    if (!more)
        return false;
    memcpy(array, &more, sizeof more);
    *capacity = wanted;
    return true;
}
