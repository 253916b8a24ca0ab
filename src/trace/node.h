/* One stack node in the session's ring of nodes: read and published by several threads and
 * processes at once, without a lock.
 *
 *   id      = lap << bits | place         2^bits nodes lie in the ring, so 2^bits ids share a place
 *   node    | ip:48 lap:16 | parent:32 owner:32 |
 *
 * A node is put into its place as a whole (cmpxchg16b), over a node of an earlier lap or over
 * nothing, never over one of the same or a later lap. So a node does not change within its lap, and
 * whoever finds the lap of an id before and after it read the rest has read the node of that id. An
 * id whose place holds another lap has no node: not written yet, or written over.
 *
 * `bits` is HAK_NODE_BITS_NONE where ids are indices and nothing is ever written over. All
 * functions are async-signal-safe. */
#ifndef HAK_TRACE_NODE_H
#define HAK_TRACE_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include "arch.h"
#include "trace/session.h"

enum { HAK_NODE_BITS_NONE = 32, HAK_NODE_LAP_SHIFT = 48, HAK_NODE_TRIES = 1000 };

/* Ids are below this: in a ring of few places the lap of a greater one has no room in the word. */
static inline uint32_t hak_node_ids_max(uint32_t bits) {
    uint32_t id_bits = bits + 64 - HAK_NODE_LAP_SHIFT;
    return id_bits < 32 ? (uint32_t)1 << id_bits : HAK_NODE_IDS_MAX;
}

/* In the place of an ip: the collector has given the id up, whose thread may never write it. */
#define HAK_NODE_GIVEN_UP (((uint64_t)1 << HAK_NODE_LAP_SHIFT) - 1)

static inline uint32_t hak_node_place(uint32_t id, uint32_t bits) {
    return (uint32_t)(id & (((uint64_t)1 << bits) - 1));
}

/* The first word of node `id`. */
static inline uint64_t hak_node_word(uint32_t id, uint32_t bits, uint64_t ip) {
    return ip | (uint64_t)id >> bits << HAK_NODE_LAP_SHIFT;
}

/* Is `ip` an address that a node can hold? */
static inline bool hak_node_can_hold(uint64_t ip) {
    return ip != 0 && ip < HAK_NODE_GIVEN_UP;
}

/* Whether node `id` is {ip, parent}, and not written over by another. */
static inline bool hak_node_is(const struct hak_node *nodes, uint32_t bits, uint32_t id,
                               uint64_t ip, uint32_t parent) {
    const struct hak_node *node = &nodes[hak_node_place(id, bits)];
    uint64_t word = hak_node_word(id, bits, ip);
    return __atomic_load_n(&node->ip, __ATOMIC_ACQUIRE) == word &&
           __atomic_load_n(&node->parent, __ATOMIC_ACQUIRE) == parent &&
           __atomic_load_n(&node->ip, __ATOMIC_RELAXED) == word;
}

/* Copies node `id`, its ip without the lap. False: its place does not hold it. */
static inline bool hak_node_read(const struct hak_node *nodes, uint32_t bits, uint32_t id,
                                 struct hak_node *out) {
    const struct hak_node *node = &nodes[hak_node_place(id, bits)];
    uint64_t word = __atomic_load_n(&node->ip, __ATOMIC_ACQUIRE);
    out->parent = __atomic_load_n(&node->parent, __ATOMIC_ACQUIRE);
    out->owner = __atomic_load_n(&node->owner, __ATOMIC_ACQUIRE);
    out->ip = word & HAK_NODE_GIVEN_UP;
    return word == hak_node_word(id, bits, out->ip) && hak_node_can_hold(out->ip) &&
           __atomic_load_n(&node->ip, __ATOMIC_RELAXED) == word;
}

/* Copies a place to memory that nobody else sees, whole although somebody may publish there. */
static inline void hak_node_copy(struct hak_node *to, const struct hak_node *from) {
    do {
        to->ip = __atomic_load_n(&from->ip, __ATOMIC_ACQUIRE);
        to->parent = __atomic_load_n(&from->parent, __ATOMIC_ACQUIRE);
        to->owner = __atomic_load_n(&from->owner, __ATOMIC_ACQUIRE);
    } while (__atomic_load_n(&from->ip, __ATOMIC_RELAXED) != to->ip);
}

/* Puts node `id` into its place. False: something of its lap or a later one is there, or the place
 * does not come to rest, as only a damaged program's does. */
static inline bool hak_node_publish(struct hak_node *nodes, uint32_t bits, uint32_t id, uint64_t ip,
                                    uint32_t parent, uint32_t owner) {
    struct hak_node *node = &nodes[hak_node_place(id, bits)];
    uint64_t word = hak_node_word(id, bits, ip), rest = parent | (uint64_t)owner << 32;
    uint64_t old[2] = {__atomic_load_n(&node->ip, __ATOMIC_RELAXED),
                       __atomic_load_n(&node->parent, __ATOMIC_RELAXED) |
                           (uint64_t)__atomic_load_n(&node->owner, __ATOMIC_RELAXED) << 32};
    for (unsigned left = HAK_NODE_TRIES; left > 0; left--) {
        if (old[0] && old[0] >> HAK_NODE_LAP_SHIFT >= word >> HAK_NODE_LAP_SHIFT)
            return false;
        if (hak_exchange_pair(node, old, word, rest))
            return true;
    }
    return false;
}

/* For the collector: gives id `id` up. False when its node, or one of a later lap, is there. */
static inline bool hak_node_give_up(struct hak_node *nodes, uint32_t bits, uint32_t id) {
    return hak_node_publish(nodes, bits, id, HAK_NODE_GIVEN_UP, 0, 0);
}

#endif
