/* Keeps the program's actions for signals, and the functions with which it sets them.
 *
 * Each action is copied out without a lock by handlers, which look at its version before and after;
 * it is written with all signals blocked, under a lock, its version odd meanwhile. */
#include "trace/signals/signals.h"
#include <errno.h>
#include <string.h>
#include "trace/memory/memory.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "platform/block_signals.h"
#include "platform/raw_call.h"
#include "platform/readable.h"
#include "platform/tags.h"

enum { PATIENCE_MS = 1000 };

/* glibc's, which the functions below stand in front of. */
extern int __sigaction(int, const struct sigaction *, struct sigaction *);

static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
enum { COUNT = sizeof numbers / sizeof *numbers };

static struct program_action {
    _Atomic uint32_t version;
    struct sigaction action; /* as the kernel would give it back */
} actions[HAK_SIGNALS];
static void (*in_front)(int, siginfo_t *, void *); /* NULL = nothing is watched */
static _Atomic uint32_t lock;
_Thread_local const void *volatile hak_action_given __attribute__((tls_model("initial-exec")));
static _Atomic uint64_t interrupting; /* signals that siginterrupt made so, for signal() */

/* The signals that are handled in front of the program's actions, a bit each. */
uint64_t hak_actions_watched(void) {
    uint64_t set = 0;
    for (int i = 0; i < COUNT; i++)
        set |= (uint64_t)1 << (numbers[i] - 1);
    return set;
}

static bool is_handled_in_front(int number) {
    return in_front && number > 0 && number < HAK_SIGNALS &&
           (hak_actions_watched() >> (number - 1) & 1) != 0;
}

/* Blocks signals and takes the lock, or after PATIENCE_MS goes on without: its holder is not
 * there. */
static void lock_actions(uint64_t *signals) {
    uint32_t free = 0;
    hak_block_signals(signals);
    uint64_t deadline = hak_monotonic_ns() + PATIENCE_MS * HAK_MILLISECOND_NS;
    /* Nobody holds it for long; in a child of a fork that we were not told of, nobody is there. */
    for (; !atomic_compare_exchange_strong(&lock, &free, 1) && hak_monotonic_ns() < deadline;
         free = 0)
        hak_wait_on(&lock, 1, HAK_MILLISECOND_NS);
}

/* Gives the lock back and restores the signals. */
static void unlock_actions(const uint64_t *signals) {
    atomic_store(&lock, 0);
    hak_wake(&lock);
    hak_restore_signals(signals);
}

void hak_actions_forget(void) {
    atomic_store(&lock, 0);
    for (int number = 1; number < HAK_SIGNALS; number++)
        if (atomic_load(&actions[number].version) & 1)
            atomic_fetch_add(&actions[number].version, 1);
}

void hak_action_write(int number, const struct sigaction *action) {
    struct program_action *to = &actions[number];
    atomic_fetch_add(&to->version, 1);
    atomic_thread_fence(memory_order_release); /* no byte is seen before the odd version */
    to->action = *action;
    atomic_fetch_add(&to->version, 1);
}

void hak_action_read(int number, struct sigaction *action) {
    const struct program_action *from = &actions[number];
    for (unsigned tries = 0;; tries++) {
        uint32_t version = atomic_load(&from->version);
        *action = from->action;
        atomic_thread_fence(memory_order_acquire);
        if ((version & 1) == 0 && atomic_load(&from->version) == version)
            return;
        if (tries == PATIENCE_MS) /* the writer is in another process by now */
            return;
        if (tries > 10)
            (void)hak_raw_call(SYS_sched_yield);
    }
}

/* Tells the kernel what the program's action comes to, and notes the action with what the kernel
 * makes of its flags and mask. The lock is held. 0, or -1 with errno. */
static int set_action(int number, const struct sigaction *asked) {
    struct sigaction kernel = *asked, noted = *asked, before;
    if (asked->sa_handler == SIG_DFL) {
        /* Our handler's own faults must come to it. */
        kernel.sa_mask = (sigset_t){{~(hak_actions_watched() | HAK_OF_LIBC)}};
        kernel.sa_flags =
            (int)(asked->sa_flags & ~SA_RESETHAND) | SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        kernel.sa_sigaction = in_front;
    } else if (asked->sa_handler != SIG_IGN) {
        kernel.sa_flags = (int)(asked->sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
        kernel.sa_sigaction = in_front;
    }
    if (hak_tags_are_known() && kernel.sa_sigaction == in_front)
        kernel.sa_flags |= HAK_TAGS_EXPOSE;
    hak_mask_keep(number, &kernel);
    hak_action_read(number, &before);
    hak_action_write(number, asked);
    int result = __sigaction(number, &kernel, NULL);
    if (result != 0 || __sigaction(number, NULL, &kernel) != 0) {
        hak_action_write(number, &before);
        return -1;
    }
    noted.sa_restorer = kernel.sa_restorer;
    noted.sa_flags = (int)((asked->sa_flags & (kernel.sa_flags | SA_RESETHAND)) |
                           (kernel.sa_flags & 0x04000000 /* SA_RESTORER, of libc */));
    hak_signals_remove(&noted.sa_mask, SIGKILL);
    hak_signals_remove(&noted.sa_mask, SIGSTOP);
    hak_action_write(number, &noted);
    return 0;
}

void hak_actions_take(int number, struct sigaction *action) {
    uint64_t signals;
    int saved_errno = errno;
    hak_action_read(number, action);
    if (!((unsigned)action->sa_flags & SA_RESETHAND) || action->sa_handler == SIG_DFL ||
        action->sa_handler == SIG_IGN)
        return;
    lock_actions(&signals);
    hak_action_read(number, action);
    if (((unsigned)action->sa_flags & SA_RESETHAND) && action->sa_handler != SIG_IGN) {
        struct sigaction standard = *action;
        standard.sa_handler = SIG_DFL;
        (void)set_action(number, &standard);
    }
    unlock_actions(&signals);
    errno = saved_errno;
}

bool hak_actions_has_handler(int number) {
    struct sigaction action;
    if (__sigaction(number, NULL, &action) != 0)
        return false;
    if (in_front && action.sa_sigaction == in_front)
        hak_action_read(number, &action);
    return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

bool hak_actions_stand(int number) {
    struct sigaction action;
    return in_front && __sigaction(number, NULL, &action) == 0 && action.sa_sigaction == in_front;
}

uintptr_t hak_actions_restorer(void) {
    for (int i = 0; i < COUNT; i++)
        if (actions[numbers[i]].action.sa_restorer)
            return (uintptr_t)actions[numbers[i]].action.sa_restorer;
    return 0;
}

void hak_actions_start(void (*ours)(int, siginfo_t *, void *)) {
    uint64_t signals;
    hak_mask_start();
    lock_actions(&signals);
    in_front = ours;
    for (int i = 0; i < COUNT; i++) {
        struct sigaction now;
        if (__sigaction(numbers[i], NULL, &now) != 0)
            continue;
        if (now.sa_handler != SIG_IGN)
            (void)set_action(numbers[i], &now);
        hak_action_write(numbers[i], &now);
    }
    unlock_actions(&signals);
}

void hak_action_copy(struct sigaction *to, const struct sigaction *from, const void *given) {
    hak_action_given = given;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *to = *from;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    hak_action_given = NULL;
}

/* ---- the program's functions ------------------------------------------------------------------
 */

/* A bad one is left to libc, where the program dies by itself. */
static bool is_action_there(const struct sigaction *action) {
    return hak_may_read(action, sizeof *action);
}

/* Does sigaction for the program's call by any of its names: a handler of a signal that is handled
 * in front is only noted. A preload in front would see a call of our own as the program's. 0, or -1
 * with errno. */
static int act(int number, const struct sigaction *action, struct sigaction *before) {
    uint64_t signals;
    int heard;
    if (hak_user_signal_act(number, action, before, &heard))
        return heard;
    struct sigaction asked, old;
    if (action && !is_action_there(action))
        return __sigaction(number, action, before);
    if (!is_handled_in_front(number)) {
        bool is_none =
            number < 1 || number >= HAK_SIGNALS || (HAK_OF_LIBC >> (number - 1) & 1) != 0;
        if (!action || !hak_kept_signals || is_none) /* which reads no action of what is none */
            return __sigaction(number, action, before);
        hak_action_copy(&asked, action, action);
        hak_mask_keep(number, &asked);
        return __sigaction(number, &asked, before);
    }
    if (action)
        /* Read first: it may be bad memory, or the same as `before`. */
        hak_action_copy(&asked, action, action);
    (void)hak_current_ready(); /* a child of a fork that we were not told of is its own */
    lock_actions(&signals);
    int result = __sigaction(number, NULL, &old);
    if (result == 0 && old.sa_sigaction == in_front)
        hak_action_read(number, &old); /* else the program went another way to the kernel */
    if (action && asked.sa_handler == SIG_IGN)
        hak_mask_release(number);
    if (action && result == 0)
        result =
            !hak_is_own_process() ? __sigaction(number, &asked, NULL) : set_action(number, &asked);
    unlock_actions(&signals);
    if (before && result == 0 && !is_action_there(before))
        return __sigaction(number, NULL, before);
    if (before && result == 0)
        hak_action_copy(before, &old, before);
    return result;
}

HAK_EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *before) {
    return act(number, action, before);
}

/* Does what libc's signal functions do, which would go to the kernel past act(). */
static sighandler_t set_handler(int number, sighandler_t handler, int flags, bool is_deferred) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, before;
    if (handler == SIG_ERR || number < 1 || number >= HAK_SIGNALS) {
        errno = EINVAL;
        return SIG_ERR;
    }
    if (is_deferred)
        hak_signals_add(&action.sa_mask, number);
    return act(number, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}

static bool is_interrupting(int number) {
    return number > 0 && number < HAK_SIGNALS &&
           (atomic_load(&interrupting) >> (number - 1) & 1) != 0;
}

static sighandler_t set_bsd_handler(int number, sighandler_t handler) {
    return set_handler(number, handler, is_interrupting(number) ? 0 : SA_RESTART, true);
}

HAK_EXPORT sighandler_t signal(int number, sighandler_t handler) {
    return set_bsd_handler(number, handler);
}

/* No header declares these under all standards. */
HAK_EXPORT sighandler_t bsd_signal(int, sighandler_t);
HAK_EXPORT sighandler_t ssignal(int, sighandler_t);
HAK_EXPORT sighandler_t __sysv_signal(int, sighandler_t);

sighandler_t bsd_signal(int number, sighandler_t handler) {
    return set_bsd_handler(number, handler);
}

sighandler_t ssignal(int number, sighandler_t handler) {
    return set_bsd_handler(number, handler);
}

static sighandler_t set_sysv_handler(int number, sighandler_t handler) {
    return set_handler(number, handler, (int)(SA_RESETHAND | SA_NODEFER | SA_INTERRUPT), false);
}

HAK_EXPORT sighandler_t sysv_signal(int number, sighandler_t handler) {
    return set_sysv_handler(number, handler);
}

sighandler_t __sysv_signal(int number, sighandler_t handler) {
    return set_sysv_handler(number, handler);
}

/* The program's sigset, over the handlers that hakmem keeps for itself. */
HAK_EXPORT sighandler_t sigset(int number, sighandler_t handler) {
    struct sigaction action = {.sa_handler = handler}, before;
    sigset_t one = {{0}}, mask;
    if (number < 1 || number >= HAK_SIGNALS || (HAK_OF_LIBC >> (number - 1) & 1) != 0) {
        errno = EINVAL;
        return SIG_ERR;
    }
    hak_signals_add(&one, number);
    if (handler == SIG_HOLD) {
        if (sigprocmask(SIG_BLOCK, &one, &mask) != 0)
            return SIG_ERR;
        if (hak_signals_hold(&mask, number))
            return SIG_HOLD;
        return act(number, NULL, &before) == 0 ? before.sa_handler : SIG_ERR;
    }
    if (act(number, &action, &before) != 0 || sigprocmask(SIG_UNBLOCK, &one, &mask) != 0)
        return SIG_ERR;
    return hak_signals_hold(&mask, number) ? SIG_HOLD : before.sa_handler;
}

HAK_EXPORT int sigignore(int number) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    return act(number, &action, NULL);
}

/* The program's siginterrupt: sets or takes SA_RESTART of its action; later calls of signal() heed
 * it. 0, or -1 with errno. */
HAK_EXPORT int siginterrupt(int number, int flag) {
    struct sigaction action;
    if (act(number, NULL, &action) != 0)
        return -1;
    uint64_t one = (uint64_t)1 << (number - 1);
    if (flag) {
        atomic_fetch_or(&interrupting, one);
        action.sa_flags &= ~SA_RESTART;
    } else {
        atomic_fetch_and(&interrupting, ~one);
        action.sa_flags |= SA_RESTART;
    }
    return act(number, &action, NULL);
}
