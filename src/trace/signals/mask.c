/* Keeps SIGTRAP unblocked where a debug register may raise it (hak_kept_signals), since the kernel
 * ends a process that has blocked a signal which it must get.
 *
 * sigprocmask and pthread_sigmask leave it out of the masks that they set, sigaction (actions.c) of
 * those in which handlers run. The mask that the program asked for is remembered for each thread:
 * it reads its mask back as it believes it to be, and a SIGTRAP that it has blocked waits until it
 * unblocks it. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include "platform/block_signals.h"
#include "platform/raw_call.h"
#include "trace/memory/memory.h"
#include "trace/signals/signals.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "platform/symbols.h"

enum { SET_BYTES = 8 };

static void (*release)(void);

typedef int mask_function(int, const sigset_t *, sigset_t *);
/* libc's, to which calls are passed on where nothing is kept; NULL until hakmem has started. */
static mask_function *next_of_process, *next_of_thread;

void hak_mask_start(void) {
    next_of_process = (mask_function *)hak_symbol_next("sigprocmask");
    /* Of libpthread before glibc 2.32, which not every program has. */
    next_of_thread = (mask_function *)hak_symbol_next_since("2.32", "pthread_sigmask");
}

/* Whether the program believes SIGTRAP to be blocked, and a SIGTRAP that waits for it. */
static _Thread_local struct {
    bool is_blocked, is_waiting;
    siginfo_t waiting;
} trap __attribute__((tls_model("initial-exec")));

static bool is_kept(int number) {
    return number > 0 && number < HAK_SIGNALS && (hak_kept_signals >> (number - 1) & 1) != 0;
}

void hak_mask_keep(int number, struct sigaction *kernel) {
    if (!hak_kept_signals || !hak_is_own_process())
        return;
    hak_signals_remove(&kernel->sa_mask, SIGTRAP);
    if (is_kept(number))
        kernel->sa_flags |= SA_NODEFER;
}

void hak_mask_release(int number) {
    if (is_kept(number) && hak_is_own_process() && release)
        release();
}

/* Changes the mask as the kernel has it: SIG_BLOCK or SIG_UNBLOCK. Returns what it was. */
static uint64_t change_kernels(int how, uint64_t signals) {
    uint64_t before = 0;
    (void)hak_raw_call(SYS_rt_sigprocmask, how, &signals, &before, SET_BYTES);
    return before;
}

void hak_trace_keep_traps(void (*at_release)(void)) {
    release = at_release;
    hak_kept_signals = (uint64_t)1 << (SIGTRAP - 1);
    trap.is_blocked = (change_kernels(SIG_UNBLOCK, hak_kept_signals) & hak_kept_signals) != 0;
}

bool hak_mask_defers(int number, const siginfo_t *info) {
    if (!is_kept(number) || !trap.is_blocked || info->si_code > 0)
        return false;
    trap.waiting = *info;
    trap.is_waiting = true;
    return true;
}

/* Sends the SIGTRAP again that came while the program blocked it. */
static void raise_waiting(void) {
    siginfo_t info = trap.waiting;
    if (!trap.is_waiting || trap.is_blocked)
        return;
    trap.is_waiting = false;
    (void)hak_raw_call(SYS_rt_tgsigqueueinfo, hak_raw_call(SYS_getpid), hak_raw_call(SYS_gettid),
                       SIGTRAP, &info);
}

void hak_trace_leave_traps(void) {
    uint64_t kept = hak_kept_signals;
    bool was_blocked = trap.is_blocked;
    hak_kept_signals = 0;
    trap.is_blocked = false;
    if (was_blocked)
        (void)change_kernels(SIG_BLOCK, kept);
    raise_waiting(); /* as it is blocked, the kernel keeps it */
}

bool hak_mask_blocks_traps(void) {
    return trap.is_blocked;
}

void hak_mask_begin_thread(bool creator_blocks_traps) {
    trap.is_blocked = creator_blocks_traps && hak_kept_signals != 0;
}

void hak_mask_enter_child(void) {
    trap.is_waiting = false;
}

/* Changes the thread's signal mask for the program, without blocking the kept signals; 0, or the
 * errno. The kernel itself writes to `before`: into memory that cannot be written it does not, and
 * the mask is changed all the same. */
static int change(int how, const sigset_t *set, sigset_t *before) {
    uint64_t asked = 0, old = 0, kept = hak_is_own_process() ? hak_kept_signals : 0;
    bool was_blocked = trap.is_blocked;
    if (set)
        memcpy(&asked, set, sizeof asked);
    asked &= ~HAK_OF_LIBC;
    bool names_it = (asked & kept) != 0;
    uint64_t given = how == SIG_UNBLOCK ? asked : asked & ~kept;
    long result = hak_raw_call_always(SYS_rt_sigprocmask, how, set ? (long)&given : 0, (long)before,
                                      SET_BYTES, 0, 0);
    if (result != 0 && result != -EFAULT)
        return (int)-result;
    if (kept && set && (how == SIG_SETMASK || names_it))
        trap.is_blocked = how == SIG_SETMASK ? names_it : how == SIG_BLOCK;
    if (kept && was_blocked && before && result == 0) {
        memcpy(&old, before, sizeof old); /* as libc, no more than the kernel's part */
        old |= kept;
        memcpy(before, &old, sizeof old);
    }
    raise_waiting();
    return (int)-result;
}

/* The program's sigprocmask; signals that hakmem needs stay unblocked. 0, or -1 with errno. */
HAK_EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *before) {
    if (!hak_kept_signals && next_of_process)
        return next_of_process(how, set, before);
    int error = change(how, set, before);
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

HAK_EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *before) {
    return !hak_kept_signals && next_of_thread ? next_of_thread(how, set, before)
                                               : change(how, set, before);
}

/* Older names for the same. */

/* Changes the mask as sigprocmask does. -1 with errno. */
static int change_or_fail(int how, const sigset_t *set, sigset_t *before) {
    int error = change(how, set, before);
    if (error != 0)
        errno = error;
    return error == 0 ? 0 : -1;
}

/* Changes the mask by one signal. -1 with errno. */
static int change_one(int how, int number) {
    sigset_t set = {{0}};
    if (number < 1 || number >= HAK_SIGNALS || (HAK_OF_LIBC >> (number - 1) & 1) != 0) {
        errno = EINVAL;
        return -1;
    }
    hak_signals_add(&set, number);
    return change_or_fail(how, &set, NULL);
}

HAK_EXPORT int sighold(int number) {
    return change_one(SIG_BLOCK, number);
}

HAK_EXPORT int sigrelse(int number) {
    return change_one(SIG_UNBLOCK, number);
}

static int change_32(int how, int mask) {
    sigset_t set = {{(unsigned)mask}}, before = {{0}};
    return change_or_fail(how, &set, &before) == 0 ? (int)before.__val[0] : -1;
}

HAK_EXPORT int sigblock(int mask) {
    return change_32(SIG_BLOCK, mask);
}

HAK_EXPORT int sigsetmask(int mask) {
    return change_32(SIG_SETMASK, mask);
}

HAK_EXPORT int siggetmask(void) {
    return change_32(SIG_BLOCK, 0);
}
