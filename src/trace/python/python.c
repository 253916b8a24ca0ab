/* Puts the Python frames of a thread between the C frames of its stack. */
#include "trace/python/python.h"

#include "options.h"
#include "platform/line.h"
#include "platform/raw_call.h"
#include "trace/frame_node.h"
#include "trace/python/frames.h"
#include "trace/python/text.h"
#include "trace/stacks/stacks.h"

enum { REMEMBERED = 1 << 14, FRAMES_MAX = 128 };

static struct hak_python python;

/* Key to id, for stacks and for frames: an entry whose two words do not belong together is none. */
struct remembered {
    _Atomic uint64_t check; /* key ^ value */
    _Atomic uint64_t value; /* version:32 id:32 */
};
static struct remembered *stacks, *lines;

static struct remembered *place_of(struct remembered *table, uint64_t key) {
    return &table[key >> 40 & (REMEMBERED - 1)];
}

static uint32_t version_now(void) {
    return hak_stacks_version_now();
}

/* The remembered id; 0: none, or of an earlier version of the table. */
static uint32_t recall(struct remembered *table, uint64_t key) {
    struct remembered *place = place_of(table, key);
    uint64_t value = atomic_load_explicit(&place->value, memory_order_acquire);
    uint64_t check = atomic_load_explicit(&place->check, memory_order_relaxed);
    return (check ^ value) == key && value >> 32 == version_now() ? (uint32_t)value : 0;
}

/* Remembers an id without a lock; a torn entry is recognised by its check. A thread that
 * finds an id finds its node. */
static void remember(struct remembered *table, uint64_t key, uint32_t id) {
    struct remembered *place = place_of(table, key);
    uint64_t value = (uint64_t)version_now() << 32 | id;
    atomic_store_explicit(&place->value, value, memory_order_release);
    atomic_store_explicit(&place->check, key ^ value, memory_order_relaxed);
}

/* The ip of a frame's node, made and remembered if it is new; 0 = there is none. */
static uintptr_t ip_of(const struct hak_python_frame *frame) {
    uint64_t key = hak_python_mix(frame->key, frame->instruction);
    uint32_t id = recall(lines, key);
    if (id == 0) {
        id = hak_python_name(&python, frame);
        if (id == 0)
            return 0;
        remember(lines, key, id);
    }
    return hak_frame_node_ip(HAK_FRAME_NODE_FRAME, id);
}

/* Whether ips[at] is a frame of the interpreter's C function: by its address, or, in a part of it
 * that the compiler put elsewhere, by the call that leads there. */
static bool is_interpreter(const uintptr_t *ips, size_t at, size_t count) {
    if (ips[at] - python.evaluate - 1 < python.evaluate_bytes)
        return true;
    if (at + 1 == count || !hak_python_can_read(ips[at + 1] - 5, 5) ||
        hak_python_byte(ips[at + 1] - 5) != 0xe8)
        return false;
    int32_t distance = (int32_t)hak_python_half(ips[at + 1] - 4);
    return ips[at + 1] + (uintptr_t)(intptr_t)distance == python.evaluate;
}

struct merge {
    size_t count;
    uintptr_t ip[3 * FRAMES_MAX];
};

static void add(struct merge *merge, uintptr_t ip) {
    if (ip != 0 && merge->count < sizeof merge->ip / sizeof *merge->ip)
        merge->ip[merge->count++] = ip;
}

/* The frames that one call of the interpreter runs stand above it; frames that are left, because
 * the C stack was cut, stand at the end. */
static HAK_COLD uint32_t merge_stacks(uint32_t native, const struct hak_python_frame *frames,
                                      size_t count) {
    struct merge merged = {.count = 0};
    uintptr_t ips[2 * FRAMES_MAX];
    size_t natives = hak_stacks_frames(native, ips, 2 * FRAMES_MAX), next = 0;
    for (size_t i = 0; i < natives; i++) {
        bool is_entered = !is_interpreter(ips, i, natives);
        while (!is_entered && next < count) {
            is_entered = frames[next].is_entry;
            add(&merged, ip_of(&frames[next++]));
        }
        add(&merged, ips[i]);
    }
    while (next < count)
        add(&merged, ip_of(&frames[next++]));
    return hak_stacks_intern(merged.ip, merged.count);
}

/* Merges the Python frames into the native stack. Returns the new stack, or the native one if there
 * are none or no room. */
static uint32_t add_python(uint32_t native) {
    struct hak_python_frame frames[FRAMES_MAX];
    size_t max = hak_options.stack_depth < FRAMES_MAX ? hak_options.stack_depth : FRAMES_MAX;
    size_t count = native ? hak_python_frames(&python, frames, max) : 0;
    if (count == 0)
        return native;
    uint64_t key = native;
    for (size_t i = 0; i < count; i++)
        key = hak_python_mix(hak_python_mix(key, frames[i].key),
                             (uint64_t)frames[i].instruction << 1 | frames[i].is_entry);
    uint32_t id = recall(stacks, key);
    if (HAK_UNLIKELY(id == 0)) {
        id = merge_stacks(native, frames, count);
        if (id == 0)
            return native;
        remember(stacks, key, id);
    }
    return id;
}

void hak_python_start(void) {
    hak_stacks_add_frames = NULL;
    if (hak_options.frames != HAK_FRAMES_PYTHON)
        return;
    enum hak_python_there there = hak_python_find(&python);
    if (there == HAK_PYTHON_OTHER_VERSION) {
        struct hak_line line = {.length = 0};
        hak_line_add(&line, "hakmem: HAKMEM_FRAMES=python: where this version of CPython has its "
                            "frames is not known "
                            "(of 3.11 to 3.14 it is); stacks have C frames alone");
        hak_line_end(&line);
    }
    if (there != HAK_PYTHON_KNOWN)
        return;
    if (!stacks)
        stacks = hak_raw_map(2 * REMEMBERED * sizeof(struct remembered));
    lines = stacks ? stacks + REMEMBERED : NULL;
    if (stacks)
        hak_stacks_add_frames = add_python;
}
