/* A hash index from 64-bit keys to row ids: several rows may share a key, so that a key may be a
 * hash of more; the caller compares. For one thread. */
#ifndef HAK_BASE_INDEX_H
#define HAK_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hak_index_entry {
    uint64_t key;
    uint32_t row; /* 0 = empty */
};
struct hak_index {
    struct hak_index_entry *entries;
    uint64_t capacity; /* a power of two */
    uint64_t count;
};

/* Gives the rows with `key`, one after the other: start with *place = 0, go on until 0 is
 * returned. */
uint32_t hak_index_find(const struct hak_index *index, uint64_t key, uint64_t *place);

/* Adds a row (not 0). False when memory ran out. */
bool hak_index_add(struct hak_index *index, uint64_t key, uint32_t row);

void hak_index_free(struct hak_index *index);

/* Makes a key of `bytes` bytes of text. */
uint64_t hak_index_hash(const char *text, size_t bytes);

/* Mixes `value` into a key (splitmix64). */
static inline uint64_t hak_index_mix(uint64_t key, uint64_t value) {
    uint64_t x = (key ^ value) + 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

#endif
