/* The tracer of world.h. It defines every function of trace/trace.h, so that no part of the real
 * one is linked. */
#include "world.h"

struct hak_event_fields events[NOTED_EVENTS];
struct hak_fault_facts faults[NOTED_FAULTS];
_Atomic unsigned event_count, fault_count;
unsigned counts[3];
static uint32_t next_epoch = 1;

void (*when_recorded)(void);

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
unsigned batches_noted;
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
uint32_t stack_of_program = STACK_OF_PROGRAM;
uint32_t hak_stack_here(bool keep_own_frames, uint8_t *flags) {
    *flags = 0;
    return keep_own_frames ? STACK_OF_LAYERS : stack_of_program;
}
struct hak_code_place places[8];
size_t place_count;
size_t hak_stack_places(uint32_t stack, struct hak_code_place *out, size_t max) {
    (void)stack;
    size_t count = place_count < max ? place_count : max;
    memcpy(out, places, count * sizeof *out);
    return count;
}
unsigned stacks_of_calls;
uint32_t hak_stack_of_call(const void *frame, hak_call_t call, uint8_t *flags) {
    (void)frame, (void)call;
    stacks_of_calls++;
    return hak_stack_here(false, flags);
}
uintptr_t caller_of_call;
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
_Atomic unsigned times_counted[256];
_Atomic uint64_t amount_counted[256];
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
unsigned times_served;
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
char last_name[256];
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

void (*hear)(int);
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

bool hears_accesses = true;
bool hak_trace_hears_accesses(void) {
    return hears_accesses;
}
bool hak_trace_hears_traps(void) {
    return true;
}
unsigned unwatched;
void hak_trace_keep_traps(void (*at_release)(void)) {
    (void)at_release;
}
void hak_trace_leave_traps(void) {}
void hak_trace_at_thread_start(void (*call)(void)) {
    (void)call;
}
void hak_trace_note_malloc(const char *name) {
    (void)name;
}

void hak_trace_note_unwatched(unsigned why, bool is_asked) {
    (void)is_asked;
    unwatched = why;
}
