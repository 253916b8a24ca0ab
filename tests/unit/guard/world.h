/* A small world for the tests of the checks: one SuperSlab made by hand, and a tracer that only
 * notes down what it is told. It defines every function of trace/trace.h, so that no part of the
 * real tracer is linked. Include it once in each test program. */
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

static struct hak_event_fields events[NOTED_EVENTS];
static struct hak_fault_facts faults[NOTED_FAULTS];
static _Atomic unsigned event_count, fault_count;
static unsigned counts[3];
static uint32_t next_epoch = 1;

/* Called for each record that is written; NULL: nothing is. */
static void (*when_recorded)(void);

void hak_trace_start(void) {}
void hak_trace_record(struct hak_event_fields *fields) {
    if (when_recorded)
        when_recorded();
    events[atomic_fetch_add(&event_count, 1) % NOTED_EVENTS] = *fields;
}
unsigned hak_trace_record_call(uint64_t head, uint64_t address_word, uint64_t size_word,
                               uint64_t tail, unsigned metric) {
    (void)metric;
    struct hak_record record = {{head, address_word, size_word, tail}};
    struct hak_event_fields fields = hak_record_unpack(&record, NULL);
    hak_trace_record(&fields);
    return HAK_RECORDED;
}
void hak_trace_record_move(uint64_t head, uint64_t address_word, uint64_t tail) {
    (void)hak_trace_record_call(head, address_word, 0, tail, 0);
}
static unsigned batches_noted;
void hak_trace_record_batch(struct hak_event_fields *fields, const uint64_t *words,
                            unsigned count) {
    uint64_t first = fields->address;
    batches_noted++;
    for (unsigned i = 0; i < count; i++) {
        fields->address = hak_batch_address(words[i], first);
        fields->record_count = hak_batch_record_count(words[i]);
        hak_trace_record(fields);
    }
}
static uint32_t stack_of_program = STACK_OF_PROGRAM;
uint32_t hak_stack_here(bool keep_own_frames, uint8_t *flags) {
    *flags = 0;
    return keep_own_frames ? STACK_OF_LAYERS : stack_of_program;
}
static struct hak_code_place places[8]; /* of every stack */
static size_t place_count;
size_t hak_stack_places(uint32_t stack, struct hak_code_place *out, size_t max) {
    (void)stack;
    size_t count = place_count < max ? place_count : max;
    memcpy(out, places, count * sizeof *out);
    return count;
}
static unsigned stacks_of_calls;
uint32_t hak_stack_of_call(const void *frame, hak_call_t call, uint8_t *flags) {
    (void)frame, (void)call;
    stacks_of_calls++;
    return hak_stack_here(false, flags);
}
static uintptr_t caller_of_call;
uintptr_t hak_stack_caller(const void *frame, hak_call_t call) {
    (void)frame, (void)call;
    return caller_of_call;
}
uint32_t hak_trace_thread(void) {
    return 1;
}
uint32_t hak_trace_epoch(void) {
    return next_epoch++;
}
void hak_trace_count(enum hak_trace_count which) {
    counts[which]++;
}
static _Atomic unsigned times_counted[256]; /* by enum hak_counted */
static _Atomic uint64_t amount_counted[256];
void hak_hop_count(enum hak_counted which, unsigned class_index, uint64_t amount) {
    (void)class_index;
    times_counted[which & 255]++;
    amount_counted[which & 255] += amount;
}
void hak_trace_fault(const struct hak_fault_facts *facts) {
    faults[atomic_fetch_add(&fault_count, 1) % NOTED_FAULTS] = *facts;
}
void hak_trace_exit_flushes(bool flushes) {
    (void)flushes;
}
void hak_trace_set_checks(const struct hak_trace_checks *checks) {
    (void)checks;
}
void hak_trace_mark(const char *name) {
    (void)name;
}
static unsigned times_served; /* what ctl asks for */
void hak_trace_serve_asked(void) {
    times_served++;
}
bool hak_dump_start(const char *pattern, size_t bytes) {
    (void)pattern, (void)bytes;
    return true;
}
enum hak_dump_result hak_dump_write(const struct hak_heap_profile *table) {
    (void)table;
    return HAK_DUMP_BEGUN;
}
void hak_dump_forget(void) {}
static char last_name[256];
void hak_trace_name(const struct hak_event_fields *head, const char *name) {
    if (when_recorded)
        when_recorded();
    events[atomic_fetch_add(&event_count, 1) % NOTED_EVENTS] = *head;
    strncpy(last_name, name, sizeof last_name - 1);
}
void hak_trace_fork_prepare(void) {}
void hak_trace_fork_parent(void) {}
void hak_trace_fork_child(void) {}
void hak_trace_thread_end(void) {}
void (*hak_thread_stack_is_set)(const void *stack);
void hak_thread_leave_stack(const char *start, size_t bytes) {
    (void)start;
    (void)bytes;
}

/* Signals come by hear(); the process is always its own. */
static void (*hear)(int);
int hak_user_signal_parse(const char *text) {
    return atoi(text);
}
bool hak_user_signal_watch(int number, void (*note)(int)) {
    hear = note;
    return number > 0;
}
bool hak_is_own_process(void) {
    return true;
}

static bool hears_accesses = true;
bool hak_trace_hears_accesses(void) {
    return hears_accesses;
}
bool hak_trace_hears_traps(void) {
    return true;
}
static unsigned unwatched; /* why, 0 = nobody has said so */
void hak_trace_keep_traps(void (*at_release)(void)) {
    (void)at_release;
}
void hak_trace_leave_traps(void) {}
void hak_trace_at_thread_start(void (*call)(void)) {
    (void)call;
}
void hak_trace_note_unwatched(unsigned why, bool is_asked) {
    (void)is_asked;
    unwatched = why;
}

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
