/* Keeps the sites of the heap profile: a stack is a chain of nodes from its innermost frame
 * outwards, a site the sums of one stack.
 *
 *   hash of (parent, address) --> node_heads[] --> node --next--> node
 *   hash of the innermost node -> site_heads[] --> site --next--> site
 *
 * Whoever looks up takes no lock: an entry is written whole before a head or a count shows it, and
 * never moves. */
#include <string.h>
#include "block.h"
#include "heap_profile/state.h"
#include "platform/platform.h"

enum {
    SITES = 1 << 12,
    NODES = 1 << 16,
    SITE_HEADS = 1 << 12,
    NODE_HEADS = 1 << 15,
    PATIENCE = 1000, /* looks at the lock that another thread holds */
};

/* All of it lies in one reservation, in this order. */
struct places {
    struct hak_heap_profile_node *nodes;
    struct hak_heap_profile_site *sites;
    _Atomic uint32_t *node_heads, *site_heads;
};
#define ALL_BYTES                                                                                  \
    (NODES * sizeof(struct hak_heap_profile_node) + SITES * sizeof(struct hak_heap_profile_site) + \
     (NODE_HEADS + SITE_HEADS) * sizeof(uint32_t))

struct hak_heap_profile hak_heap_table = {.magic = HAK_HEAP_PROFILE_MAGIC,
                                          .version = HAK_HEAP_PROFILE_VERSION,
                                          .bytes = sizeof(struct hak_heap_profile)};
static struct places at;
static _Atomic uint32_t is_busy; /* somebody enters a stack, or makes the memory */

/* ---- memory ---------------------------------------------------------------------------------- */

/* False: somebody else has it, who does not run. */
static bool enter(void) {
    for (int i = 0; i < PATIENCE; i++) {
        uint32_t nobody = 0;
        if (atomic_compare_exchange_weak_explicit(&is_busy, &nobody, 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
        hak_spin_hint();
    }
    return false;
}
static void leave_busy(void) {
    atomic_store_explicit(&is_busy, 0, memory_order_release);
}

static bool make(void) {
    char *start = hak_reserve(HAK_PAGES_OF(ALL_BYTES));
    if (!start)
        return false;
    at.nodes = (void *)start;
    at.sites = (void *)(at.nodes + NODES);
    at.node_heads = (void *)(at.sites + SITES);
    at.site_heads = at.node_heads + NODE_HEADS;
    hak_heap_table.nodes = at.nodes;
    hak_heap_table.sites = at.sites;
    hak_heap_table.node_capacity = NODES;
    hak_heap_table.site_capacity = SITES;
    return true;
}

bool hak_heap_sites_make(uint64_t now_ns) {
    if (HAK_LIKELY(atomic_load_explicit(&hak_heap_table.site_count, memory_order_acquire) != 0))
        return true;
    if (!enter())
        return false;
    bool is_there = atomic_load_explicit(&hak_heap_table.site_count, memory_order_relaxed) != 0;
    if (!is_there && (at.nodes || make()) && hak_heap_live_make()) {
        hak_heap_table.start_ns = now_ns;
        atomic_store_explicit(&hak_heap_table.node_count, 1, memory_order_release);
        atomic_store_explicit(&hak_heap_table.site_count, 1, memory_order_release);
        is_there = true;
    }
    leave_busy();
    return is_there;
}

void hak_heap_empty_pages(const void *used_end, const void *end) {
    uintptr_t from = HAK_PAGES_OF((uintptr_t)used_end), to = hak_page_of((uintptr_t)end);
    if (from < to)
        hak_discard_locked((void *)from, to - from);
}

void hak_heap_sites_empty(void) {
    if (atomic_load_explicit(&hak_heap_table.site_count, memory_order_acquire) == 0 || !enter())
        return;
    hak_heap_empty_pages(at.nodes + atomic_load(&hak_heap_table.node_count), at.nodes + NODES);
    hak_heap_empty_pages(at.sites + atomic_load(&hak_heap_table.site_count), at.sites + SITES);
    leave_busy();
}

/* The thread that makes the memory, and is not there, may have made a part of it. */
void hak_heap_profile_after_fork(void) {
    if (atomic_load_explicit(&hak_heap_table.site_count, memory_order_relaxed) == 0)
        at.nodes = NULL;
    hak_heap_live_after_fork();
    leave_busy();
}

/* ---- stacks ---------------------------------------------------------------------------------- */

static _Atomic uint32_t *head_of_node(uint32_t parent, uint64_t address) {
    uint64_t hash = (address + (uint64_t)parent * 0xd6e8feb86659fd93u) * 0x9e3779b97f4a7c15u;
    return &at.node_heads[(hash >> 32) % NODE_HEADS];
}

static _Atomic uint32_t *head_of_site(uint32_t node) {
    return &at.site_heads[(node * 0x9e3779b1u >> 8) % SITE_HEADS];
}

/* The number of a frame below `parent`; 0: it is not known. */
static uint32_t find_node(uint32_t parent, uint64_t address) {
    uint32_t node = atomic_load_explicit(head_of_node(parent, address), memory_order_acquire);
    while (node && (at.nodes[node].address != address || at.nodes[node].parent != parent))
        node = at.nodes[node].next;
    return node;
}

static uint32_t find_site(uint32_t node) {
    uint32_t site = atomic_load_explicit(head_of_site(node), memory_order_acquire);
    while (site && at.sites[site].node != node)
        site = at.sites[site].next;
    return site;
}

/* Enters a frame that is not known. 0: the table is full. By the holder of the lock, as the next.
 */
static uint32_t add_node(uint32_t parent, uint64_t address) {
    uint32_t node = atomic_load_explicit(&hak_heap_table.node_count, memory_order_relaxed);
    if (node == NODES)
        return 0;
    _Atomic uint32_t *head = head_of_node(parent, address);
    at.nodes[node] =
        (struct hak_heap_profile_node){.address = address,
                                       .parent = parent,
                                       .next = atomic_load_explicit(head, memory_order_relaxed)};
    atomic_store_explicit(&hak_heap_table.node_count, node + 1, memory_order_release);
    atomic_store_explicit(head, node, memory_order_release);
    return node;
}

static uint32_t add_site(uint32_t node) {
    uint32_t site = atomic_load_explicit(&hak_heap_table.site_count, memory_order_relaxed);
    if (site == SITES)
        return 0;
    _Atomic uint32_t *head = head_of_site(node);
    at.sites[site].node = node;
    at.sites[site].next = atomic_load_explicit(head, memory_order_relaxed);
    atomic_store_explicit(&hak_heap_table.site_count, site + 1, memory_order_release);
    atomic_store_explicit(head, site, memory_order_release);
    return site;
}

/* Goes on from the `left` innermost frames, of which the others are `node`. 0: no place. A table
 * without a site left gets no more frames. */
static uint32_t enter_rest(const uintptr_t *ips, size_t left, uint32_t node) {
    if (atomic_load_explicit(&hak_heap_table.site_count, memory_order_relaxed) == SITES)
        return 0;
    while (left > 0) {
        uint32_t parent = node;
        left--;
        node = find_node(parent, ips[left]);
        if (!node)
            node = add_node(parent, ips[left]);
        if (!node)
            return 0;
    }
    uint32_t site = find_site(node);
    return site ? site : add_site(node);
}

uint32_t hak_heap_site_of(const uintptr_t *ips, size_t count) {
    uint32_t node = 0, next = 0, site = 0;
    size_t left = count < HAK_HEAP_PROFILE_DEPTH ? count : HAK_HEAP_PROFILE_DEPTH;
    for (; left > 0 && (next = find_node(node, ips[left - 1])) != 0; left--)
        node = next;
    if (left == 0 && node)
        site = find_site(node);
    if (!site && count > 0 && enter()) {
        site = enter_rest(ips, left, node);
        leave_busy();
    }
    if (HAK_UNLIKELY(!site))
        atomic_fetch_add_explicit(&hak_heap_table.unplaced, 1, memory_order_relaxed);
    return site;
}
