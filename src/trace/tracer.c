/* Makes the process that traces, stops threads and lets them go. */
#include "trace/tracer.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include "interrupted.h"
#include "platform/block_signals.h"
#include "platform/raw_call.h"
#include "trace/wait.h"
#include HAK_ARCH_FILE(traced.h)

enum {
    WAIT_ANY_CHILD = 0x40000000 /* __WALL */,
    WAIT_AT_ONCE = 1,
    YIELDS = 20,                  /* before it sleeps between two looks */
    RESTART_UNLESS_HANDLED = 514, /* the kernel's ERESTARTNOHAND: EINTR where a handler runs */
    STOP_OF_INTERRUPT = 128,      /* PTRACE_EVENT_STOP */
};

/* ---- the process ----------------------------------------------------------------------------- */

struct errand {
    void (*run)(void *);
    void *argument;
    _Atomic uint32_t may_trace; /* the program has allowed it to */
    bool is_done;
};

/* clone(2) with `flags`; the child calls `run(argument)` on the stack that ends at `top` and ends.
 * Returns the child's process id, or the negative errno. */
HAK_HIDDEN long hak_tracer_clone(char *top, void (*run)(void *), void *argument, long flags);
#include HAK_ARCH_FILE(clone_stack.h)

/* In the helper: waits until it may trace, does the errand, and leaves no core and no helper
 * behind. */
static void begin(void *argument) {
    struct errand *errand = argument;
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        hak_raw_default_signal(faults[i]);
    /* No core of it: 1 is what also a program that takes cores understands (core(5)). */
    struct rlimit no_core = {1, 1};
    (void)hak_raw_call(SYS_prlimit64, 0, RLIMIT_CORE, &no_core, 0);
    (void)hak_raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    while (!atomic_load(&errand->may_trace))
        hak_wait_on(&errand->may_trace, 0, HAK_MILLISECOND_NS);
    errand->run(errand->argument);
    errand->is_done = true;
}

/* Waits until the child has ended. */
static void wait_for(long child) {
    long result;
    int status;
    do
        result = hak_raw_call(SYS_wait4, child, &status, WAIT_ANY_CHILD, 0);
    while (result == -EINTR);
}

/* True when a call that the helper needs is forbidden. */
static bool is_barred(void) {
    static const short calls[] = {SYS_clone, SYS_wait4, SYS_prctl, SYS_rt_sigaction};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (hak_call_is_forbidden(calls[i]))
            return true;
    return false;
}

enum hak_tracer_end hak_tracer_run(char *stack, size_t bytes, void (*run)(void *), void *argument) {
    struct errand errand = {.run = run, .argument = argument};
    uint64_t signals;
    if (is_barred())
        return HAK_TRACER_NOT_MADE;
    hak_block_signals(&signals);
    long child =
        hak_tracer_clone(stack + bytes, begin, &errand, CLONE_VM | CLONE_FS | CLONE_UNTRACED);
    if (child > 0) {
        /* Where Yama restricts tracing to ancestors. Allowed for this time only. */
        bool is_restricted = hak_raw_call(SYS_prctl, PR_SET_PTRACER, child) == 0;
        atomic_store(&errand.may_trace, 1);
        hak_wake(&errand.may_trace);
        wait_for(child);
        if (is_restricted)
            (void)hak_raw_call(SYS_prctl, PR_SET_PTRACER, 0);
    }
    hak_restore_signals(&signals);
    return child <= 0 ? HAK_TRACER_NOT_MADE : errand.is_done ? HAK_TRACER_DONE : HAK_TRACER_DIED;
}

/* ---- its threads ----------------------------------------------------------------------------- */

long hak_tracer_seize(int thread) {
    return hak_raw_call(SYS_ptrace, PTRACE_SEIZE, thread, 0, 0);
}

bool hak_tracer_stop(int thread, uint64_t deadline_ns, int *signal) {
    static _Atomic uint32_t never;
    *signal = 0;
    if (hak_raw_call(SYS_ptrace, PTRACE_INTERRUPT, thread, 0, 0) != 0)
        return false;
    for (unsigned looks = 0;; looks++) {
        int status = 0;
        long result = hak_raw_call(SYS_wait4, thread, &status, WAIT_ANY_CHILD | WAIT_AT_ONCE, 0);
        if (result == thread) {
            bool is_interrupt = status >> 16 == STOP_OF_INTERRUPT;
            *signal = is_interrupt ? 0 : status >> 8 & 0xff;
            return (status & 0xff) == 0x7f;
        }
        if ((result < 0 && result != -EINTR) || hak_monotonic_ns() > deadline_ns)
            return false;
        if (looks < YIELDS)
            (void)hak_raw_call(SYS_sched_yield);
        else
            hak_wait_on(&never, 0, HAK_MILLISECOND_NS / 20);
    }
}

/* Lets a thread make the system call again which the stop has ended, where it stands behind one. */
static void restart_call(int thread, const struct user_regs_struct *registers) {
    uint64_t call;
    if (hak_traced_was_interrupted(registers, &call) && hak_call_may_be_made_again(call))
        hak_traced_set_result(thread, -RESTART_UNLESS_HANDLED);
}

bool hak_tracer_read(int thread, struct user_regs_struct *registers) {
    if (!hak_traced_registers(thread, registers))
        return false;
    restart_call(thread, registers);
    return true;
}

void hak_tracer_release(int thread, int signal) {
    (void)hak_raw_call(SYS_ptrace, PTRACE_DETACH, thread, 0, signal);
}
