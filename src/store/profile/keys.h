/* Keys of allocations: one for each pair of thread group and stack, the same in all processes. They
 * are numbered from 1 in the order of first use and written as they come (table profile_key).
 *
 * A thread's group is its number in its process, where that is 1..63; later threads are one group,
 * so that a server with thousands of them does not multiply its rows. */
#ifndef HAK_STORE_PROFILE_KEYS_H
#define HAK_STORE_PROFILE_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/index.h"

#define HAK_PROFILE_GROUPS 64 /* the greatest; 0 = the thread is not known */
#define HAK_PROFILE_ROWS_MAX                                                                       \
    (1u << 24) /* processes and threads of greater rows are passed over                            \
                */

struct hak_profile_key {
    uint32_t group, stack; /* stack: row id of its innermost node, 0 = none */
};

struct hak_profile_keys {
    struct hak_profile_key *key; /* of key 1 on */
    uint32_t count, room;
    struct hak_index index;
};

/* `number` of a thread in its process, 0 = not known. */
static inline uint32_t hak_profile_group(uint32_t number) {
    return number < HAK_PROFILE_GROUPS ? number : HAK_PROFILE_GROUPS;
}
/* The key of the pair, which is added where it is new; 0 when memory is out. */
uint32_t hak_profile_key(struct hak_profile_keys *k, uint32_t group, uint32_t stack);
/* Forgets all keys behind the first `count`. False when memory is out. */
bool hak_profile_keys_cut(struct hak_profile_keys *k, uint32_t count);
void hak_profile_keys_free(struct hak_profile_keys *k);

#endif
