/* Numbers the pairs of thread group and stack. */
#include "store/profile/keys.h"

#include <stdlib.h>
#include "base/growing.h"

static uint64_t hash_of(uint32_t group, uint32_t stack) {
    return (uint64_t)group << 32 | stack;
}

uint32_t hak_profile_key(struct hak_profile_keys *k, uint32_t group, uint32_t stack) {
    uint64_t place = 0;
    uint32_t row = hak_index_find(&k->index, hash_of(group, stack), &place);
    if (row)
        return row;
    if (k->count == UINT32_MAX - 1 ||
        !hak_growing_make_room(&k->key, k->count, &k->room, sizeof *k->key) ||
        !hak_index_add(&k->index, hash_of(group, stack), k->count + 1))
        return 0;
    k->key[k->count] = (struct hak_profile_key){group, stack};
    return ++k->count;
}

bool hak_profile_keys_cut(struct hak_profile_keys *k, uint32_t count) {
    hak_index_free(&k->index);
    k->count = count < k->count ? count : k->count;
    for (uint32_t i = 0; i < k->count; i++)
        if (!hak_index_add(&k->index, hash_of(k->key[i].group, k->key[i].stack), i + 1))
            return false;
    return true;
}

void hak_profile_keys_free(struct hak_profile_keys *k) {
    free(k->key);
    hak_index_free(&k->index);
    *k = (struct hak_profile_keys){0};
}
