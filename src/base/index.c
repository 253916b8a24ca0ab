/* The hash index: open addressing, linear probing. */
#include "base/index.h"

#include <stdlib.h>
#include <string.h>

uint32_t hak_index_find(const struct hak_index *index, uint64_t key, uint64_t *place) {
    if (index->capacity == 0)
        return 0;
    uint64_t mask = index->capacity - 1, start = hak_index_mix(0, key);
    for (; *place < index->capacity; (*place)++) {
        const struct hak_index_entry *e = &index->entries[(start + *place) & mask];
        if (e->row == 0)
            return 0;
        if (e->key == key) {
            (*place)++;
            return e->row;
        }
    }
    return 0;
}

/* Puts the row into the first free place from its key's on. There is room. */
static void insert(struct hak_index *index, uint64_t key, uint32_t row) {
    uint64_t mask = index->capacity - 1, at = hak_index_mix(0, key) & mask;
    while (index->entries[at].row)
        at = (at + 1) & mask;
    index->entries[at] = (struct hak_index_entry){key, row};
    index->count++;
}

/* Doubles the table, from 1,024 places, and puts all rows in anew. False without memory. */
static bool grow(struct hak_index *index) {
    struct hak_index bigger = {.capacity = index->capacity ? 2 * index->capacity : 1024};
    bigger.entries = calloc(bigger.capacity, sizeof *bigger.entries);
    if (!bigger.entries)
        return false;
    for (uint64_t i = 0; i < index->capacity; i++)
        if (index->entries[i].row)
            insert(&bigger, index->entries[i].key, index->entries[i].row);
    free(index->entries);
    *index = bigger;
    return true;
}

bool hak_index_add(struct hak_index *index, uint64_t key, uint32_t row) {
    if (3 * (index->count + 1) > 2 * index->capacity && !grow(index))
        return false;
    insert(index, key, row);
    return true;
}

uint64_t hak_index_hash(const char *text, size_t bytes) {
    uint64_t hash = bytes, word;
    for (; bytes >= sizeof word; bytes -= sizeof word, text += sizeof word) {
        memcpy(&word, text, sizeof word);
        hash = hak_index_mix(hash, word);
    }
    word = 0;
    memcpy(&word, text, bytes);
    return hak_index_mix(hash, word);
}

void hak_index_free(struct hak_index *index) {
    free(index->entries);
    *index = (struct hak_index){0};
}
