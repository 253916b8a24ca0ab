/* Sorted arrays: numbers made and searched, structs searched by one of their members. */
#ifndef HAK_BASE_SORTED_H
#define HAK_BASE_SORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sorts `count` numbers and drops those that are there twice; returns the number left. */
uint32_t hak_sort_distinct(uint64_t *numbers, uint32_t count);
/* Drops the doubles from sorted numbers; returns how many are left. */
uint32_t hak_drop_doubles(uint64_t *numbers, uint32_t count);
/* Adds a number to sorted distinct ones, where it is not among them. False: all `room` is taken. */
bool hak_add_sorted(uint64_t *numbers, uint32_t *count, uint32_t room, uint64_t number);
/* Index of the first of `count` sorted numbers that is >= `number` (count if there is none). */
uint32_t hak_find_sorted(const uint64_t *numbers, uint32_t count, uint64_t number);
/* Index of the first of `count` structs whose `member`, a uint64_t by which they are sorted, is
 * greater than `number` (count if there is none). */
#define HAK_FIRST_ABOVE(array, count, member, number)                                              \
    hak_first_above((count) ? &(array)->member : NULL, (count), sizeof *(array), (number))

/* The index of the first of `count` sorted numbers, `apart` bytes from each other, that is greater
 * than `number`; `count`: none is. */
static inline size_t hak_first_above(const uint64_t *first, size_t count, size_t apart,
                                     uint64_t number) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const void *at = (const char *)first + middle * apart;
        if (*(const uint64_t *)at <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
/* Sorts `count` structs of `bytes` each by the uint64_t that they begin with. */
void hak_sort_by_first(void *array, size_t count, size_t bytes);
/* Sorts `count` numbers by radix; `scratch` has room for as many. */
void hak_sort_keys(uint64_t *key, uint32_t count, uint64_t *scratch);
/* The same for pairs by their keys; pairs of one key stay in their order. */
struct hak_pair {
    uint64_t key, value;
};
void hak_sort_pairs(struct hak_pair *pair, uint32_t count, struct hak_pair *scratch);

#endif
