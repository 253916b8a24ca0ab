/* Makes the stack of an event: walks, leaves hakmem's own frames out, and interns the rest. */
#include "trace/stacks.h"
#include <dlfcn.h>
#include "unwind/modules.h"
#include "unwind/splice.h"
#include "trace/stack_table.h"
#include "trace/trace.h"
#include "unwind/text.h"
#include "unwind/unwind.h"

enum { DEPTH_MAX = 256, OWN_FRAMES_MAX = 24, GENERATION_BITS = 22 };

static struct hak_stacks_setup setup;
static uint32_t starts; /* how often hak_stacks_start was called */

/* Bounds of the sections of HAK_TRACER_TEXT and HAK_UNWINDER_ENTRY, made by the linker. */
extern const char __start_hak_tracer_text[] HAK_HIDDEN;
extern const char __stop_hak_tracer_text[] HAK_HIDDEN;
extern const char __start_hak_unwinder_text[] HAK_HIDDEN;
extern const char __stop_hak_unwinder_text[] HAK_HIDDEN;

static inline bool is_between(uintptr_t ip, const char *start, const char *stop) {
    return ip - (uintptr_t)start < (uintptr_t)stop - (uintptr_t)start;
}

static inline bool is_own(uintptr_t ip) {
    return ip - setup.own_start < setup.own_end - setup.own_start ||
           is_between(ip, __start_hak_unwinder_text, __stop_hak_unwinder_text);
}

static inline bool is_tracer(uintptr_t ip) {
    return is_between(ip, __start_hak_tracer_text, __stop_hak_tracer_text) ||
           is_between(ip, __start_hak_unwinder_text, __stop_hak_unwinder_text);
}

void hak_stacks_start(const struct hak_stacks_setup *wanted) {
    struct dl_find_object object;
    setup = (struct hak_stacks_setup){0};
    starts++;
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
    hak_text_fork_child();
}

uint32_t hak_stacks_node_count(void) {
    return setup.nodes ? atomic_load(setup.node_count) : 0;
}

/* The nodes lie in a row, so looking at each of them is cheap, unlike looking at each in the table.
 */
void hak_stacks_forget(uintptr_t start, uintptr_t end, uint32_t first) {
    uint32_t count = hak_stacks_node_count();
    if (count > setup.node_capacity)
        count = (uint32_t)setup.node_capacity;
    for (uint32_t id = first; id < count; id++)
        if (setup.nodes[id].ip - start < end - start)
            hak_stack_table_remove(setup.nodes[id].parent, setup.nodes[id].ip, id);
}

static void forget_module(uint64_t map_start, uint64_t map_end, uint32_t mark,
                          uint32_t generation) {
    hak_stacks_forget(map_start, map_end, mark);
    hak_trace_module_unload(map_start, generation);
}

const struct hak_modules_listener hak_stacks_listener = {hak_stacks_node_count,
                                                         hak_trace_module_load, forget_module};

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

/* The node of `ip` below `parent`; 0 when there is no room. */
static inline uint32_t intern(uint32_t parent, uintptr_t ip) {
    uint32_t id = hak_stack_table_find(parent, ip);
    return HAK_LIKELY(id != 0) ? id : append_node(parent, ip);
}

uint32_t hak_stacks_intern(const uintptr_t *ips, size_t count) {
    uint32_t id = 0;
    for (size_t i = count; i-- > 0;) {
        id = intern(id, ips[i]);
        if (HAK_UNLIKELY(id == 0)) {
            atomic_fetch_add(setup.no_stack, 1);
            return 0;
        }
    }
    return id;
}

uint32_t hak_stacks_intern_interrupted(const uintptr_t *ips, size_t count) {
    uintptr_t innermost = ips[0] + 1; /* as all are looked up one byte before */
    uint32_t callers = count > 1 ? hak_stacks_intern(ips + 1, count - 1) : 0;
    if (count > 1 && callers == 0)
        return 0;
    uint32_t id = intern(callers, innermost);
    if (id == 0)
        atomic_fetch_add(setup.no_stack, 1);
    return id;
}

/* A stack on its way to its id. */
struct taken {
    bool keep_own_frames;
    uint8_t flags;    /* of enum hak_record_flags */
    uintptr_t caller; /* ip of the program's innermost frame */
};

/* The id of a spliced stack. Frames of hakmem have the id of what called them, so the program's
 * part of the stack has the same ids whichever of hakmem's functions stand above it. */
static uint32_t intern_last(struct hak_last_stack *stack, struct taken *taken) {
    struct hak_frame *frame = stack->frame;
    size_t from = stack->kept, count = stack->count, program = count;
    uint16_t rank = from ? frame[from - 1].rank : 0;
    for (size_t i = from; i < count; i++) {
        rank = (uint16_t)(rank + !is_own(frame[i].ip));
        frame[i].rank = rank;
    }
    uint16_t left_out = rank > setup.depth ? (uint16_t)(rank - setup.depth) : 0;
    if (left_out != stack->left_out) /* ids are of stacks that end elsewhere */
        from = 0;
    stack->left_out = left_out;
    uint32_t id = from ? frame[from - 1].id : 0;
    rank = from ? frame[from - 1].rank : 0;
    for (size_t i = from; i < count; i++) {
        if (frame[i].rank != rank && frame[i].rank > left_out) {
            id = intern(id, frame[i].ip);
            if (HAK_UNLIKELY(id == 0)) {
                stack->count = 0;
                atomic_fetch_add(setup.no_stack, 1);
                return 0;
            }
        }
        rank = frame[i].rank;
        frame[i].id = id;
    }
    while (program > 1 && frame[program - 1].rank == frame[program - 2].rank)
        program--;
    taken->caller = frame[program - 1].ip;
    if (HAK_UNLIKELY(stack->end != HAK_UNWIND_COMPLETE || left_out != 0))
        taken->flags = HAK_RECORD_PARTIAL;
    if (HAK_UNLIKELY(stack->any_bare && frame[count - 1].is_bare))
        taken->flags |= HAK_RECORD_GUESSED;
    if (taken->keep_own_frames)
        for (size_t i = program; i < count && !is_tracer(frame[i].ip); i++) {
            id = intern(id, frame[i].ip);
            if (HAK_UNLIKELY(id == 0)) { /* not as if it had no callers */
                atomic_fetch_add(setup.no_stack, 1);
                return 0;
            }
        }
    return id;
}

/* The id of a stack that cannot be spliced. */
static HAK_TRACER_TEXT uint32_t intern_whole(const struct hak_registers *start,
                                             struct taken *taken) {
    uintptr_t ips[DEPTH_MAX + OWN_FRAMES_MAX];
    enum hak_unwind_end end;
    struct hak_unwind_marks marks = {{0}};
    size_t count = hak_unwind_entered(start, 1, ips, setup.depth + OWN_FRAMES_MAX, &end, &marks);
    size_t program = 0, own = 0, kept;
    for (; program < count && is_own(ips[program]); program++)
        if (is_tracer(ips[program]))
            own = program + 1;
    kept = program;
    taken->caller = program < count ? ips[program] : 0;
    taken->flags = hak_stacks_flags(end);
    for (size_t i = program; i < count; i++) {
        if (is_own(ips[i]))
            continue; /* hakmem's start routine of a thread, or a handler that it called */
        if (kept - program == setup.depth) {
            taken->flags |= HAK_RECORD_PARTIAL;
            break;
        }
        ips[kept++] = ips[i] + (marks.exact[i / 64] >> (i % 64) & 1);
    }
    size_t first = taken->keep_own_frames ? own : program;
    return hak_stacks_intern(ips + first, kept - first);
}

HAK_UNWINDER_ENTRY uint32_t hak_stack_here(bool keep_own_frames, uint8_t *flags) {
    struct taken taken = {keep_own_frames, 0, 0};
    struct hak_registers start;
    *flags = 0;
    if (setup.depth == 0)
        return 0;
    hak_registers_here(&start);
    if (!hak_unwind_enter(&start, 1)) {
        *flags = HAK_RECORD_PARTIAL;
        return 0;
    }
    uint64_t version = (uint64_t)starts << 32 | hak_modules_generation();
    struct hak_last_stack *last = hak_splice_walk(&start, setup.depth + OWN_FRAMES_MAX, version);
    uint32_t id = last ? intern_last(last, &taken) : intern_whole(&start, &taken);
    hak_unwind_leave();
    *flags = taken.flags;
    if (HAK_UNLIKELY(hak_called_by_loader(taken.caller)))
        hak_modules_check();
    return id;
}
