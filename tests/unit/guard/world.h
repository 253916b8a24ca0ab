/* A small world for the tests of the checks: one SuperSlab made by hand, and a tracer that only
 * notes down what it is told (world.c). */
#ifndef HAK_TEST_GUARD_WORLD_H
#define HAK_TEST_GUARD_WORLD_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "unit/suite.h"
#include "border.h"
#include "guard/around.h"
#include "guard/choose/choose.h"
#include "guard/guard.h"
#include "large/large.h"
#include "platform/address.h"
#include "platform/platform.h"
#include "platform/registry.h"
#include "trace/signals/signals.h"
#include "trace/session.h"
#include "trace/process/process.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"

/* For a case that holds in each layout, which is its _i. */
#define EACH_LAYOUT .from = HAK_LAYOUT_SAME, .until = HAK_LAYOUT_HEADER + 1

/* ---- the tracer --------------------------------------------------------------------------------
 */

enum { NOTED_EVENTS = 4096, NOTED_FAULTS = 64 };
enum { STACK_OF_PROGRAM = 1000, STACK_OF_LAYERS = 2000 };

extern struct hak_event_fields events[NOTED_EVENTS];
extern struct hak_fault_facts faults[NOTED_FAULTS];
extern _Atomic unsigned event_count, fault_count;
extern unsigned counts[3], batches_noted, stacks_of_calls;
extern unsigned times_served; /* what ctl asks for */
extern unsigned unwatched;    /* why, 0 = nobody has said so */
extern char last_name[256];
extern _Atomic unsigned times_counted[256]; /* by enum hak_counted */
extern _Atomic uint64_t amount_counted[256];

/* Called for each record that is written; NULL: nothing is. */
extern void (*when_recorded)(void);

/* The answers of the tracer. */
extern uint32_t stack_of_program;
extern struct hak_code_place places[8]; /* of every stack */
extern size_t place_count;
extern uintptr_t caller_of_call;
extern bool hears_accesses;

/* Signals come by hear(); the process is always its own. */
extern void (*hear)(int);

static inline struct hak_event_fields last_event(void) {
    ck_assert_uint_gt(event_count, 0);
    return events[(event_count - 1) % NOTED_EVENTS];
}
static inline const struct hak_fault_facts *last_fault(void) {
    ck_assert_uint_gt(fault_count, 0);
    return &faults[(fault_count - 1) % NOTED_FAULTS];
}
static inline void forget_events(void) {
    event_count = fault_count = 0;
}

/* ---- the heap ----------------------------------------------------------------------------------
 */

static struct hak_superslab *heap;

static inline char *slab_at(unsigned slab_index) {
    return (char *)heap + slab_index * HAK_SLAB_BYTES;
}

/* Gives slab `slab_index` to the class, as the slab layer does. */
static inline void acquire_slab(unsigned slab_index, unsigned class_index) {
    heap->class_of_slab[slab_index] = (uint8_t)class_index;
    heap->slabs[slab_index].class_index = (uint8_t)class_index;
    heap->slabs[slab_index].capacity = hak_class_slots(class_index);
    hak_hop_note(HAK_SLAB_ACQUIRE, class_index, slab_at(slab_index), HAK_SLAB_BYTES);
}

static inline base_t slot_at(unsigned slab_index, unsigned slot_index) {
    unsigned class_index = heap->class_of_slab[slab_index];
    return base_from(slab_at(slab_index) + hak_first_slot_offset(class_index) +
                     slot_index * hak_class_bytes(class_index));
}

static inline struct hak_slot *state_of(base_t block) {
    struct hak_located at;
    ck_assert(hak_locate_slot(block.p, &at));
    return at.slot;
}

static inline void set_place(base_t block, enum hak_place place) {
    state_of(block)->place = (uint8_t)place;
}

/* Slab 1 serves 48-byte slots, slab 2 64-byte slots, slab 3 1,024-byte slots, slab 4 8-byte slots;
 * slab 5 serves none. */
static inline void make_world(unsigned level, unsigned layout) {
    memset(&hak_options, 0, sizeof hak_options);
    hak_options.check = level;
    hak_options.layout = layout;
    hak_options.on_fault = HAK_ON_FAULT_CONTINUE;
    hak_options.trace = 1;
    hak_layer_keeps = hak_large_keeps;
    hak_registry_start(true);
    heap = hak_map_aligned(HAK_SUPERSLAB_BYTES, HAK_SUPERSLAB_BYTES);
    ck_assert_ptr_nonnull(heap);
    heap->slots = hak_map((size_t)31 * HAK_SLOTS_OF_SLAB * sizeof(struct hak_slot));
    ck_assert_ptr_nonnull(heap->slots);
    memset(heap->class_of_slab, HAK_CLASS_NONE, sizeof heap->class_of_slab);
    ck_assert(hak_registry_set(heap, 1));
    acquire_slab(1, HAK_CLASS_OF_48);
    acquire_slab(2, HAK_CLASS_OF_64);
    acquire_slab(3, HAK_CLASS_OF_1024);
    acquire_slab(4, HAK_CLASS_OF_8);
    counts[0] = counts[1] = counts[2] = 0;
    forget_events();
}

/* A block as a thread's front holds it, handed to the program. */
static inline user_t hand_out(base_t block, size_t asked_bytes, size_t alignment) {
    struct hak_located at;
    hak_locate_slot(block.p, &at);
    struct hak_hand_out how = {
        .asked_bytes = asked_bytes, .alignment = alignment, .class_index = at.class_index};
    set_place(block, HAK_PLACE_FRONT);
    return hak_check_hand_out(block, &how);
}

/* The byte that a pattern has at `p`, in the slot that covers it. */
static inline uint8_t pattern_at(const void *p, enum hak_pattern pattern) {
    struct hak_located at;
    if (!hak_locate_slot(p, &at))
        return 0;
    return hak_pattern_byte(hak_word_of(&at, pattern), (uintptr_t)p);
}

#endif
