/* Hands a fault or a crash to the collector through the report area, and waits for the report.
 *
 *   READY, WRITING --given up: said raw--> LEFT --collector--> KEEPING --stored--> IDLE
 *
 * A request that is left is not written over: the next fault waits for the area, as for its own
 * report, and else counts that as lost. */
#include <signal.h>
#include <string.h>
#include "fault_codes.h"
#include "hop.h"
#include "options.h"
#include "platform/block_signals.h"
#include "platform/platform.h"
#include "platform/tags.h"
#include "superslab.h"
#include "trace/crash/crash.h"
#include "trace/crash/processor.h"
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"
#include "trace/ring/ring.h"
#include "trace/stacks/stacks.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"
#include "trace/wait.h"

enum {
    DEAD_AFTER_MS = 600, /* a heart beats every 250 */
    SILENT_MS = 3000,    /* a collector that lives, and was stopped, is given up after */
    REPORT_MS = 10000,   /* that the collector has for a report, and to take up one that is left */
    CLAIM_MS = 20000,    /* to wait for the reports of other processes */
    LEFT_BEHIND_MS =
        2000 /* a state that takes a moment only is of a process that was killed in it */,
    PRINT_MS = 5000,     /* to print it, onto a slow terminal or file */
    WAIT_SLICE_MS = 100, /* between two looks whether the collector lives */
};

static const char in_file[] = "no collector runs; `hakmem-trace import` makes it of the file of "
                              "the rings";
static const char no_collector[] = "no collector is there to write the whole one";
static const char has_died[] = "the collector died meanwhile";
static const char is_silent[] = "the collector has not moved for 3 s";
static const char area_is_taken[] = "the report of another process is not finished";
static const char area_is_left[] = "the collector has not taken up the one before";

/* Whether the request is of leaks: its report is rows that the collector has already. */
static bool is_of_leaks(const struct hak_report_request *area) {
    return area->facts.fault == HAK_FAULT_MEMORY_LEAK;
}

/* The report area, and the session memory of which it is. A takeover puts another memory there, to
 * which it copies requests that are left, and no other ones. */
struct asked {
    struct hak_report_request *area;
    struct hak_session *session;
    uint64_t session_id;
};

static uint64_t session_id(const struct hak_session *session) {
    return __atomic_load_n(&session->session_id, __ATOMIC_ACQUIRE);
}

static struct asked area_of_now(void) {
    struct hak_session *session = hak_current.session;
    return (struct asked){hak_current.report, session, session_id(session)};
}

static bool is_replaced(const struct asked *asked) {
    return session_id(asked->session) != asked->session_id;
}

/* Changes the area's state, before a takeover copies it or not at all. False: it is another one, or
 * the memory is. Signals are blocked, since a handler that leaves by longjmp would leave the claim
 * behind. */
static bool change_state(const struct asked *asked, uint32_t from, uint32_t to) {
    uint64_t signals;
    hak_block_signals(&signals);
    hak_current_enter_claim();
    bool is_changed =
        !is_replaced(asked) && atomic_compare_exchange_strong(&asked->area->state, &from, to);
    hak_current_leave_claim();
    hak_restore_signals(&signals);
    return is_changed;
}

/* This process has claimed an area; the request of it, written before. */
static atomic_bool has_claimed;
static struct asked own_request;
static _Atomic uint32_t others_named;

/* Why the collector is not to be waited for any longer that has to store a request which was left
 * `waited` ns ago; NULL = wait on. A dead one is replaced: the new one gets the request. */
static const char *reason_to_pass(uint64_t waited) {
    hak_collector_replace_dead(DEAD_AFTER_MS);
    if (waited >= REPORT_MS * HAK_MILLISECOND_NS)
        return area_is_left;
    return waited >= SILENT_MS * HAK_MILLISECOND_NS && !hak_current_collector_beats(SILENT_MS)
               ? is_silent
               : NULL;
}

/* Waits for the report area, which the processes of a session share. Returns NULL when this process
 * has it, as `asked`, or why it does not get it. */
static const char *claim_area(struct asked *asked) {
    uint64_t now = hak_monotonic_ns(), deadline = now + CLAIM_MS * HAK_MILLISECOND_NS;
    uint64_t since = now;
    for (uint32_t before = HAK_REPORT_IDLE; now < deadline; now = hak_monotonic_ns()) {
        uint32_t state = HAK_REPORT_IDLE;
        *asked = area_of_now();
        struct hak_report_request *area = asked->area;
        if (atomic_compare_exchange_strong(&area->state, &state, HAK_REPORT_FILLING))
            return NULL;
        if (state != before) {
            before = state;
            since = now;
        }
        if (hak_current.overwrites && state == HAK_REPORT_READY &&
            atomic_compare_exchange_strong(&area->state, &state, HAK_REPORT_FILLING)) {
            if (!is_of_leaks(area))
                hak_ring_record_lost_report(); /* the newest one is kept for import */
            return NULL;
        }
        bool is_left = state == HAK_REPORT_LEFT || state == HAK_REPORT_KEEPING;
        const char *why = is_left ? reason_to_pass(now - since) : NULL;
        if (why)
            return why;
        bool is_brief = state == HAK_REPORT_FILLING || state == HAK_REPORT_DONE;
        if (is_brief && now - since >= LEFT_BEHIND_MS * HAK_MILLISECOND_NS)
            atomic_compare_exchange_strong(&area->state, &state, HAK_REPORT_IDLE);
        else
            hak_wait_on(&area->state, state, WAIT_SLICE_MS * HAK_MILLISECOND_NS);
    }
    return area_is_taken;
}

/* Copies the stack from `from` upwards as far as it can be read. */
static void copy_stack(struct hak_report_request *area, uintptr_t from) {
    from &= ~(uintptr_t)7;
    area->stack_address = from;
    area->stack_bytes = 0;
    while (area->stack_bytes < HAK_REPORT_STACK && hak_raw_readable(from)) {
        uintptr_t end = (from | (HAK_PAGE_BYTES - 1)) + 1;
        size_t bytes = end - from;
        if (bytes > HAK_REPORT_STACK - area->stack_bytes)
            bytes = HAK_REPORT_STACK - area->stack_bytes;
        memcpy(area->stack + area->stack_bytes, (const void *)from, bytes);
        area->stack_bytes += bytes;
        from = end;
    }
}

/* Writes the FAULT record. Returns the index of its ring, UINT32_MAX = there is none, and its
 * position. The fault number is the low half of its size, the signal the high half. */
static uint32_t record_fault(const struct hak_incident *incident, uint64_t *position) {
    const struct hak_fault_facts *facts = &incident->facts;
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
        .stack = !count ? 0
                 : hak_facts_are_of_stop(facts, incident->signal)
                     ? hak_stacks_intern_interrupted(incident->frames, count)
                     : hak_stacks_intern(incident->frames, count),
        .record_count = facts->record_count,
        .epoch = facts->epoch,
        .place = (uint8_t)facts->place,
        .subkind = (uint8_t)facts->subkind,
        .flags = hak_stacks_flags(incident->end),
    };
    (void)hak_trace_open_for_report(); /* its stack may be a new one */
    *position = 0;
    hak_ring_give_up_unfinished();
    const struct hak_ring_entry *ring = hak_ring_write(&fault, position);
    return ring ? (uint32_t)(ring - hak_current.rings) : UINT32_MAX;
}

/* The frames of stack `id`, then 0. */
static void keep_life(uint64_t to[HAK_REPORT_LIFE_FRAMES], uint32_t id) {
    uintptr_t ips[HAK_REPORT_LIFE_FRAMES];
    size_t count = hak_stacks_frames(id, ips, HAK_REPORT_LIFE_FRAMES);
    for (size_t i = 0; i < HAK_REPORT_LIFE_FRAMES; i++)
        to[i] = i < count ? ips[i] : 0;
}

/* Where the thread that is reported of was created, and the one that created it. */
static void keep_creations(const struct hak_incident *incident, struct hak_report_request *area) {
    uint32_t thread = area->thread;
    for (int i = 0; i < HAK_ORIGINS; i++) {
        const struct hak_thread_origin *origin =
            incident->thread ? &incident->created[i] : &hak_thread_origin[i];
        area->creations[i].thread = origin->stack != 0 || origin->creator != 0 ? thread : 0;
        area->creations[i].creator = origin->creator;
        keep_life(area->creations[i].frames, origin->stack);
        thread = origin->creator;
    }
}

static void fill_area(const struct hak_incident *incident, struct hak_report_request *area) {
    area->answer = HAK_ANSWER_NEW;
    area->thread = incident->thread ? incident->thread : hak_trace_thread();
    area->signal = incident->signal;
    area->signal_code = incident->code;
    area->signal_address = incident->address;
    area->facts = incident->facts;
    if (area->facts.clean_ticks > hak_current.tsc_start)
        area->facts.clean_ticks -= hak_current.tsc_start;
    else
        area->facts.clean_ticks = 0;
    for (int i = 0; i < HAK_REGISTERS; i++)
        area->registers[i] = incident->registers.known >> i & 1 ? incident->registers.value[i] : 0;
    for (size_t i = 0; i < incident->frame_count; i++)
        area->frames[i] = incident->frames[i];
    area->frame_count = (uint32_t)incident->frame_count;
    area->unwind_end = incident->end;
    area->sender = incident->sender;
    area->is_own_sender = incident->is_own_sender;
    area->handler_signal = incident->handler_signal;
    area->handler_code = incident->handler_code;
    for (int i = 0; i < HAK_REPORT_HANDLER_FRAMES; i++)
        area->handler_frames[i] = incident->handler_frames[i];
    area->full_stack_bytes = incident->full_stack_bytes;
    area->region = incident->region;
    area->trap = incident->trap;
    area->candidate_count = incident->candidate_count;
    memcpy(area->candidates, incident->candidates, sizeof area->candidates);
    area->is_unrecorded = !hak_options.trace && !hak_options.stores_faults;
    hak_crash_count_guarded(&area->calls, &area->guarded_blocks);
    area->unreported_before = incident->unreported_before;
    area->sweep_every =
        hak_options.sweep_every < UINT32_MAX ? (uint32_t)hak_options.sweep_every : UINT32_MAX;
    hak_crash_copy_bytes(area);
    area->flags = incident->flags;
    hak_crash_copy_code(incident, &area->code);
    hak_crash_look_at_registers(incident, area->pointed, HAK_REGISTERS);
    for (int i = 0; i < HAK_REGISTERS; i++)
        if (area->pointed[i].user)
            area->registers[i] =
                (uint64_t)(uintptr_t)hak_untagged((const void *)(uintptr_t)area->registers[i]);
    keep_life(area->alloc_frames, incident->facts.alloc_stack);
    keep_life(area->free_frames, incident->facts.free_stack);
    keep_life(area->clean_frames, incident->facts.clean_stack);
    keep_creations(incident, area);
    copy_stack(area, incident->registers.value[HAK_REGISTER_SP] - HAK_RED_ZONE_BYTES);
}

bool hak_crash_name_other(const struct hak_report_other *other) {
    if (!atomic_load(&has_claimed))
        return false;
    struct hak_report_request *area = own_request.area;
    uint32_t index = atomic_fetch_add(&others_named, 1);
    if (index >= HAK_REPORT_OTHERS)
        return true;
    struct hak_report_other *to = &area->others[index];
    to->signal = other->signal;
    to->fault = other->fault;
    to->address = other->address;
    to->ip = other->ip;
    atomic_store(&to->thread, hak_trace_thread());
    return true;
}

/* The state of a request that nobody waits for any longer. */
static uint32_t state_without_reporter(const struct hak_report_request *area) {
    return is_of_leaks(area) ? HAK_REPORT_IDLE : HAK_REPORT_LEFT;
}

/* Whether the area has another process's request. That of this one was DONE for LEFT_BEHIND_MS
 * while its thread was stopped. */
static bool is_of_another(const struct hak_report_request *area) {
    return __atomic_load_n(&area->process, __ATOMIC_ACQUIRE) != hak_current.process_index;
}

/* Nobody is to print the report any more: this process tells the known facts, and the collector
 * stores it. False: the report is being printed, or the memory is another one. */
static bool give_up(const struct asked *asked) {
    struct hak_report_request *area = asked->area;
    while (!is_replaced(asked)) {
        uint32_t state = atomic_load(&area->state);
        if (state != HAK_REPORT_READY && state != HAK_REPORT_WRITING)
            return false;
        atomic_store(&has_claimed, false);
        if (change_state(asked, state, state_without_reporter(area))) {
            hak_wake(&area->state);
            return true;
        }
        atomic_store(&has_claimed, true);
    }
    return false;
}

/* Why the report is not to be waited for any longer, NULL = wait on. */
static const char *reason_to_give_up(uint64_t waited) {
    if (waited >= REPORT_MS * HAK_MILLISECOND_NS)
        return "the collector did not finish the whole one within 10 s";
    if (waited >= DEAD_AFTER_MS * HAK_MILLISECOND_NS &&
        !hak_current_collector_beats(DEAD_AFTER_MS) &&
        !hak_collector_answers(hak_current.keeper_name))
        return no_collector;
    if (waited >= SILENT_MS * HAK_MILLISECOND_NS && !hak_current_collector_beats(SILENT_MS))
        return is_silent;
    return NULL;
}

/* Waits until the collector has written the report. Returns NULL, or why it has not. */
static const char *wait_for_report(const struct asked *asked) {
    struct hak_report_request *area = asked->area;
    uint64_t begin = hak_monotonic_ns(), printing_since = 0;
    for (;;) {
        uint32_t state = atomic_load(&area->state);
        bool is_gone = is_of_another(asked->area);
        uint64_t now = hak_monotonic_ns();
        if (is_replaced(asked)) /* both may be those of the new memory */
            return has_died;
        bool is_waiting = state == HAK_REPORT_READY || state == HAK_REPORT_WRITING ||
                          state == HAK_REPORT_PRINTING;
        /* Not DONE: it was, and another process found that left behind. */
        if (!is_waiting || is_gone)
            return NULL;
        if (state == HAK_REPORT_PRINTING) {
            if (!printing_since)
                printing_since = now;
            if (now - printing_since >= PRINT_MS * HAK_MILLISECOND_NS)
                return NULL;
        } else {
            const char *why = reason_to_give_up(now - begin);
            if (why && give_up(asked))
                return why;
        }
        hak_wait_on(&area->state, state, WAIT_SLICE_MS * HAK_MILLISECOND_NS);
    }
}

static void begin_area(const struct asked *asked) {
    for (unsigned i = 0; i < HAK_REPORT_OTHERS; i++)
        atomic_store(&asked->area->others[i].thread, 0);
    atomic_store(&others_named, 0);
    asked->area->process = hak_current.process_index;
    own_request = *asked;
    atomic_store(&has_claimed, true);
}

void hak_crash_area_forget(void) {
    atomic_store(&has_claimed, false);
}

bool hak_crash_let_area_go(void) {
    if (!atomic_exchange(&has_claimed, false) || is_replaced(&own_request))
        return false;
    struct hak_report_request *area = own_request.area;
    if (is_of_another(area))
        return true;
    uint32_t state = atomic_load(&area->state);
    bool is_filled = state != HAK_REPORT_FILLING;
    /* WRITING, PRINTING: the collector is at it, and sets DONE; the next to claim finds it left
     * behind. */
    if (state == HAK_REPORT_READY)
        (void)change_state(&own_request, state, state_without_reporter(area));
    else if (state != HAK_REPORT_WRITING && state != HAK_REPORT_PRINTING)
        atomic_compare_exchange_strong(&area->state, &state, HAK_REPORT_IDLE);
    hak_wake(&area->state);
    return is_filled && !is_replaced(&own_request);
}

void hak_crash_count_lost(const struct hak_incident *incident) {
    if (incident->facts.fault != HAK_FAULT_MEMORY_LEAK && hak_current_ready() &&
        hak_current.session && !hak_current.is_left)
        hak_ring_record_lost_report();
}

/* Frees the area whose report is done. In any other state it is another process's, or the
 * collector is at it. */
static void free_done(const struct asked *asked) {
    uint32_t done = HAK_REPORT_DONE;
    atomic_store(&has_claimed, false);
    if (!is_replaced(asked) && !is_of_another(asked->area) &&
        atomic_compare_exchange_strong(&asked->area->state, &done, HAK_REPORT_IDLE))
        hak_wake(&asked->area->state);
}

/* Where the FAULT record lies. */
struct written {
    uint32_t ring; /* its index, UINT32_MAX = in none */
    uint64_t position;
};

/* One try, in the session memory of now. Its record is written even if the collector does not get
 * the rest; once: a successor's rings have the records of its collector's before, at their
 * positions. */
static const char *request_report(struct hak_incident *incident, struct written *record) {
    struct asked asked;
    const char *taken = claim_area(&asked);
    struct hak_report_request *area = asked.area;
    bool is_written = record->ring != UINT32_MAX;
    if (taken) {
        if (!is_written)
            record->ring = record_fault(incident, &record->position);
        hak_crash_count_lost(incident);
        return taken;
    }
    begin_area(&asked);
    fill_area(incident, area);
    if (!is_written)
        record->ring = record_fault(incident, &record->position);
    area->ring = record->ring;
    area->fault_position = record->position;
    if (!change_state(&asked, HAK_REPORT_FILLING, HAK_REPORT_READY)) {
        atomic_store(&has_claimed, false);
        return has_died;
    }
    hak_wake(&area->state);
    if (hak_current.overwrites) {
        atomic_store(&has_claimed, false);
        return in_file;
    }
    hak_ring_doorbell(hak_current.session);
    hak_wake(&hak_current.session->doorbell);
    const char *why = wait_for_report(&asked);
    if (why == has_died) {
        atomic_store(&has_claimed, false);
        return why;
    }
    bool is_known = !why && __atomic_load_n(&area->answer, __ATOMIC_ACQUIRE) != HAK_ANSWER_NEW;
    incident->is_known = is_known && !is_of_another(area);
    free_done(&asked);
    return why;
}

/* Before the request of now is made again: takes back the one that was given up. False: the
 * collector has it. */
static bool withdraw(const struct hak_incident *incident) {
    struct asked asked = area_of_now();
    return incident->facts.fault == HAK_FAULT_MEMORY_LEAK ||
           change_state(&asked, HAK_REPORT_LEFT, HAK_REPORT_IDLE);
}

/* Whether the request of now is to be made again, in the memory that the next collector has. */
static bool may_ask_again(const struct hak_incident *incident, const char *why) {
    if ((why != has_died && why != no_collector) || !hak_current_ready())
        return false;
    return why == has_died || withdraw(incident); /* gone with the memory in which it was made */
}

const char *hak_crash_hand_over(struct hak_incident *incident) {
    const char *why = NULL;
    struct written record = {.ring = UINT32_MAX};
    if (!hak_trace_open_for_report())
        return hak_options.trace ? no_collector : "no collector can be started";
    atomic_fetch_add_explicit(&hak_control.reports, 1, memory_order_relaxed);
    if (hak_options.stores_faults)
        hak_crash_bring_lives(hak_report_session_is_first());
    /* If it dies just now, records that are not stored yet go to the next one, too. */
    for (int tries = 0; tries < 2 && (tries == 0 || may_ask_again(incident, why)); tries++) {
        hak_collector_replace_dead(DEAD_AFTER_MS);
        why = request_report(incident, &record);
    }
    if (why == has_died)
        hak_crash_count_lost(incident);
    return why;
}
