/* Makes the stack of an event: walks, leaves hakmem's own frames out, and interns the rest. */
#include "trace/stacks.h"
#include <dlfcn.h>
#include "trace/modules.h"
#include "trace/stack_table.h"
#include "trace/trace.h"
#include "trace/unwind.h"

enum { DEPTH_MAX = 256, OWN_FRAMES_MAX = 24, GENERATION_BITS = 22 };

static struct hak_stacks_setup setup;

/* Bounds of the section of HAK_TRACER_TEXT, made by the linker. */
extern const char __start_hak_tracer_text[] HAK_HIDDEN;
extern const char __stop_hak_tracer_text[] HAK_HIDDEN;

static inline bool is_own(uintptr_t ip) {
    return ip - setup.own_start < setup.own_end - setup.own_start;
}

static inline bool is_tracer(uintptr_t ip) {
    uintptr_t start = (uintptr_t)__start_hak_tracer_text;
    return ip - start < (uintptr_t)__stop_hak_tracer_text - start;
}

void hak_stacks_start(const struct hak_stacks_setup *wanted) {
    struct dl_find_object object;
    setup = (struct hak_stacks_setup){0};
    if (!hak_stack_table_start(wanted->nodes))
        return;
    setup = *wanted;
    if (setup.own_end == 0 && _dl_find_object((void *)hak_stacks_start, &object) == 0) {
        setup.own_start = (uintptr_t)object.dlfo_map_start;
        setup.own_end = (uintptr_t)object.dlfo_map_end;
    }
    if (setup.depth > DEPTH_MAX)
        setup.depth = DEPTH_MAX;
}

void hak_stacks_fork_child(uint32_t process, _Atomic uint64_t *no_stack) {
    setup.process = process;
    setup.no_stack = no_stack;
}

void hak_stacks_forget(uintptr_t start, uintptr_t end) {
    if (setup.nodes)
        hak_stack_table_forget(start, end);
}

/* A new node at the end of the array; 0 when that is full. */
static uint32_t append_node(uint32_t parent, uintptr_t ip) {
    uint32_t id;
    do {
        if (atomic_load_explicit(setup.node_count, memory_order_relaxed) >= setup.node_capacity)
            return 0;
        id = atomic_fetch_add(setup.node_count, 1);
    } while (id == 0); /* 0 means no node */
    if (id >= setup.node_capacity)
        return 0;
    struct hak_node *node = &setup.nodes[id];
    node->ip = ip;
    node->parent = parent;
    node->owner = setup.process << GENERATION_BITS |
                  (hak_modules_generation() & ((1u << GENERATION_BITS) - 1));
    return hak_stack_table_add(parent, ip, id);
}

uint32_t hak_stacks_intern(const uintptr_t *ips, size_t count) {
    uint32_t id = 0;
    if (HAK_UNLIKELY(setup.depth == 0))
        return 0;
    for (size_t i = count; i-- > 0;) {
        uint32_t parent = id;
        id = hak_stack_table_find(parent, ips[i]);
        if (HAK_UNLIKELY(id == 0))
            id = append_node(parent, ips[i]);
        if (HAK_UNLIKELY(id == 0)) {
            atomic_fetch_add(setup.no_stack, 1);
            return 0;
        }
    }
    return id;
}

/* Where the frames to be kept begin. hakmem's own innermost frames go as far as the first of the
 * program, which `program` gets; with `keep_own_frames` only those of the tracer are left out. */
static size_t first_kept(const uintptr_t *ips, size_t count, bool keep_own_frames,
                         size_t *program) {
    size_t first = 0, tracer_end = 0;
    for (; first < count && is_own(ips[first]); first++)
        if (is_tracer(ips[first]))
            tracer_end = first + 1;
    *program = first;
    return keep_own_frames ? tracer_end : first;
}

HAK_TRACER_TEXT uint32_t hak_stack_here(bool keep_own_frames, bool *partial) {
    uintptr_t ips[DEPTH_MAX + OWN_FRAMES_MAX];
    enum hak_unwind_end end;
    *partial = false;
    if (setup.depth == 0)
        return 0;
    size_t count = hak_unwind_here(ips, setup.depth + OWN_FRAMES_MAX, &end);
    size_t program, kept = 0;
    size_t first = first_kept(ips, count, keep_own_frames, &program);
    if (program < count && hak_called_by_loader(ips[program]))
        hak_modules_check();
    *partial = end != HAK_UNWIND_COMPLETE;
    for (size_t i = first; i < count; i++) {
        if (i >= program && is_own(ips[i]))
            continue; /* hakmem's start routine of a thread, or a handler that it called */
        if (kept == setup.depth) {
            *partial = true;
            break;
        }
        ips[kept++] = ips[i];
    }
    return hak_stacks_intern(ips, kept);
}
