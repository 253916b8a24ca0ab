/* Sorted arrays of numbers: made, and searched. */
#ifndef HAK_BASE_SORTED_H
#define HAK_BASE_SORTED_H

#include <stdint.h>

/* Sorts `count` numbers and drops those that are there twice; returns how many are left. */
uint32_t hak_sort_distinct(uint64_t *numbers, uint32_t count);
/* Index of the first of `count` sorted numbers that is >= `number` (count if there is none). */
uint32_t hak_find_sorted(const uint64_t *numbers, uint32_t count, uint64_t number);
/* Sorts `count` numbers by radix; `scratch` has room for as many. */
void hak_sort_keys(uint64_t *key, uint32_t count, uint64_t *scratch);

#endif
