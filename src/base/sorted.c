/* Sorts numbers and searches them by halves. */
#include "base/sorted.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "attributes.h"

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void hak_sort_by_first(void *array, size_t count, size_t bytes) {
    if (count)
        qsort(array, count, bytes, compare);
}

uint32_t hak_drop_doubles(uint64_t *numbers, uint32_t count) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!kept || numbers[kept - 1] != numbers[i])
            numbers[kept++] = numbers[i];
    return kept;
}

uint32_t hak_sort_distinct(uint64_t *numbers, uint32_t count) {
    hak_sort_by_first(numbers, count, sizeof *numbers);
    return hak_drop_doubles(numbers, count);
}

bool hak_add_sorted(uint64_t *numbers, uint32_t *count, uint32_t room, uint64_t number) {
    uint32_t at = hak_find_sorted(numbers, *count, number);
    if (at < *count && numbers[at] == number)
        return true;
    if (*count == room)
        return false;
    memmove(&numbers[at + 1], &numbers[at], (*count - at) * sizeof *numbers);
    numbers[at] = number;
    ++*count;
    return true;
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

/* Copies an item of one or two numbers (`words`), the first of them the key. */
HAK_IN_PLACE void copy_item(uint64_t *to, const uint64_t *from, unsigned words) {
    to[0] = from[0];
    if (words == 2)
        to[1] = from[1];
}

/* Insertion sort, for few items. Stable. */
HAK_IN_PLACE void insert_each(uint64_t *item, uint32_t count, unsigned words) {
    for (uint32_t i = 1; i < count; i++) {
        uint64_t now[2] = {0};
        uint32_t at = i;
        copy_item(now, item + (size_t)i * words, words);
        for (; at && item[(size_t)(at - 1) * words] > now[0]; at--)
            copy_item(item + (size_t)at * words, item + (size_t)(at - 1) * words, words);
        copy_item(item + (size_t)at * words, now, words);
    }
}

/* Copies the items to `to` in the order of the digit at `shift`; items with the same digit keep
 * their order. */
HAK_IN_PLACE void sort_by_digit(const uint64_t *from, uint64_t *to, uint32_t count, unsigned shift,
                                unsigned words) {
    uint32_t place[DIGITS] = {0}, sum = 0;
    for (uint32_t i = 0; i < count; i++)
        place[from[(size_t)i * words] >> shift & (DIGITS - 1)]++;
    for (uint32_t i = 0; i < DIGITS; i++) {
        uint32_t here = place[i];
        place[i] = sum;
        sum += here;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *item = from + (size_t)i * words;
        copy_item(to + (size_t)place[item[0] >> shift & (DIGITS - 1)]++ * words, item, words);
    }
}

/* Sorts by the key, stable: nothing if it is sorted, insertion below 64 items, else radix sort over
 * the digits that differ. `scratch` has room for all. */
HAK_IN_PLACE void sort_items(uint64_t *item, uint32_t count, uint64_t *scratch, unsigned words) {
    uint64_t differ = 0;
    bool is_sorted = true;
    for (uint32_t i = 1; i < count; i++) {
        const uint64_t *now = item + (size_t)i * words;
        differ |= now[0] ^ item[0];
        is_sorted &= now[0] >= *(now - words);
    }
    if (is_sorted)
        return;
    if (count < 64) {
        insert_each(item, count, words);
        return;
    }
    uint64_t *from = item, *to = scratch;
    unsigned top = 64 - (unsigned)__builtin_clzll(differ);
    for (unsigned shift = (unsigned)__builtin_ctzll(differ); shift < top; shift += DIGIT_BITS) {
        if (!(differ >> shift & (DIGITS - 1)))
            continue;
        sort_by_digit(from, to, count, shift, words);
        uint64_t *kept = from;
        from = to;
        to = kept;
    }
    if (from != item)
        memcpy(item, from, count * words * sizeof *item);
}

void hak_sort_keys(uint64_t *key, uint32_t count, uint64_t *scratch) {
    sort_items(key, count, scratch, 1);
}

void hak_sort_pairs(struct hak_pair *pair, uint32_t count, struct hak_pair *scratch) {
    sort_items(&pair->key, count, &scratch->key, 2);
}
