/* Crash signals: hakmem's handler stands in front, the program reads back its own and has it run.
 *
 *   program's action   kernel's          at the signal
 *   default            on_crash          report, then the default action
 *   a handler          on_crash          the handler, with its own flags and mask; no report
 *   ignore             ignore            nothing (executed programs inherit it)
 *
 * The table below is written with all signals blocked, under a lock; handlers only read it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "superslab.h"
#include "trace/crash.h"
#include "trace/current.h"
#include "trace/ring.h"
#include "trace/trace.h"
#include "trace/wait.h"

enum { SIGNALS = 65 };

/* glibc's own, which the functions below stand in front of. */
extern int __sigaction(int, const struct sigaction *, struct sigaction *);
extern sighandler_t ssignal(int, sighandler_t);

static struct sigaction wanted[SIGNALS]; /* as the program set it */
static bool is_started;
static _Atomic uint32_t lock;

static bool is_watched(int number) {
    switch (number) {
    case SIGSEGV:
    case SIGBUS:
    case SIGABRT:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
        return is_started && !hak_writer.in_vfork_child;
    default:
        return false;
    }
}

static void take_lock(uint64_t *signals) {
    uint32_t free = 0;
    hak_block_signals(signals);
    for (; !atomic_compare_exchange_strong(&lock, &free, 1); free = 0)
        hak_wait_on(&lock, 1, HAK_MILLISECOND_NS);
}

static void drop_lock(const uint64_t *signals) {
    atomic_store(&lock, 0);
    hak_restore_signals(signals);
}

void hak_crash_signals_forget(void) {
    atomic_store(&lock, 0);
}

static void on_crash(int number, siginfo_t *info, void *context);

/* Tells the kernel what the program's action comes to. */
static int install(int number) {
    const struct sigaction *program = &wanted[number];
    struct sigaction kernel = *program;
    if (program->sa_handler == SIG_DFL) {
        sigfillset(&kernel.sa_mask);
        kernel.sa_flags = SA_SIGINFO | SA_ONSTACK;
        kernel.sa_sigaction = on_crash;
    } else if (program->sa_handler != SIG_IGN) {
        kernel.sa_flags = (int)(program->sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
        kernel.sa_sigaction = on_crash;
    }
    return __sigaction(number, &kernel, NULL);
}

/* The process dies of `number`: the report, then the signal's default action where it happened, so
 * that a core shows it. */
static void report_death(int number, const siginfo_t *info, const void *context) {
    struct hak_fault_facts none = {.class_found = HAK_CLASS_NONE, .class_due = HAK_CLASS_NONE};
    struct hak_incident incident = {
        .facts = &none, .signal = (uint32_t)number, .signal_code = info->si_code};
    bool is_synchronous = info->si_code > 0 && number != SIGTRAP && number != SIGABRT;
    if (!hak_crash_enter())
        hak_crash_die_by(number);
    if (info->si_code > 0)
        none.found_address = incident.signal_address = (uint64_t)(uintptr_t)info->si_addr;
    hak_registers_from_context(&incident.registers, context);
    incident.frame_count =
        hak_unwind_from(&incident.registers, incident.frames, HAK_REPORT_FRAMES, &incident.end);
    hak_crash_report(&incident);
    hak_raw_default_signal(number);
    if (!is_synchronous) /* else it comes again by itself when this handler returns */
        (void)hak_raw_call(SYS_tgkill, hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
                           hak_raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0), number, 0, 0, 0);
}

static void on_crash(int number, siginfo_t *info, void *context) {
    struct sigaction program = wanted[number];
    int saved_errno = errno;
    if (program.sa_handler == SIG_IGN)
        return; /* set since the signal was sent */
    if (program.sa_handler == SIG_DFL) {
        report_death(number, info, context);
        errno = saved_errno;
        return;
    }
    if (program.sa_flags & (int)SA_RESETHAND) {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        (void)sigaction(number, &standard, NULL);
    }
    program.sa_sigaction(number, info, context); /* a one-argument handler ignores the rest */
}

HAK_EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *before) {
    uint64_t signals;
    if (!is_watched(number))
        return __sigaction(number, action, before);
    struct sigaction asked;
    if (action)
        asked = *action; /* read first: it may be bad memory, or the same as `before` */
    take_lock(&signals);
    struct sigaction old;
    int result = __sigaction(number, NULL, &old);
    if (result == 0 && old.sa_sigaction == on_crash)
        old = wanted[number]; /* else the program went another way to the kernel */
    if (action) {
        wanted[number] = asked;
        result = install(number);
        if (result != 0)
            wanted[number] = old;
    }
    drop_lock(&signals);
    if (before && result == 0)
        *before = old;
    return result;
}

HAK_EXPORT sighandler_t signal(int number, sighandler_t handler) {
    if (!is_watched(number))
        return ssignal(number, handler);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, number);
    return sigaction(number, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}

void hak_crash_start(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP};
    if (!hak_current.session)
        return;
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (__sigaction(numbers[i], NULL, &wanted[numbers[i]]) == 0)
            (void)install(numbers[i]);
    is_started = true;
}
