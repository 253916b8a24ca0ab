/* The index of stack nodes: an array of first children, and open addressing for the others. */
#include "collector/capture/node_index.h"

#include <stdlib.h>
#include "base/growing.h"

enum { FIRST_BITS = 12 };

static uint64_t home(const struct hak_node_index *index, uint64_t key) {
    return key >> (64 - index->slot_bits);
}

/* Puts a slot into the first free place from its home on. */
static void insert(struct hak_node_index *index, uint64_t slot) {
    uint64_t mask = ((uint64_t)1 << index->slot_bits) - 1, at = home(index, slot);
    while (index->slots[at])
        at = (at + 1) & mask;
    index->slots[at] = slot;
}

/* Makes room for one more in at most three quarters of the slots; the table doubles. False without
 * memory, or beyond 2^32 slots. */
static bool make_room(struct hak_node_index *index) {
    uint64_t slots = index->slots ? (uint64_t)1 << index->slot_bits : 0, *old = index->slots;
    if (index->slots_used + 1 < slots / 4 * 3)
        return true;
    uint32_t bits = old ? index->slot_bits + 1 : FIRST_BITS;
    uint64_t *more = bits <= 32 ? calloc((size_t)1 << bits, sizeof *more) : NULL;
    if (!more)
        return false;
    index->slots = more;
    index->slot_bits = bits;
    for (uint64_t i = 0; i < slots; i++)
        if (old[i])
            insert(index, old[i]);
    free(old);
    return true;
}

/* Where the first child of `parent` stands; NULL: it is in the hash table. */
static uint32_t *first_of(const struct hak_node_index *index, uint32_t parent) {
    uint32_t at = parent - index->base;
    return parent >= index->base && at <= index->count && index->first ? &index->first[at] : NULL;
}

uint32_t hak_node_index_find(const struct hak_node_index *index, uint32_t parent, uint64_t key) {
    const uint32_t *place = first_of(index, parent);
    if (place && *place == 0)
        return 0;
    if (place && index->keys[*place - index->base - 1] == key)
        return *place;
    uint64_t mask = ((uint64_t)1 << index->slot_bits) - 1;
    for (uint64_t at = index->slots ? home(index, key) : 0; index->slots && index->slots[at];
         at = (at + 1) & mask) {
        uint32_t row = (uint32_t)index->slots[at];
        if (index->slots[at] >> 32 == key >> 32 && index->keys[row - index->base - 1] == key)
            return row;
    }
    return 0;
}

bool hak_node_index_add(struct hak_node_index *index, uint32_t parent, uint64_t key) {
    uint32_t row = index->base + index->count + 1;
    if (parent >= row ||
        !hak_growing_make_room(&index->keys, index->count, &index->key_capacity,
                               sizeof *index->keys) ||
        !hak_growing_reach(&index->first, index->count + 1, &index->first_capacity,
                           sizeof *index->first) ||
        !make_room(index))
        return false;
    uint32_t *first = first_of(index, parent);
    index->keys[index->count++] = key;
    if (first && *first == 0) {
        *first = row;
    } else {
        insert(index, (key >> 32 << 32) | row);
        index->slots_used++;
    }
    return true;
}

void hak_node_index_free(struct hak_node_index *index) {
    free(index->keys);
    free(index->first);
    free(index->slots);
    *index = (struct hak_node_index){0};
}
