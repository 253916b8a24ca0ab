/* Reports a fault or a crash step by step, on a stack of its own, and ends the program as it is
 * due.
 *
 * A step that itself meets a fault (the heap's or our own memory may be damaged) comes back here
 * through the crash handler, which goes on with the step after it. */
#include "trace/crash/crash.h"
#include <errno.h>
#include <signal.h>
#include "check.h"
#include "fault_codes.h"
#include "hop.h"
#include "options.h"
#include "superslab.h"
#include "trace/signals/signals.h"
#include "trace/collector/collector.h"
#include "trace/memory/memory.h"
#include "trace/control.h"
#include "trace/crash/places.h"
#include "trace/crash/private_operators.h"
#include "trace/ring/ring.h"
#include "trace/stacks/stacks.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "unwind/splice.h"
#include "platform/block_signals.h"
#include "platform/tags.h"

enum {
    KINDS_DIFFER = HAK_FAULT_ALLOC_DEALLOC_MISMATCH,
    REPORT_STACK_BYTES = 128 << 10,
    OF_STOP = 2,        /* in a place's hash: it is that of a fault at which the program stopped */
    LOOK_AGAIN_MS = 20, /* whether the report that is waited for can take another thread's name */
};

static _Atomic uint32_t reporter; /* kernel's id of the thread that reports, 0 = none */
static uint8_t is_vfork_child;    /* that thread is a child that runs in our memory */
static volatile bool is_late_tag_put_off;

/* Of the thread that reports. */
static struct hak_incident the_incident;
static volatile unsigned steps_begun;
static const char *volatile why_raw;  /* NULL = the collector has written it */
static volatile bool has_handed_over; /* whatever became of it is counted */
/* Its stack: that of the fault may be full, an alternate stack of the program small. */
static char report_stack[REPORT_STACK_BYTES] __attribute__((aligned(64)));

static uint32_t own_id(void) {
    return (uint32_t)hak_raw_call(SYS_gettid);
}

void hak_crash_forget(void) {
    atomic_store(&hak_control.done, atomic_load(&hak_control.request)); /* the parent was asked */
    atomic_store(&reporter, 0);
    hak_crash_area_forget();
    hak_places_forget_unreported();
    hak_actions_forget();
}

void hak_crash_vfork_child_is_gone(void) {
    if (!atomic_load(&reporter) || !is_vfork_child)
        return;
    (void)hak_crash_let_area_go();
    hak_crash_leave();
}

bool hak_crash_is_reporting(void) {
    uint32_t who = atomic_load(&reporter);
    return who != 0 && who == own_id();
}

static void begin_incident(void) {
    is_vfork_child = hak_vfork_children != 0;
    steps_begun = 0;
    has_handed_over = false;
    why_raw = "the report itself met a fault";
    the_incident = (struct hak_incident){.look = hak_crash_unwind};
}

bool hak_crash_enter_alone(void) {
    uint32_t nobody = 0;
    if (!atomic_compare_exchange_strong(&reporter, &nobody, own_id()))
        return false;
    begin_incident();
    return true;
}

struct hak_incident *hak_crash_enter(const struct hak_report_other *mine) {
    uint32_t self = own_id();
    bool is_named = false;
    for (;;) {
        uint32_t other = 0;
        if (atomic_compare_exchange_strong(&reporter, &other, self)) {
            begin_incident();
            return &the_incident;
        }
        if (other == self)
            return NULL;
        /* A clone that shared our memory and nothing else, and died in the middle. */
        if (hak_raw_call(SYS_kill, other) == -ESRCH &&
            atomic_compare_exchange_strong(&reporter, &other, self)) {
            (void)hak_crash_let_area_go();
            begin_incident();
            return &the_incident;
        }
        is_named = is_named || hak_crash_name_other(mine);
        hak_wait_on(&reporter, other,
                    is_named ? HAK_SECOND_NS : LOOK_AGAIN_MS * HAK_MILLISECOND_NS);
    }
}

/* The next report begins another session. A process whose end is near keeps this one, for the
 * records of its end. */
static void let_session_go(void) {
    bool ends = the_incident.end_signal || the_incident.facts.found_by == HAK_FOUND_BY_EXIT;
    if (hak_options.stores_faults && !ends && !is_vfork_child)
        hak_report_session_leave(!why_raw);
}

void hak_crash_put_off_late_tag(void) {
    is_late_tag_put_off = true;
}

void hak_crash_leave(void) {
    siginfo_t late = {.si_signo = SIGSEGV, .si_code = HAK_TAGS_FAULT_ASYNC};
    bool is_put_off = is_late_tag_put_off;
    let_session_go();
    is_vfork_child = 0;
    is_late_tag_put_off = false;
    atomic_store(&reporter, 0);
    hak_wake(&reporter);
    if (is_put_off)
        (void)hak_raw_call(SYS_rt_tgsigqueueinfo, hak_raw_call(SYS_getpid), own_id(), SIGSEGV,
                           &late);
}

void hak_crash_leave_stored(bool is_stored) {
    why_raw = is_stored ? NULL : why_raw;
    hak_crash_leave();
}

void hak_crash_note_end(int number) {
    if (!hak_current_ready() || !hak_current.process || !hak_is_own_process())
        return;
    atomic_store(&hak_current.process->end_status, HAK_END_KNOWN | (uint32_t)number);
    hak_memory_put_stacks_into_core();
}

void hak_crash_die_by(int number) {
    uint64_t one = (uint64_t)1 << (number - 1);
    hak_crash_note_end(number);
    hak_raw_default_signal(number);
    (void)hak_raw_call(SYS_rt_sigprocmask, SIG_UNBLOCK, &one, 0, 8);
    (void)hak_raw_call(SYS_tgkill, hak_raw_call(SYS_getpid), own_id(), number);
    for (;;) /* PID 1 is spared by default actions */
        (void)hak_raw_call(SYS_exit_group, 128 + number);
}

/* ---- the steps ---------------------------------------------------------------------------------
 */

void hak_crash_unwind(struct hak_incident *of) {
    of->frame_count = hak_unwind_from(&of->registers, of->frames, HAK_REPORT_FRAMES, &of->end);
}

static void look(void) {
    /* The stack until the step is through: the place where it happened. */
    the_incident.frames[0] = the_incident.registers.value[HAK_REGISTER_IP];
    the_incident.frame_count = 1;
    the_incident.end = HAK_UNWIND_BAD_CFA;
    /* The thread will not go back into a walk that was under way. */
    if (the_incident.end_signal)
        hak_unwind_under_way = 0;
    the_incident.look(&the_incident);
}

static void hand_over_incident(void) {
    if (!the_incident.is_reported)
        why_raw = hak_crash_hand_over(&the_incident);
    has_handed_over = true;
}

static void say_raw(void) {
    has_handed_over |= hak_crash_let_area_go();
    if (!the_incident.is_reported && why_raw)
        hak_raw_report(&the_incident, why_raw);
}

static void count_lost(void) {
    if (!has_handed_over)
        hak_crash_count_lost(&the_incident);
}

/* Also from the middle of itself: a step is begun once. */
static void go_through_steps(void) {
    static void (*const steps[])(void) = {look, hand_over_incident, say_raw, count_lost};
    while (steps_begun < sizeof steps / sizeof *steps)
        steps[steps_begun++]();
}

/* Calls `function` on the stack that ends at `top`. */
HAK_HIDDEN void hak_crash_call_on(char *top, void (*function)(void));
#include HAK_ARCH_FILE(call_on.h)

/* A fault of the report's own comes through. SIGTRAP does not, which debug registers send at any
 * moment: its handler would begin at the top of the alternate stack, on which the handler that
 * reports has its frames while this runs on another. */
void hak_crash_report(void) {
    uint64_t trap = (uint64_t)1 << (SIGTRAP - 1);
    uint64_t before = 0; /* and stays so in a sandbox that forbids the call */
    uint64_t others = ~((hak_actions_watched() & ~trap) | hak_kept_signals);
    (void)hak_raw_call(SYS_rt_sigprocmask, SIG_SETMASK, &others, &before, 8);
    hak_crash_call_on(report_stack + sizeof report_stack, go_through_steps);
    hak_restore_signals(&before);
}

void hak_crash_go_on(void) {
    go_through_steps();
    hak_crash_die_by(the_incident.end_signal ? the_incident.end_signal : SIGABRT);
}

/* As abort() does: the program's own handler of SIGABRT runs first, if it has one. */
static _Noreturn void stop(void) {
    bool is_in_handler = the_incident.is_reported && !the_incident.is_repeated;
    if (hak_actions_has_handler(SIGABRT) && !is_in_handler && hak_crash_stop_begins()) {
        uint64_t one = (uint64_t)1 << (SIGABRT - 1);
        hak_crash_leave();
        (void)hak_raw_call(SYS_rt_sigprocmask, SIG_UNBLOCK, &one, 0, 8);
        (void)hak_raw_call(SYS_tgkill, hak_raw_call(SYS_getpid), own_id(), SIGABRT);
    }
    hak_crash_die_by(SIGABRT);
}

/* ---- faults ------------------------------------------------------------------------------------
 */

/* Tells faults of this process apart: code and frames, but for those of hakmem's own, which
 * may find the same fault in several places; where damage is found at no place of
 * its own (a sweep finds many), the allocation, too. */
static uint64_t place_of_incident(void) {
    uint64_t hash = 0xcbf29ce484222325u ^ the_incident.facts.fault;
    for (size_t i = 0; i < the_incident.frame_count; i++)
        if (!hak_is_own_text(the_incident.frames[i]))
            hash = (hash ^ the_incident.frames[i]) * 0x100000001b3u;
    if (hak_fault_is_damage(the_incident.facts.fault) &&
        the_incident.facts.found_by != HAK_FOUND_BY_FUNCTION)
        hash = (hash ^ the_incident.facts.alloc_stack) * 0x100000001b3u;
    return hash | 1;
}

bool hak_crash_is_known_place(void) {
    return hak_places_know(place_of_incident());
}

void hak_crash_make_place_known(void) {
    hak_places_add(place_of_incident());
}

bool hak_crash_is_first_stop(void) {
    uint64_t unreported;
    return hak_places_meet(place_of_incident() ^ OF_STOP, hak_monotonic_ns(), 0, &unreported);
}

bool hak_crash_may_report(struct hak_incident *of) {
    return hak_places_meet(place_of_incident(), hak_monotonic_ns(),
                           hak_options.report_every * HAK_SECOND_NS, &of->unreported_before);
}

/* C and C++ do not match, but one of the two calls was in an operator of its module's own. */
static bool is_private_operator(const struct hak_incident *of) {
    unsigned given = of->facts.subkind >> 8;
    uintptr_t caller = 0;
    if (of->facts.fault != KINDS_DIFFER)
        return false;
    for (size_t i = 0; given == HAK_GIVEN_BY_FREE && i < of->frame_count; i++)
        if (!hak_is_own_text(of->frames[i]))
            return hak_has_private_delete(of->frames[i]);
    return given >= HAK_GIVEN_BY_DELETE &&
           hak_stacks_frames(of->facts.alloc_stack, &caller, 1) > 0 &&
           hak_is_in_private_new(caller);
}

static void look_at_fault(struct hak_incident *of) {
    hak_crash_unwind(of);
    if (of->facts.memory == HAK_MEMORY_MAPPED)
        hak_crash_look_at_mapping(of);
}

/* A handler of SIGABRT that runs for a stop may meet the damage, too: that is no news. Nor is what
 * the collector has answered before that it is none. */
static void look_at_fault_to_stop(struct hak_incident *of) {
    look_at_fault(of);
    of->is_known = hak_crash_is_known_place() || is_private_operator(of);
    of->is_reported = of->is_known || hak_crash_is_in_stop(of);
    of->is_repeated = !of->is_reported && !hak_crash_is_first_stop();
    of->is_reported |= of->is_repeated;
}

static void look_at_fault_to_go_on(struct hak_incident *of) {
    look_at_fault(of);
    of->is_reported = is_private_operator(of) || !hak_crash_may_report(of);
}

void hak_crash_report_fault(const struct hak_fault_facts *facts,
                            const struct hak_registers *registers, uint64_t flags, bool is_behind) {
    bool stops = hak_options.on_fault == HAK_ON_FAULT_STOP;
    (void)hak_current_ready(); /* a child that no handler told of forgets what its parent was at */
    struct hak_report_other mine = {.fault = facts->fault,
                                    .address = facts->found_address,
                                    .ip = registers->value[HAK_REGISTER_IP]};
    if (!hak_crash_enter(&mine))
        return; /* the report itself met a fault of the heap */
    the_incident.facts = *facts;
    the_incident.registers = *registers;
    the_incident.registers.value[HAK_REGISTER_IP] -= is_behind; /* into the instruction */
    the_incident.is_in_last_byte = is_behind;
    the_incident.flags = flags;
    the_incident.end_signal = stops ? SIGABRT : 0;
    the_incident.look = stops ? look_at_fault_to_stop : look_at_fault_to_go_on;
    hak_crash_report();
    if (stops && !the_incident.is_known) {
        hak_crash_flush_output(the_incident.facts.found_by);
        stop();
    }
    if (stops && !the_incident.is_reported)
        hak_crash_make_place_known();
    hak_crash_leave();
}

HAK_TRACER_TEXT void hak_trace_fault(const struct hak_fault_facts *facts) {
    struct hak_registers here;
    hak_registers_here(&here);
    hak_crash_report_fault(facts, &here, 0, false);
}
