/* Keeps the nodes of stacks: in the session, found by (parent, ip). */
#include "trace/stacks/stacks.h"
#include "platform/raw_call.h"
#include "trace/frame_node.h"
#include "trace/node.h"
#include "trace/stacks/walk.h"
#include "trace/trace.h"
#include "unwind/code.h"
#include "platform/objects.h"

enum { GENERATION_BITS = 22, PRIVATE_NODES = 1 << 20, PRIVATE_NODES_MIN = 1 << 12 };

struct hak_stacks_setup hak_stacks_now;
uint32_t hak_stacks_starts;

static uint32_t node_bits;
static _Atomic uint32_t given_up_at; /* `mapped` when room was last waited for in vain */

/* Bounds of the section of HAK_UNWINDER_ENTRY, made by the linker. */
extern const char __start_hak_unwinder_text[] HAK_HIDDEN;
extern const char __stop_hak_unwinder_text[] HAK_HIDDEN;

void hak_stacks_start(const struct hak_stacks_setup *wanted) {
    struct hak_object object;
    hak_stacks_now = (struct hak_stacks_setup){0};
    hak_stacks_starts++;
    node_bits = wanted->nodes_mapped ? (uint32_t)__builtin_ctzll(wanted->node_capacity)
                                     : HAK_NODE_BITS_NONE;
    atomic_store(&given_up_at, 0);
    if (!hak_stack_table_start(&(struct hak_stack_table_nodes){wanted->nodes, wanted->node_capacity,
                                                               node_bits, wanted->node_count}))
        return;
    hak_stacks_now = *wanted;
    if (hak_stacks_now.own_end == 0 && hak_object_find((uintptr_t)hak_stacks_start, &object)) {
        hak_stacks_now.own_start = object.start;
        hak_stacks_now.own_end = object.end;
    }
    if (hak_stacks_now.depth > HAK_STACK_DEPTH_MAX)
        hak_stacks_now.depth = HAK_STACK_DEPTH_MAX;
    hak_own_text = (struct hak_own_text){
        {hak_stacks_now.own_start, (uintptr_t)__start_hak_unwinder_text},
        {hak_stacks_now.own_end - hak_stacks_now.own_start,
         (uintptr_t)__stop_hak_unwinder_text - (uintptr_t)__start_hak_unwinder_text}};
}

void hak_stacks_end(void) {
    hak_stacks_now = (struct hak_stacks_setup){0};
    hak_stack_table_end();
}

void hak_stacks_fork_child(uint32_t process, _Atomic uint64_t *no_stack) {
    hak_stacks_now.process = process;
    hak_stacks_now.no_stack = no_stack;
    hak_code_fork_child();
}

void hak_stacks_fork_threads(void) {
    hak_code_fork_child();
    hak_splice_fork_child();
}

const struct hak_node *hak_stacks_nodes(void) {
    return hak_stacks_now.nodes;
}

uint32_t hak_stacks_node_count(void) {
    return hak_stacks_now.nodes ? atomic_load(hak_stacks_now.node_count) : 0;
}

/* Takes the nodes whose code lies in [start, end) out of the table. They lie in a row, so looking
 * at each of them is cheap, unlike looking at each in the table. Of those that were written over
 * the table has nothing that it takes for a node. */
void hak_stacks_forget(uintptr_t start, uintptr_t end, uint32_t first) {
    uint64_t count = hak_stacks_node_count(), places = hak_stacks_now.node_capacity;
    struct hak_node node;
    for (uint64_t place = count <= places ? first : 0; place < places && place < count; place++) {
        uint64_t lap = __atomic_load_n(&hak_stacks_now.nodes[place].ip, __ATOMIC_RELAXED) >>
                       HAK_NODE_LAP_SHIFT;
        uint32_t id = (uint32_t)(lap << node_bits | place);
        if (id >= first && hak_node_read(hak_stacks_now.nodes, node_bits, id, &node) &&
            node.ip - start < end - start)
            hak_stack_table_remove(node.parent, node.ip, id);
    }
}

/* Ids below this one have room. */
static uint32_t end_of_room(void) {
    if (!hak_stacks_now.nodes_mapped)
        return (uint32_t)hak_stacks_now.node_capacity;
    uint64_t end = atomic_load(hak_stacks_now.nodes_mapped) + hak_stacks_now.node_capacity;
    uint32_t max = hak_node_ids_max(node_bits);
    return end < max ? (uint32_t)end : max;
}

/* Waits for the collector when the ring of nodes is full. False: it has not come so far in all that
 * time, or not since somebody waited in vain. */
static HAK_COLD bool wait_for_room(uint64_t *begin_ns) {
    if (!hak_stacks_now.nodes_mapped || end_of_room() == hak_node_ids_max(node_bits))
        return false;
    uint32_t mapped = atomic_load(hak_stacks_now.nodes_mapped);
    if (mapped == atomic_load(&given_up_at) || !hak_stacks_now.wait_for_room)
        return false;
    if (hak_stacks_now.wait_for_room(begin_ns))
        return true;
    atomic_store(&given_up_at, mapped);
    return mapped != atomic_load(hak_stacks_now.nodes_mapped);
}

/* Takes the next id of a node, waits for room as the options say, and asks for more when half is
 * used; 0: no room. */
static uint32_t take_id(void) {
    uint64_t begin_ns = 0;
    for (;;) {
        uint32_t id = atomic_load(hak_stacks_now.node_count), end = end_of_room();
        if (id >= end) {
            if (!wait_for_room(&begin_ns))
                return 0;
        } else if (atomic_compare_exchange_weak(hak_stacks_now.node_count, &id, id + 1) &&
                   id != 0) { /* 0 means no node */
            if (HAK_UNLIKELY(end - id == hak_stacks_now.node_capacity / 2) &&
                hak_stacks_now.ask_for_room)
                hak_stacks_now.ask_for_room();
            return id;
        }
    }
}

/* An id that the collector has given up meanwhile is left to it. */
uint32_t hak_stacks_append(uint32_t parent, uintptr_t ip) {
    uint32_t owner = hak_stacks_now.process << GENERATION_BITS |
                     (hak_modules_generation() & ((1u << GENERATION_BITS) - 1));
    if (HAK_UNLIKELY(!hak_node_can_hold(ip)))
        return 0;
    for (;;) {
        uint32_t id = take_id();
        if (id == 0)
            return 0;
        if (HAK_LIKELY(hak_node_publish(hak_stacks_now.nodes, node_bits, id, ip, parent, owner)))
            return hak_stack_table_add(parent, ip, id);
    }
}

/* The node of `ip` below `parent`; 0 when there is no room. */
static inline uint32_t intern(uint32_t parent, uintptr_t ip) {
    uint32_t id = HAK_LIKELY(hak_node_can_hold(ip)) ? hak_stack_table_find(parent, ip) : 0;
    return HAK_LIKELY(id != 0) ? id : hak_stacks_append(parent, ip);
}

uint32_t hak_stacks_child(uint32_t parent, uintptr_t ip) {
    return intern(parent, ip);
}

uint32_t hak_stacks_version_now(void) {
    return (uint32_t)hak_stacks_version();
}

uint32_t hak_stacks_intern(const uintptr_t *ips, size_t count) {
    uint32_t id = 0;
    if (!hak_stacks_now.nodes)
        return 0;
    for (size_t i = count; i-- > 0;) {
        id = intern(id, ips[i]);
        if (HAK_UNLIKELY(id == 0)) {
            atomic_fetch_add(hak_stacks_now.no_stack, 1);
            return 0;
        }
    }
    return id;
}

uint32_t hak_stacks_intern_interrupted(const uintptr_t *ips, size_t count) {
    uintptr_t innermost = ips[0] + 1; /* as all are looked up one byte before */
    if (!hak_stacks_now.nodes)
        return 0;
    uint32_t callers = count > 1 ? hak_stacks_intern(ips + 1, count - 1) : 0;
    if (count > 1 && (callers == 0 || !hak_node_can_hold(innermost)))
        return callers; /* a call of what is no address: the report has it from the registers */
    uint32_t id = intern(callers, innermost);
    if (id == 0)
        atomic_fetch_add(hak_stacks_now.no_stack, 1);
    return id;
}

size_t hak_stacks_frames(uint32_t id, uintptr_t *ips, size_t max) {
    uint32_t ids = hak_stacks_node_count();
    size_t count = 0;
    struct hak_node node;
    if (!hak_stacks_now.nodes_mapped && ids > hak_stacks_now.node_capacity)
        ids = (uint32_t)hak_stacks_now.node_capacity;
    for (; count < max && id != 0 && id < ids &&
           hak_node_read(hak_stacks_now.nodes, node_bits, id, &node);
         id = node.parent)
        if (hak_frame_node_kind(node.ip) == HAK_FRAME_NODE_NONE)
            ips[count++] = node.ip;
    return count;
}

/* Maps as many nodes as the limits leave room for; NULL: not even the fewest. */
static struct hak_node *map_private(uint64_t *count) {
    for (*count = PRIVATE_NODES; *count >= PRIVATE_NODES_MIN; *count /= 2) {
        size_t bytes = *count * sizeof(struct hak_node);
        struct hak_node *nodes = hak_raw_has_room(bytes) ? hak_raw_map(bytes) : NULL;
        if (nodes)
            return nodes;
    }
    return NULL;
}

bool hak_stacks_start_private(uint32_t depth) {
    static _Atomic uint32_t node_count = 1;
    static _Atomic uint64_t no_stack;
    uint64_t capacity = 0;
    struct hak_node *nodes = depth ? map_private(&capacity) : NULL;
    if (nodes)
        hak_stacks_start(&(struct hak_stacks_setup){.nodes = nodes,
                                                    .node_capacity = capacity,
                                                    .node_count = &node_count,
                                                    .no_stack = &no_stack,
                                                    .depth = depth,
                                                    .is_private = true});
    return nodes != NULL;
}
