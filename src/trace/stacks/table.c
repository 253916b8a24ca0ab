/* Finds stack nodes by (parent, ip) without a lock; stacks.h has the picture. */
#include "trace/stacks/table.h"
#include <stdatomic.h>
#include "platform/raw_call.h"
#include "trace/node.h"

enum { FIRST_BITS = 11, LAST_BITS = 27, PLACES_TRIED = 64 };

struct level {
    struct level *older;
    uint32_t bits;          /* log2 of the number of slots */
    _Atomic uint32_t used;  /* slots taken, about */
    _Atomic uint32_t first; /* children of this id or a later one are in no older level */
    _Atomic uint64_t slot[];
};

/* A slot whose node was forgotten: it is passed over, never used again. Id 0 is no node. */
static const uint64_t forgotten = (uint64_t)UINT32_MAX << 32;

static _Atomic(struct level *) newest;
static struct hak_stack_table_nodes table;
static _Atomic uint64_t *first_child; /* NULL: no room; then all are among the others */
static uint32_t last_bits;            /* of the level that is emptied, or grows no more */

/* A level with 2^`bits` places over the older ones; NULL without memory. */
static struct level *make_level(uint32_t bits, struct level *older) {
    struct level *level = hak_raw_map_spread(sizeof *level + (sizeof(uint64_t) << bits));
    if (level) {
        level->bits = bits;
        level->older = older;
    }
    return level;
}

/* Makes the table's first level; false: no memory. The last level has as many places as the ring
 * has nodes, and is emptied when half are used: so many ids are given before a node that is still
 * known gets a second one. */
bool hak_stack_table_start(const struct hak_stack_table_nodes *nodes) {
    struct level *level = make_level(FIRST_BITS, NULL);
    size_t bytes = nodes->capacity * sizeof *first_child;
    table = *nodes;
    last_bits = nodes->bits < LAST_BITS ? nodes->bits : LAST_BITS;
    first_child = hak_raw_has_room(bytes) ? hak_raw_map(bytes) : NULL;
    atomic_store(&newest, level);
    return level != NULL;
}

void hak_stack_table_end(void) {
    struct level *level = atomic_exchange(&newest, NULL);
    while (level) {
        struct level *older = level->older;
        hak_raw_unmap(level, sizeof *level + (sizeof(uint64_t) << level->bits));
        level = older;
    }
    if (first_child)
        hak_raw_unmap((void *)first_child, table.capacity * sizeof *first_child);
    first_child = NULL;
}

static uint64_t hash_of(uint32_t parent, uintptr_t ip) {
    uint64_t h = (ip ^ (uint64_t)parent << 40 ^ parent) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    return h * 0xd6e8feb86659fd93u;
}

static inline bool is_node(uint64_t slot, uint64_t hash, uint32_t parent, uintptr_t ip) {
    return slot >> 32 == (uint32_t)hash && (uint32_t)slot != 0 &&
           hak_node_is(table.nodes, table.bits, (uint32_t)slot, ip, parent);
}

/* The id of {ip, parent} in `level`, in PLACES_TRIED places from its hash on; 0: it is not in
 * it. */
static inline uint32_t find_in(const struct level *level, uint64_t hash, uint32_t parent,
                               uintptr_t ip) {
    uint64_t mask = ((uint64_t)1 << level->bits) - 1;
    uint64_t place = hash >> (64 - level->bits);
    for (unsigned tried = 0; tried < PLACES_TRIED; tried++) {
        uint64_t slot =
            atomic_load_explicit(&level->slot[(place + tried) & mask], memory_order_acquire);
        if (is_node(slot, hash, parent, ip))
            return (uint32_t)slot;
        if (slot == 0)
            return 0;
    }
    return 0;
}

/* Gives the memory of the slots back, which are empty afterwards. A node that another thread puts
 * in meanwhile is kept or not: an equal node then gets another id. */
static void clear_slots(struct level *level) {
    char *from = (char *)level->slot, *end = from + (sizeof(uint64_t) << level->bits);
    char *page = (char *)level + HAK_PAGE_BYTES;
    if (page >= end || hak_raw_call(SYS_madvise, page, end - page, MADV_DONTNEED) != 0)
        page = end; /* locked memory (mlockall) is emptied by hand */
    for (uint64_t i = 0; (char *)&level->slot[i] < page; i++)
        atomic_store(&level->slot[i], 0);
}

/* Forgets all nodes if the last level is half full. One thread does it. */
static HAK_COLD void empty(struct level *level) {
    uint32_t used = atomic_load(&level->used);
    if (used >> (level->bits - 1) == 0 || !atomic_compare_exchange_strong(&level->used, &used, 0))
        return;
    atomic_store(&level->first, 0);
    for (; level; level = level->older)
        clear_slots(level);
}

/* Puts a four times larger level on top of a full one. An id that is given after that becomes a
 * parent after that, too: its children are added to this level and newer ones only. So the counter
 * of ids is read when the level is there for all, not before. */
static void grow(struct level *level) {
    uint32_t bits = level->bits + 2 < last_bits ? level->bits + 2 : last_bits;
    if (level->bits >= last_bits) {
        if (table.bits != HAK_NODE_BITS_NONE)
            empty(level);
        return;
    }
    struct level *larger = make_level(bits, level);
    if (!larger)
        return;
    atomic_store(&larger->first, UINT32_MAX);
    if (atomic_compare_exchange_strong(&newest, &level, larger))
        atomic_store(&larger->first, atomic_load(table.count));
    else
        hak_raw_unmap(larger, sizeof *larger + (sizeof(uint64_t) << larger->bits));
}

/* Puts `id` into `level`, unless an equal node is there. Returns the id that is there. A level with
 * no room near the place leaves the node out: its stack is right, but not shared. */
static uint32_t put_in(struct level *level, uint64_t hash, uint32_t parent, uintptr_t ip,
                       uint32_t id) {
    uint64_t mask = ((uint64_t)1 << level->bits) - 1;
    uint64_t place = hash >> (64 - level->bits);
    for (unsigned tried = 0; tried < PLACES_TRIED; tried++) {
        _Atomic uint64_t *slot = &level->slot[(place + tried) & mask];
        uint64_t seen = atomic_load(slot);
        if (seen == 0 &&
            atomic_compare_exchange_strong(slot, &seen, (uint64_t)(uint32_t)hash << 32 | id)) {
            if (atomic_fetch_add(&level->used, 1) >> (level->bits - 1) != 0)
                grow(level);
            return id;
        }
        if (is_node(seen, hash, parent, ip))
            return (uint32_t)seen;
    }
    grow(level);
    return id;
}

/* The id of {ip, parent} in the levels below `level`, or 0. Most new nodes are below a new one, and
 * need no look at them. */
static uint32_t find_below(const struct level *level, uint64_t hash, uint32_t parent,
                           uintptr_t ip) {
    uint32_t id = 0;
    while (id == 0 && parent < atomic_load(&level->first)) {
        level = level->older;
        id = find_in(level, hash, parent, ip);
    }
    return id;
}

/* Adds a node to the newest level, or finds it. Equal nodes get one id although levels come while
 * threads add: the slot in the newest level decides. A thread that has put or found a node in a
 * level goes on to a newer one if there is one by then; so whoever looks below the newer level
 * either sees that node there or meets its thread above. */
static uint32_t add_other(uint32_t parent, uintptr_t ip, uint32_t id) {
    uint64_t hash = hash_of(parent, ip);
    struct level *level;
    do {
        level = atomic_load(&newest);
        uint32_t below = find_below(level, hash, parent, ip);
        id = put_in(level, hash, parent, ip, below ? below : id);
    } while (level != atomic_load(&newest));
    return id;
}

/* The node in any level, entered into the newest if it was found below. 0: it is not there. */
static uint32_t find_other(uint32_t parent, uintptr_t ip) {
    uint64_t hash = hash_of(parent, ip);
    const struct level *level = atomic_load(&newest);
    uint64_t slot =
        atomic_load_explicit(&level->slot[hash >> (64 - level->bits)], memory_order_acquire);
    if (HAK_LIKELY(is_node(slot, hash, parent, ip) && level == atomic_load(&newest)))
        return (uint32_t)slot; /* nearly always at its first place */
    uint32_t id = find_in(level, hash, parent, ip);
    if (HAK_LIKELY(id != 0 && level == atomic_load(&newest)))
        return id;
    if (id == 0)
        id = find_below(level, hash, parent, ip);
    return id ? add_other(parent, ip, id) : 0;
}

static inline _Atomic uint64_t *first_child_of(uint32_t parent) {
    return &first_child[hak_node_place(parent, table.bits)];
}

/* The id of {ip, parent}; 0: it is in no table. A place belongs to the latest parent that has a
 * child: an earlier one, whose own node was written over, has its children among the others. A
 * parent without an entry has none. */
uint32_t hak_stack_table_find(uint32_t parent, uintptr_t ip) {
    if (HAK_UNLIKELY(!first_child))
        return find_other(parent, ip);
    uint64_t first = atomic_load_explicit(first_child_of(parent), memory_order_acquire);
    if (first >> 32 == parent && (uint32_t)first != 0 &&
        hak_node_is(table.nodes, table.bits, (uint32_t)first, ip, parent))
        return (uint32_t)first;
    return first >> 32 < parent ? 0 : find_other(parent, ip);
}

uint32_t hak_stack_table_add(uint32_t parent, uintptr_t ip, uint32_t id) {
    _Atomic uint64_t *place = first_child ? first_child_of(parent) : NULL;
    uint64_t first = place ? atomic_load(place) : UINT64_MAX;
    while (first >> 32 < parent || (first >> 32 == parent && (uint32_t)first == 0))
        if (atomic_compare_exchange_weak(place, &first, (uint64_t)parent << 32 | id))
            return id;
    if (first >> 32 == parent && hak_node_is(table.nodes, table.bits, (uint32_t)first, ip, parent))
        return (uint32_t)first;
    return add_other(parent, ip, id);
}

void hak_stack_table_remove(uint32_t parent, uintptr_t ip, uint32_t id) {
    uint64_t hash = hash_of(parent, ip), first = (uint64_t)parent << 32 | id;
    uint64_t wanted = (uint64_t)(uint32_t)hash << 32 | id;
    if (first_child)
        atomic_compare_exchange_strong(first_child_of(parent), &first, (uint64_t)parent << 32);
    for (struct level *level = atomic_load(&newest); level; level = level->older) {
        uint64_t mask = ((uint64_t)1 << level->bits) - 1;
        uint64_t place = hash >> (64 - level->bits);
        for (unsigned tried = 0; tried < PLACES_TRIED; tried++) {
            _Atomic uint64_t *slot = &level->slot[(place + tried) & mask];
            if (atomic_load(slot) ==
                wanted) /* also behind an empty slot, which emptying may have left there */
                atomic_store(slot, forgotten);
        }
    }
}
