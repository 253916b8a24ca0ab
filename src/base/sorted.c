/* Sorts numbers and searches them by halves. */
#include "base/sorted.h"

#include <stdlib.h>

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint32_t hak_sort_distinct(uint64_t *numbers, uint32_t count) {
    uint32_t kept = 0;
    if (count)
        qsort(numbers, count, sizeof *numbers, compare);
    for (uint32_t i = 0; i < count; i++)
        if (!kept || numbers[kept - 1] != numbers[i])
            numbers[kept++] = numbers[i];
    return kept;
}

uint32_t hak_find_sorted(const uint64_t *numbers, uint32_t count, uint64_t number) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
