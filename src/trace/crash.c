/* Hands a fault or a crash to the collector, and ends the program as it is due. */
#include "trace/crash.h"
#include <signal.h>
#include <string.h>
#include "hop.h"
#include "options.h"
#include "superslab.h"
#include "trace/current.h"
#include "trace/keeper.h"
#include "trace/ring.h"
#include "trace/stacks.h"
#include "trace/trace.h"
#include "trace/wait.h"

enum {
    STALE_MS = 3000,
    DEAD_AFTER_MS = 600, /* a heart beats every 250 */
    REPORT_MS = 10000,   /* that the collector has for a report */
    CLAIM_MS = 20000,    /* to wait for the report of another process */
    WAIT_SLICE_MS = 100, /* between two looks whether the collector lives */
    PLACES = 1024,       /* remembered as reported under HAKMEM_ON_FAULT=continue */
    PAGE_BYTES = 4096,
    RED_ZONE_BYTES = 128,
};

static _Atomic uint32_t reporter; /* kernel's id of the thread that reports, 0 = none */
static _Atomic uint64_t places[PLACES];

void hak_crash_forget(void) {
    atomic_store(&reporter, 0);
}

bool hak_crash_is_reporting(void) {
    return atomic_load(&reporter) == (uint32_t)hak_raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

bool hak_crash_enter(void) {
    uint32_t self = (uint32_t)hak_raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
    for (;;) {
        uint32_t other = 0;
        if (atomic_compare_exchange_strong(&reporter, &other, self))
            return true;
        if (other == self)
            return false;
        hak_wait_on(&reporter, other, HAK_SECOND_NS);
    }
}

void hak_crash_leave(void) {
    atomic_store(&reporter, 0);
    hak_wake(&reporter);
}

void hak_crash_die_by(int number) {
    uint64_t one = (uint64_t)1 << (number - 1);
    hak_raw_default_signal(number);
    (void)hak_raw_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&one, 0, 8, 0, 0);
    (void)hak_raw_call(SYS_tgkill, hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
                       hak_raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0), number, 0, 0, 0);
    for (;;) /* PID 1 is spared by default actions */
        (void)hak_raw_call(SYS_exit_group, 128 + number, 0, 0, 0, 0, 0);
}

/* Waits for the report area, which the processes of a session share; false: another one holds it.
 */
static bool claim_area(struct hak_report_request *area) {
    uint64_t deadline = hak_monotonic_ns() + CLAIM_MS * HAK_MILLISECOND_NS;
    for (;;) {
        uint32_t state = HAK_REPORT_IDLE;
        if (atomic_compare_exchange_strong(&area->state, &state, HAK_REPORT_FILLING))
            return true;
        if (hak_monotonic_ns() >= deadline)
            return false;
        hak_wait_on(&area->state, state, WAIT_SLICE_MS * HAK_MILLISECOND_NS);
    }
}

/* Copies the stack from `from` upwards as far as it can be read. */
static void copy_stack(struct hak_report_request *area, uintptr_t from) {
    from &= ~(uintptr_t)7;
    area->stack_address = from;
    area->stack_bytes = 0;
    while (area->stack_bytes < HAK_REPORT_STACK && hak_raw_readable(from)) {
        uintptr_t end = (from | (PAGE_BYTES - 1)) + 1;
        size_t bytes = end - from;
        if (bytes > HAK_REPORT_STACK - area->stack_bytes)
            bytes = HAK_REPORT_STACK - area->stack_bytes;
        memcpy(area->stack + area->stack_bytes, (const void *)from, bytes);
        area->stack_bytes += bytes;
        from = end;
    }
}

/* Writes the FAULT record and tells where it lies. The fault number is the low half of its size,
 * the signal the high half. */
static void record_fault(const struct hak_incident *incident, struct hak_report_request *area) {
    const struct hak_fault_facts *facts = incident->facts;
    size_t depth = hak_options.stack_depth;
    size_t count = incident->frame_count < depth ? incident->frame_count : depth;
    struct hak_event_fields fault = {
        .kind = HAK_FAULT,
        .class_index = (uint8_t)facts->class_due,
        .address = facts->found_address,
        .size = facts->fault | (uint64_t)incident->signal << 32,
        .delta_bytes = facts->base && facts->found_address >= facts->base
                           ? facts->found_address - facts->base
                           : 0,
        .stack = count ? hak_stacks_intern(incident->frames, count) : 0,
        .record_count = facts->record_count,
        .epoch = facts->epoch,
        .place = (uint8_t)facts->place,
        .subkind = (uint8_t)facts->subkind,
        .flags = hak_stacks_flags(incident->end),
    };
    bool wide = hak_fields_are_wide(&fault);
    uint64_t at;
    area->ring = UINT32_MAX;
    area->fault_position = 0;
    hak_ring_give_up_unfinished();
    if (!hak_ring_reserve(wide ? 2 : 1, &at, &fault.time))
        return;
    if (wide)
        *hak_ring_slot(at + 1) = hak_record_pack_wide(&fault, HAK_CONTINUATION);
    *hak_ring_slot(at) = hak_record_pack(&fault);
    struct hak_ring_entry *ring = hak_writer.held ? hak_ring_shared_entry() : hak_writer.ring;
    hak_ring_finish();
    area->ring = (uint32_t)(ring - hak_current.rings);
    area->fault_position = at;
}

static void fill_area(const struct hak_incident *incident, struct hak_report_request *area) {
    area->process = hak_current.process_index;
    area->thread = hak_trace_thread();
    area->signal = incident->signal;
    area->signal_code = incident->signal_code;
    area->signal_address = incident->signal_address;
    area->facts = *incident->facts;
    for (int i = 0; i < HAK_REPORT_REGISTERS; i++)
        area->registers[i] = incident->registers.known >> i & 1 ? incident->registers.value[i] : 0;
    for (size_t i = 0; i < incident->frame_count; i++)
        area->frames[i] = incident->frames[i];
    area->frame_count = (uint32_t)incident->frame_count;
    area->unwind_end = incident->end;
    copy_stack(area, incident->registers.value[HAK_RSP] - RED_ZONE_BYTES);
}

/* Waits until the collector has written the report. */
static bool wait_for_report(struct hak_report_request *area) {
    uint64_t deadline = hak_monotonic_ns() + REPORT_MS * HAK_MILLISECOND_NS;
    for (;;) {
        uint32_t state = atomic_load(&area->state);
        if (state == HAK_REPORT_DONE)
            return true;
        if (hak_monotonic_ns() >= deadline ||
            (!hak_keeper_beats(STALE_MS) && !hak_keeper_answers(hak_current.keeper_name)))
            return false;
        hak_wait_on(&area->state, state, WAIT_SLICE_MS * HAK_MILLISECOND_NS);
    }
}

/* False: the collector did not write the report. */
static bool hand_over(const struct hak_incident *incident) {
    if (!hak_current_ready())
        return false;
    hak_keeper_replace_dead(DEAD_AFTER_MS);
    struct hak_report_request *area = hak_current.report;
    if (!claim_area(area))
        return false;
    fill_area(incident, area);
    record_fault(incident, area);
    atomic_store(&area->state, HAK_REPORT_READY);
    hak_wake(&area->state);
    hak_ring_doorbell(hak_current.session);
    hak_wake(&hak_current.session->doorbell);
    uint32_t state = HAK_REPORT_READY;
    if (wait_for_report(area))
        state = HAK_REPORT_DONE;
    bool written = state == HAK_REPORT_DONE;
    atomic_compare_exchange_strong(&area->state, &state, HAK_REPORT_IDLE);
    hak_wake(&area->state);
    return written;
}

void hak_crash_report(const struct hak_incident *incident) {
    if (!hand_over(incident))
        hak_raw_report(incident);
}

/* True when a fault with this code and these frames was met before (or no more can be remembered).
 */
static bool is_known_place(const struct hak_incident *incident) {
    uint64_t hash = 0xcbf29ce484222325u ^ incident->facts->fault;
    for (size_t i = 0; i < incident->frame_count; i++)
        hash = (hash ^ incident->frames[i]) * 0x100000001b3u;
    hash |= 1;
    for (unsigned i = 0; i < PLACES; i++) {
        _Atomic uint64_t *place = &places[(hash + i) % PLACES];
        uint64_t seen = 0;
        if (atomic_compare_exchange_strong(place, &seen, hash))
            return false;
        if (seen == hash)
            return true;
    }
    return true;
}

HAK_TRACER_TEXT void hak_trace_fault(const struct hak_fault_facts *facts) {
    bool stops = hak_options.on_fault == HAK_ON_FAULT_STOP;
    struct hak_incident incident = {.facts = facts};
    hak_registers_here(&incident.registers);
    incident.frame_count =
        hak_unwind_from(&incident.registers, incident.frames, HAK_REPORT_FRAMES, &incident.end);
    if (!stops && is_known_place(&incident))
        return;
    if (!hak_crash_enter())
        return; /* the report itself met a fault */
    hak_crash_report(&incident);
    if (stops)
        hak_crash_die_by(SIGABRT);
    hak_crash_leave();
}
