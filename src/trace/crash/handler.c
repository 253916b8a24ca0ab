/* The handler of crash signals: it reports a death, or has the program's own handler run as if the
 * kernel had called it, and finds afterwards the fault of which the process died.
 *
 *   fault ---> program's handler ---> returns, or leaves by longjmp: no death, nothing is said
 *      noted        |
 *                   +--> raise, abort, a fault of its own: the stack goes through the handler's
 *                        return to the place that was noted; that is reported
 *
 * A program's handler is jumped to, not called: no frame of ours is on its stack. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include "options.h"
#include "superslab.h"
#include "trace/signals/signals.h"
#include "trace/crash/aligned.h"
#include "trace/crash/crash.h"
#include "trace/memory/memory.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"
#include "unwind/cfi.h"
#include "unwind/splice.h"
#include "unwind/stack_memory.h"
#include "platform/block_signals.h"
#include "platform/emulator.h"
#include "platform/objects.h"
#include "platform/platform.h"
#include "platform/readable.h"
#include "platform/tags.h"
#include HAK_ARCH_FILE(context.h)

typedef void handler_function(int, siginfo_t *, void *);

enum {
    NOTED = 64,                  /* deliveries that are remembered, of all threads */
    NEAR_BYTES = 64 << 10,       /* a frame may be that large and still run off its stack */
    STACK_LOOKED_AT = 256 << 20, /* of a stack, to see that it is one */
    ABORT_DEPTH = 8,             /* abort is near the top of a stack on which it raised */
};

/* A signal that was given to the program's handler. */
struct noted_signal {
    _Atomic uint32_t thread_id; /* kernel's; written last, 0 = nothing here */
    uint32_t thread;            /* number */
    struct hak_thread_origin created[HAK_ORIGINS];
    int number, code;
    int32_t sender;
    bool is_reported;
    uint32_t trap, trap_error;
    uint64_t flags;
    uint64_t address;
    const ucontext_t *context; /* on the stack of its handler */
    uintptr_t returns_to;      /* its handler */
    struct hak_registers registers;
};
static struct noted_signal noted[NOTED];
static _Atomic uint32_t next_noted;

/* Where the newest call of on_crash in this thread returns to. */
static _Thread_local uintptr_t returns_to __attribute__((tls_model("initial-exec")));

/* The calling thread sends itself SIGABRT for a fault that is reported. Others may at the same
 * time. */
static _Thread_local volatile bool is_stopping __attribute__((tls_model("initial-exec")));

bool hak_crash_stop_begins(void) {
    bool has_begun = is_stopping;
    is_stopping = true;
    return !has_begun;
}

static bool is_of_stop(int number) {
    bool is_its = number == SIGABRT && is_stopping;
    if (is_its)
        is_stopping = false;
    return is_its;
}

static bool is_from_kernel(const siginfo_t *info) {
    return info->si_code > 0;
}

static int32_t sender_of(const siginfo_t *info) {
    return is_from_kernel(info) ? 0 : info->si_pid;
}

static bool is_own(int32_t sender) {
    return sender == (int32_t)hak_raw_call(SYS_getpid);
}

static uint64_t address_of(const siginfo_t *info) {
    return is_from_kernel(info) ? (uint64_t)(uintptr_t)info->si_addr : 0;
}

/* It tells of an access by a wrong memory tag that was found later. */
static bool is_late(int number, const siginfo_t *info) {
    return hak_crash_is_late_tag((uint32_t)number, info->si_code);
}

/* The processor's exception, for signals that it caused. */
static void take_trap(const siginfo_t *info, const ucontext_t *context, uint32_t *trap,
                      uint32_t *trap_error) {
    *trap = is_from_kernel(info) ? hak_context_trap(context) : 0;
    *trap_error = is_from_kernel(info) ? hak_context_trap_error(context) : 0;
    if (!HAK_CONTEXT_HAS_TRAP && is_from_kernel(info) && info->si_signo == SIGSEGV &&
        !is_late(SIGSEGV, info)) {
        struct hak_registers registers;
        hak_registers_from_context(&registers, context);
        hak_crash_find_trap(&registers, address_of(info), trap, trap_error);
    }
}

static uint64_t flags_of(const ucontext_t *context) {
    return hak_context_flags(context);
}

static void remember_signal(int number, const siginfo_t *info, const void *context,
                            bool is_reported) {
    struct noted_signal *to = &noted[atomic_fetch_add(&next_noted, 1) % NOTED];
    uint32_t self = (uint32_t)hak_raw_call(SYS_gettid);
    atomic_store(&to->thread_id, 0);
    atomic_thread_fence(memory_order_release);
    to->thread = hak_trace_thread();
    memcpy(to->created, hak_thread_origin, sizeof to->created);
    to->number = number;
    to->code = info->si_code;
    to->sender = sender_of(info);
    to->address = address_of(info);
    to->context = context;
    to->returns_to = HAK_LIBC_RESTORES ? hak_actions_restorer() : returns_to;
    take_trap(info, context, &to->trap, &to->trap_error);
    to->flags = flags_of(context);
    to->is_reported = is_of_stop(number) || is_reported;
    hak_registers_from_context(&to->registers, context);
    atomic_store(&to->thread_id, self);
}

/* ---- which fault is it? ------------------------------------------------------------------------
 */

/* The newest signal of `thread_id` that was noted with the pc `ip`. */
static const struct noted_signal *noted_at(uint32_t thread_id, uint64_t ip) {
    uint32_t next = atomic_load(&next_noted);
    for (uint32_t i = 1; i <= NOTED; i++) {
        const struct noted_signal *one = &noted[(next - i) % NOTED];
        if (atomic_load(&one->thread_id) == thread_id &&
            one->registers.value[HAK_REGISTER_IP] == ip)
            return one;
    }
    return NULL;
}

/* The outermost handler that is on the stack of the incident, by the signal that it handles. */
static const struct noted_signal *find_on_stack(const struct hak_incident *incident,
                                                uint32_t self) {
    for (size_t i = incident->frame_count; i-- > 1;) {
        const struct noted_signal *one = noted_at(self, incident->frames[i]);
        if (one && incident->frames[i - 1] == one->returns_to)
            return one;
    }
    return NULL;
}

bool hak_crash_is_in_stop(const struct hak_incident *incident) {
    const struct noted_signal *one = find_on_stack(incident, (uint32_t)hak_raw_call(SYS_gettid));
    return one && one->is_reported;
}

static bool is_readable(const void *at, size_t bytes) {
    uintptr_t from = (uintptr_t)at & ~(uintptr_t)7;
    return hak_raw_readable(from) && hak_raw_readable((from + bytes) & ~(uintptr_t)7);
}

/* The process sent itself the signal that another thread's handler had got: that thread is still in
 * it, as its frame tells. */
static const struct noted_signal *find_elsewhere(const struct hak_incident *incident,
                                                 uint32_t self) {
    long process = hak_raw_call(SYS_getpid);
    if (!incident->is_own_sender || incident->code != SI_USER)
        return NULL;
    for (uint32_t i = 0; i < NOTED; i++) {
        const struct noted_signal *one = &noted[i];
        uint32_t thread_id = atomic_load(&one->thread_id);
        if (thread_id == 0 || thread_id == self || one->number != (int)incident->signal ||
            hak_raw_call(SYS_tgkill, process, thread_id) != 0 ||
            !is_readable(one->context, sizeof *one->context))
            continue;
        if (hak_context_ip(one->context) == one->registers.value[HAK_REGISTER_IP] &&
            hak_context_sp(one->context) == one->registers.value[HAK_REGISTER_SP])
            return one;
    }
    return NULL;
}

/* A handler sent itself the signal that it handles, while that was blocked: it comes when the
 * handler has returned, at the very place of the fault. */
static const struct noted_signal *find_returned(const struct hak_incident *incident,
                                                uint32_t self) {
    const struct noted_signal *one = noted_at(self, incident->registers.value[HAK_REGISTER_IP]);
    bool is_same =
        one && one->number == (int)incident->signal &&
        one->registers.value[HAK_REGISTER_SP] == incident->registers.value[HAK_REGISTER_SP];
    return is_same && (incident->is_own_sender || incident->code > 0) ? one : NULL;
}

/* Frames of the handler itself: those up to where it would return to. */
static void keep_handler_frames(struct hak_incident *incident, const struct noted_signal *origin) {
    for (size_t i = 0; i < incident->frame_count && i < HAK_REPORT_HANDLER_FRAMES &&
                       incident->frames[i] != origin->returns_to;
         i++)
        incident->handler_frames[i] = incident->frames[i];
}

static void take_over(struct hak_incident *incident, const struct noted_signal *origin) {
    incident->handler_signal = incident->signal;
    incident->handler_code = incident->code;
    incident->signal = (uint32_t)origin->number;
    incident->code = origin->code;
    incident->sender = origin->sender;
    incident->is_own_sender = origin->sender != 0 && is_own(origin->sender);
    incident->address = incident->facts.found_address = origin->address;
    incident->thread = origin->thread;
    memcpy(incident->created, origin->created, sizeof incident->created);
    incident->trap = origin->trap;
    incident->trap_error = origin->trap_error;
    incident->flags = origin->flags;
    incident->registers = origin->registers;
    incident->is_reported = origin->is_reported;
}

/* ---- is the stack full? ------------------------------------------------------------------------
 */

/* One past the last byte of the calling thread's stack. */
static uintptr_t top_of_stack(void) {
    extern void *__libc_stack_end;
    if (hak_stack_bounds.high)
        return hak_stack_bounds.high;
    return hak_raw_call(SYS_getpid) == hak_raw_call(SYS_gettid) ? (uintptr_t)__libc_stack_end
                                                                : hak_thread_pointer();
}

/* The bytes of the thread's stack when the access that failed lay right below it, near to the stack
 * pointer; else 0. */
static uint64_t full_stack(const struct hak_incident *incident) {
    uintptr_t address = incident->address, sp = incident->registers.value[HAK_REGISTER_SP];
    uintptr_t top = top_of_stack(), low = (address | (HAK_PAGE_BYTES - 1)) + 1;
    if (incident->signal != SIGSEGV ||
        (incident->code != SEGV_MAPERR && incident->code != SEGV_ACCERR) || address >= top ||
        sp >= top || address - sp + NEAR_BYTES > 2 * (uintptr_t)NEAR_BYTES ||
        hak_raw_readable(address & ~(uintptr_t)7))
        return 0;
    while (low < top && low < address + NEAR_BYTES && !hak_raw_readable(low))
        low += HAK_PAGE_BYTES;
    if (top - low > STACK_LOOKED_AT)
        return 0;
    for (uintptr_t page = low; page < top; page += HAK_PAGE_BYTES)
        if (!hak_raw_readable(page))
            return 0;
    return top - low;
}

static void find_origin(struct hak_incident *incident) {
    uint32_t self = (uint32_t)hak_raw_call(SYS_gettid);
    hak_crash_unwind(incident);
    const struct noted_signal *origin = find_on_stack(incident, self);
    if (origin)
        keep_handler_frames(incident, origin);
    else
        origin = find_elsewhere(incident, self);
    if (!origin)
        origin = find_returned(incident, self);
    if (origin) {
        take_over(incident, origin);
        hak_crash_unwind(incident);
    }
    incident->full_stack_bytes = full_stack(incident);
    if (incident->is_reported)
        return;
    hak_crash_look_at_address(incident);
    if (incident->full_stack_bytes == 0)
        hak_crash_look_at_heap(incident);
}

/* ---- the handler -------------------------------------------------------------------------------
 */

/* The process goes on to die of the signal, as without us: where it happened, with what the kernel
 * said of it, when the handler returns. */
static void let_default_end(int number, const siginfo_t *info, ucontext_t *context) {
    uint64_t before;
    if (hak_call_is_forbidden(SYS_rt_sigaction) && is_from_kernel(info)) {
        /* A sandbox leaves us but the return from the handler: a fault whose signal is blocked
         * then ends the process by it. */
        hak_signals_add(&context->uc_sigmask, number);
        return;
    }
    long process = hak_raw_call(SYS_getpid);
    long thread = hak_raw_call(SYS_gettid);
    hak_block_signals(&before);
    hak_crash_note_end(number);
    hak_raw_default_signal(number);
    if (hak_raw_call(SYS_rt_tgsigqueueinfo, process, thread, number, info) != 0)
        (void)hak_raw_call(SYS_tgkill, process, thread, number);
}

/* A signal to PID 1 from processes of its own does nothing, as long as it has no handler. A signal
 * that the kernel raised ends it only when it is raised again. */
static bool end_as_first_process(int number, const siginfo_t *info) {
    if (hak_raw_call(SYS_getpid) != 1)
        return false;
    if (is_from_kernel(info) && (number == SIGTRAP || number == SIGSYS))
        hak_crash_die_by(number);
    hak_raw_default_signal(number);
    return true;
}

static void describe_death(struct hak_incident *incident, int number, const siginfo_t *info,
                           const ucontext_t *context) {
    hak_registers_from_context(&incident->registers, context);
    take_trap(info, context, &incident->trap, &incident->trap_error);
    incident->flags = flags_of(context);
    incident->facts.class_found = incident->facts.class_due = HAK_CLASS_NONE;
    incident->facts.found_address = incident->address = address_of(info);
    incident->signal = (uint32_t)number;
    incident->code = info->si_code;
    incident->sender = sender_of(info);
    incident->is_own_sender = incident->sender != 0 && is_own(incident->sender);
    incident->end_signal = number;
    incident->look = find_origin;
}

/* Enters the report of what `info` tells of. */
static struct hak_incident *enter(int number, const siginfo_t *info, const ucontext_t *context) {
    (void)hak_current_ready(); /* a child that no handler told of forgets what its parent was at */
    struct hak_report_other mine = {
        .signal = (uint32_t)number, .address = address_of(info), .ip = hak_context_ip(context)};
    struct hak_incident *incident = hak_crash_enter(&mine);
    if (incident)
        describe_death(incident, number, info, context);
    else
        hak_crash_go_on();
    return incident;
}

static void report_death(int number, const siginfo_t *info, void *context) {
    bool is_first = hak_raw_call(SYS_getpid) == 1;
    if (is_first && !is_from_kernel(info))
        return;
    (void)enter(number, info, context);
    hak_crash_report();
    if (!end_as_first_process(number, info))
        let_default_end(number, info, context);
}

/* ---- accesses to blocks that were given back, or by a wrong memory tag -------------------------
 */

static bool is_heap_fault(int number, const siginfo_t *info) {
    return is_from_kernel(info) &&
           (is_late(number, info) ||
            hak_crash_is_heap_fault(number, info->si_code, address_of(info)));
}

static void look_at_access_to_stop(struct hak_incident *incident) {
    find_origin(incident);
    incident->is_known = hak_crash_is_known_place();
    incident->is_reported =
        incident->is_reported || incident->is_known || !hak_crash_is_first_stop();
}

static void look_at_access_to_go_on(struct hak_incident *incident) {
    find_origin(incident);
    incident->is_known = true;
    incident->is_reported = incident->is_reported || !hak_crash_may_report(incident);
}

/* Reports an access to memory that was given back, and returns: to the program when it is to go on
 * and the page is open now, or dies of it (true), else to what the program itself does about the
 * signal. A thread that dies of it keeps the right to report, so that no other thread that does the
 * same at this moment reports it again. */
static bool report_access(int number, const siginfo_t *info, ucontext_t *context) {
    bool stops = hak_options.on_fault == HAK_ON_FAULT_STOP;
    struct hak_incident *incident = enter(number, info, context);
    incident->end_signal = 0;
    incident->look = stops ? look_at_access_to_stop : look_at_access_to_go_on;
    hak_crash_report();
    if (stops && incident->is_known && !incident->is_reported)
        hak_crash_make_place_known();
    bool goes_on = (incident->is_known || !stops) &&
                   (is_late(number, info)   ? true /* the access was carried out */
                    : hak_crash_is_by_tag() ? hak_tags_deafen_interrupted(context)
                                            : hak_crash_reopen(address_of(info)));
    bool dies = stops && !goes_on && !hak_actions_has_handler(number);
    if (!dies)
        hak_crash_leave();
    else if (!end_as_first_process(number, info))
        let_default_end(number, info, context);
    return goes_on || dies;
}

/* ---- debug registers -------------------------------------------------------------------------
 */

bool hak_trace_hears_accesses(void) {
    uint64_t blocked = 0;
    return hak_raw_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, &blocked, 8) == 0 &&
           (blocked >> (SIGSEGV - 1) & 1) == 0 && hak_actions_stand(SIGSEGV) && !hak_is_emulated();
}

bool hak_trace_hears_traps(void) {
    return hak_actions_stand(SIGTRAP) && !hak_is_emulated();
}

/* False: the signal is the program's. An access of our own means nothing, and what a thread does
 * that reports is looked at by nobody. */
static __attribute__((noinline)) bool answer_watchpoint(const siginfo_t *info,
                                                        const ucontext_t *context) {
    struct hak_fault_facts facts;
    struct hak_registers registers;
    hak_registers_from_context(&registers, context);
    struct hak_stopped stopped = {.registers = &registers,
                                  .flags = flags_of(context),
                                  .is_own = hak_is_own_text(registers.value[HAK_REGISTER_IP] - 1),
                                  .is_in_memmove = hak_crash_is_in_memmove};
    enum hak_trapped what = hak_crash_trapped(info, &stopped, &facts);
    if (what == HAK_TRAPPED_NOT)
        return false;
    if (what == HAK_TRAPPED_NOTHING || hak_crash_is_reporting() || stopped.is_own)
        return true;
    bool is_behind = what == HAK_TRAPPED_FAULT &&
                     !hak_crash_is_in_repeat(&registers, flags_of(context), facts.found_address);
    hak_crash_report_fault(&facts, &registers, flags_of(context), is_behind);
    return true;
}

/* A call of the malloc family met a page of its heap that the program has closed, or that another
 * thread gives back at this moment: the page is opened, and the call goes on. */
static __attribute__((noinline)) bool opens_for_family(int number, const siginfo_t *info,
                                                       const ucontext_t *context) {
    struct hak_registers registers;
    if (number != SIGSEGV || (info->si_code != SEGV_ACCERR && info->si_code != SEGV_MAPERR))
        return false;
    uintptr_t given = (uintptr_t)hak_action_given;
    if (given != 0 && address_of(info) - given < sizeof(struct sigaction)) {
        hak_action_given = NULL; /* the program may leave the call */
        return false;
    }
    hak_registers_from_context(&registers, context);
    return hak_crash_is_of_own(&registers) &&
           hak_crash_open_closed(address_of(info), registers.value[HAK_REGISTER_SP]);
}

/* An access by a wrong memory tag that is none of the program's, or that may go on: of hakmem's
 * own, which is deaf mostly, or as guard says. Where the page cannot be written, and so gets no
 * tag, the thread goes on deaf. */
static __attribute__((noinline)) bool lets_tag_pass(const siginfo_t *info, ucontext_t *context) {
    struct hak_registers registers;
    if (is_late(SIGSEGV, info) && hak_tags_are_known() && !hak_tags_are_given()) {
        hak_tags_stop(); /* of this thread, which did not know yet */
        return true;
    }
    if (!hak_crash_is_by_tag())
        return false;
    hak_registers_from_context(&registers, context);
    bool is_own = hak_crash_is_of_own(&registers);
    if (!is_own && !hak_crash_allows_tag(address_of(info), &registers))
        return false;
    return is_own || !hak_crash_tag_fits(address_of(info)) ? hak_tags_deafen_interrupted(context)
                                                           : true;
}

/* True when the calling thread's handler was run for this very access, which was reported: it has
 * returned, and the access came again. */
static bool is_again(const siginfo_t *info, const ucontext_t *context) {
    const struct noted_signal *one =
        noted_at((uint32_t)hak_raw_call(SYS_gettid), hak_context_ip(context));
    return one && one->is_reported && one->address == address_of(info) &&
           one->registers.value[HAK_REGISTER_SP] == hak_context_sp(context);
}

/* Was the SIGABRT raised by abort? That ends the process also when a handler returns, and resets
 * the action by a way of its own. */
static __attribute__((noinline)) bool is_from_abort(const siginfo_t *info, const void *context) {
    struct hak_registers registers;
    struct hak_object object;
    struct hak_cfi cfi;
    enum hak_unwind_end end;
    uintptr_t ips[ABORT_DEPTH];
    if (is_from_kernel(info) || !is_own(info->si_pid))
        return false;
    hak_registers_from_context(&registers, context);
    size_t count = hak_unwind_from(&registers, ips, ABORT_DEPTH, &end);
    for (size_t i = 1; i < count; i++)
        if (hak_object_find(ips[i] - 1, &object) && hak_cfi_find(&object, ips[i] - 1, &cfi) &&
            cfi.start == (uintptr_t)abort)
            return true;
    return false;
}

/* A read of hakmem's own of what the program hands to the kernel: it goes on without. */
static bool stops_copy(const siginfo_t *info, ucontext_t *context) {
    bool is_of_copy = (info->si_signo == SIGSEGV || info->si_signo == SIGBUS) &&
                      is_from_kernel(info) && hak_context_ip(context) == (uintptr_t)hak_copy_at &&
                      !is_late(info->si_signo, info) && info->si_code != HAK_TAGS_FAULT;
    if (is_of_copy)
        hak_context_set_ip(context, hak_copy_stopped);
    return is_of_copy;
}

/* The program's handler that is to run; NULL = none, the handler is through. */
static handler_function *choose_deaf(int number, siginfo_t *info, void *context) {
    struct sigaction action;
    int saved_errno = errno;
    bool is_ours = false;
    if (number == SIGTRAP && answer_watchpoint(info, context)) {
        errno = saved_errno;
        return NULL;
    }
    if ((number == SIGSEGV && hak_crash_refuses_touch(info, context)) ||
        hak_mask_defers(number, info)) {
        errno = saved_errno;
        return NULL;
    }
    if (hak_crash_is_reporting()) {
        if (is_late(number, info))
            hak_crash_put_off_late_tag();
        else if (is_from_kernel(info))
            hak_crash_go_on();
        return NULL;
    }
    if ((number == SIGSEGV &&
         (lets_tag_pass(info, context) || hak_crash_carry_out(info, context))) ||
        opens_for_family(number, info, context)) {
        errno = saved_errno;
        return NULL;
    }
    if (is_heap_fault(number, info)) {
        bool again = !is_late(number, info) && is_again(info, context);
        bool goes_on = !again && report_access(number, info, context);
        if (again)
            report_death(number, info, context);
        errno = saved_errno;
        if (again || goes_on)
            return NULL;
        remember_signal(number, info, context, true);
        is_ours = true;
    }
    hak_actions_take(number, &action);
    if (action.sa_handler == SIG_IGN)
        return NULL; /* set since the signal was sent */
    if (action.sa_handler == SIG_DFL) {
        report_death(number, info, context);
        errno = saved_errno;
        return NULL;
    }
    remember_signal(number, info, context, is_ours);
    errno = saved_errno;
    return action.sa_sigaction; /* one with one argument does not look at the others */
}

static __attribute__((noinline)) handler_function *choose(int number, siginfo_t *info,
                                                          void *context) {
    uintptr_t ear = hak_tags_begin_own();
    handler_function *handler = NULL;
    if (!stops_copy(info, context)) { /* of this handler, too, whose tag stays */
        hak_crash_take_tag(info);
        handler = choose_deaf(number, info, context);
    }
    hak_tags_end_own(ear);
    return handler;
}

static __attribute__((noinline)) void run_for_abort(handler_function *handler, int number,
                                                    siginfo_t *info, void *context) {
    handler(number, info, context);
    report_death(number, info, context);
}

/* Has no memory of its own on the stack, so that the last call is a jump: functions that need some
 * are not inlined. */
static void on_crash(int number, siginfo_t *info, void *context) {
    returns_to = (uintptr_t)__builtin_return_address(0);
    handler_function *handler = choose(number, info, context);
    if (!handler)
        return;
    if (number == SIGABRT && is_from_abort(info, context)) {
        run_for_abort(handler, number, info, context);
        return;
    }
    handler(number, info, context);
}

void hak_crash_start(void) {
    hak_raw_report_start();
    if (!hak_current.session && hak_options.trace)
        return;
    hak_thread_begin_stacks();
    hak_actions_start(on_crash);
}
