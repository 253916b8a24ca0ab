/* Sorts numbers and searches them by halves. */
#include "base/sorted.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)

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

/* ---- sorting -----------------------------------------------------------------------------------
 */

static void insert_each(uint64_t *key, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        uint64_t now = key[i];
        uint32_t at = i;
        for (; at && key[at - 1] > now; at--)
            key[at] = key[at - 1];
        key[at] = now;
    }
}

void hak_sort_keys(uint64_t *key, uint32_t count, uint64_t *scratch) {
    uint64_t differ = 0;
    bool is_sorted = true;
    for (uint32_t i = 1; i < count; i++) {
        differ |= key[i] ^ key[0];
        is_sorted &= key[i] >= key[i - 1];
    }
    if (is_sorted)
        return;
    if (count < 64) {
        insert_each(key, count);
        return;
    }
    uint64_t *from = key, *to = scratch;
    unsigned top = 64 - (unsigned)__builtin_clzll(differ);
    for (unsigned shift = (unsigned)__builtin_ctzll(differ); shift < top; shift += DIGIT_BITS) {
        uint32_t place[DIGITS] = {0}, sum = 0;
        if (!(differ >> shift & (DIGITS - 1)))
            continue;
        for (uint32_t i = 0; i < count; i++)
            place[from[i] >> shift & (DIGITS - 1)]++;
        for (uint32_t i = 0; i < DIGITS; i++) {
            uint32_t here = place[i];
            place[i] = sum;
            sum += here;
        }
        for (uint32_t i = 0; i < count; i++)
            to[place[from[i] >> shift & (DIGITS - 1)]++] = from[i];
        uint64_t *kept = from;
        from = to;
        to = kept;
    }
    if (from != key)
        memcpy(key, from, count * sizeof *key);
}
